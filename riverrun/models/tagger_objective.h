#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "riverrun/data/tagged.h"
#include "riverrun/models/epoch_order.h"
#include "riverrun/models/run_objective.h"
#include "riverrun/models/tagger.h"
#include "riverrun/models/tagger_run.h"

namespace riverrun::models {

/// Some sentences of a file.
struct TaggedPart {
  const data::TaggedSentences* data = nullptr;
  std::vector<std::int64_t> which;
};

/// A tagger that learns sentences, in an order that is drawn for each epoch, those of similar
/// lengths side by side. Its targets are words, its loss is in nats per word; it is chosen by the
/// F1 of entities if the tags mark such, else by how many words it tags right.
class TaggerObjective final : public RunObjective<TaggerRun> {
 public:
  /// The model and the data must outlive it. `valid` may be empty. Throws ConfigError if an option
  /// is out of range, there is nothing to learn from or a sentence has no tags, and as
  /// Tagger::tags().
  TaggerObjective(Tagger& model, TaggedPart train, TaggedPart valid, const TrainerOptions& options,
                  const TaggerTraining& learning);

  [[nodiscard]] ParameterList parameters() override { return model_.parameters(); }
  [[nodiscard]] std::int64_t updates_per_epoch() const override;
  void take(std::int64_t step) override;
  Loss loss(Tape& tape) override;
  [[nodiscard]] std::optional<Judgement> validate(const std::function<bool()>& go_on) override;
  [[nodiscard]] std::int64_t epochs_between_validations() const override;
  [[nodiscard]] const char* unit() const override { return "nats per word"; }
  [[nodiscard]] std::int64_t targets_per_update() const override;
  [[nodiscard]] std::int64_t valid_targets() const override { return valid_words_; }

 private:
  void draw_batches(std::int64_t epoch);
  [[nodiscard]] RunDescription<TaggerRun> described() const override;

  Tagger& model_;
  bool validates_;
  TaggedPart train_;
  TaggedPart judged_;  // those for validation, or if there are none, those that are learnt from
  std::int64_t batch_size_;
  std::uint64_t seed_;
  TaggerTraining learning_;
  std::uint64_t train_hash_;
  std::uint64_t valid_hash_;
  std::int64_t train_words_ = 0;
  std::int64_t valid_words_ = 0;
  std::vector<bool> is_rare_;  // of each word of the vocabulary: it occurs once
  EpochOrder order_;
  std::vector<std::vector<std::int64_t>> batches_;  // of the epoch
  std::int64_t epoch_ = -1;                         // that they are of
  TaggerBatch batch_;
  std::vector<std::int32_t> tags_;  // of the batch
};

}  // namespace riverrun::models
