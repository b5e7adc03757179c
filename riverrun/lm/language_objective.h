#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "riverrun/core/fields.h"
#include "riverrun/data/text/batches.h"
#include "riverrun/data/text/corpus.h"
#include "riverrun/lm/evaluate.h"
#include "riverrun/lm/horizon_probe.h"
#include "riverrun/lm/language_model.h"
#include "riverrun/train/objective.h"
#include "riverrun/train/trainer_options.h"

namespace riverrun::lm {

/// How the texts of a run were made from files. The objective is given the texts; it keeps this in
/// the checkpoint for whoever resumes the run.
struct TextOptions {
  /// How much of the end of the text is kept for validation; 0: a text of its own is.
  double valid_fraction = 0.1;
  /// The largest vocabulary that was asked for; 0: any.
  std::int64_t vocab_size = 0;
};

}  // namespace riverrun::lm

template <>
inline constexpr auto riverrun::kFields<riverrun::lm::TextOptions> = [] {
  using O = lm::TextOptions;
  return std::tuple{
      Field{
          "valid_fraction", &O::valid_fraction, from_below(0, 1),
          "Part to validate on: of the end of a text or a signal, of each class, of the sentences"},
      Field{"vocab_size", &O::vocab_size, at_least(0),
            "At most so many different tokens, the most frequent ones; 0: all"}};
}();

namespace riverrun::lm {

/// All that decides which bits a training run ends with, besides the files.
struct RunOptions {
  LanguageModelOptions model;
  TrainerOptions trainer;
  TextOptions text;
  /// The folder of the model whose weights the run began with; empty: they were random.
  std::string from;
};

/// The options in a folder's checkpoint. Throws IoError, FormatError.
[[nodiscard]] RunOptions checkpoint_options(const std::filesystem::path& folder);

/// `batch_size` if it is not 0, else 32, and for a shorter text the largest smaller power of two
/// with which an epoch has at least 64 updates, or 1.
[[nodiscard]] std::int64_t chosen_batch_size(const TrainerOptions& options,
                                             std::int64_t train_tokens);

/// The updates of an epoch of a text of so many tokens; 0 if it is too short for one.
[[nodiscard]] std::int64_t updates_per_epoch(const TrainerOptions& options,
                                             std::int64_t train_tokens);

/// Which text a run was made with: compared when it is resumed.
struct Fingerprint {
  std::int64_t tokens = 0;
  std::uint64_t hash = 0;
  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};
struct Fingerprints {
  Fingerprint train;
  Fingerprint valid;
  friend bool operator==(const Fingerprints&, const Fingerprints&) = default;
};

/// A language model that learns a corpus by truncated back-propagation through time, with the state
/// carried from chunk to chunk. Its targets are tokens, its loss is in nats per token.
class LanguageObjective final : public Objective {
 public:
  /// The model and the texts must outlive it; `text` and `from` (see RunOptions) are only kept in
  /// the checkpoint. Throws ConfigError if an option is out of range or a text is too short for one
  /// batch, and IoError.
  LanguageObjective(LanguageModel& model, const text::Corpus& train, const text::Corpus& valid,
                    const TrainerOptions& options, const TextOptions& text = {},
                    std::string from = {});

  /// That of the options, or what was chosen by the text's size.
  [[nodiscard]] std::int64_t batch_size() const noexcept { return batches_.batch_size(); }

  /// From now on measures how far back the gradient reaches, every `every` updates and before the
  /// first one, on chunks of full length; 0 chooses a distance such that it takes less than one per
  /// cent of the time (see HorizonProbe). It does not change the run's bits.
  void watch_reach(std::function<void(const Reach&)> watch, std::int64_t every = 0);

  [[nodiscard]] ParameterList parameters() override { return model_.parameters(); }
  [[nodiscard]] std::int64_t updates_per_epoch() const override { return batches_.size(); }
  [[nodiscard]] std::int64_t targets_per_update() const override;
  [[nodiscard]] std::int64_t valid_targets() const override { return valid_.size(); }
  void take(std::int64_t step) override;
  Loss loss(Tape& tape) override;
  [[nodiscard]] std::optional<Judgement> validate(const std::function<bool()>& go_on) override;
  [[nodiscard]] const char* unit() const override { return "nats per token"; }
  [[nodiscard]] State carried() const override { return carried_; }
  [[nodiscard]] State zero_state() const override { return model_.zero_state(batch_size()); }
  void set_carried(State state) override { carried_ = std::move(state); }
  [[nodiscard]] std::string description() const override;
  void settle_with(const std::string& description, const std::string& path) override;

 private:
  LanguageModel& model_;
  const text::Corpus& valid_;
  std::int64_t seq_len_;
  Fingerprints texts_;
  text::Batches batches_;
  HorizonProbe probe_;
  EvaluateOptions valid_options_;
  TextOptions text_;
  std::string from_;
  std::function<void(const Reach&)> reach_;
  std::int64_t reach_every_ = 0;
  text::Batch chunk_;  // that was taken
  State carried_;      // at its beginning
};

}  // namespace riverrun::lm
