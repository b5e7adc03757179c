#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "riverrun/core/fields.h"
#include "riverrun/core/weight_type.h"
#include "riverrun/nn/cells.h"
#include "riverrun/nn/sequence_model.h"
#include "riverrun/nn/tape.h"

namespace riverrun::lm {

/// What a language model is made of. The defaults reach 1.55 nats per character on 1 MB of English
/// within ten minutes on two cores.
struct LanguageModelOptions {
  CellChoice cell = "lstm";
  std::int64_t vocab_size = 0;
  std::int64_t embedding_size = 128;
  std::int64_t hidden_size = 512;
  std::int64_t num_layers = 1;
  /// On the embedding's output, between the layers, and on the last layer's output
  /// (Zaremba et al. 2014: never on the recurrent connections).
  float dropout = 0.2f;
  /// Of the cell's gate "f" at the start; not set: as PyTorch.
  std::optional<float> forget_bias = std::nullopt;
  /// If set, every parameter starts uniform in ±init_uniform instead of PyTorch's way.
  std::optional<float> init_uniform = std::nullopt;
  /// Of the initial parameters.
  std::uint64_t seed = 1;

  friend bool operator==(const LanguageModelOptions&, const LanguageModelOptions&) = default;
};

}  // namespace riverrun::lm

template <>
inline constexpr auto riverrun::kFields<riverrun::lm::LanguageModelOptions> = [] {
  using O = lm::LanguageModelOptions;
  return std::tuple{
      Field{"cell", &O::cell},
      Field{"vocab_size", &O::vocab_size, at_least(1)},
      Field{"embedding_size", &O::embedding_size, from_to(1, kLargestSize),
            "Size of the vector of a token or a word"},
      Field{"hidden_size", &O::hidden_size, from_to(1, kLargestSize), "Units of a layer"},
      Field{"num_layers", &O::num_layers, from_to(1, kMostLayers), "Recurrent layers"},
      Field{"dropout", &O::dropout, from_below(0, 1),
            "Part of the units that is left out while training, in [0, 1)"},
      Field{"forget_bias", &O::forget_bias, any_value(),
            "Initial bias of the gate f; not given: as PyTorch", kInitial},
      Field{"init_uniform", &O::init_uniform, at_least(0),
            "All parameters begin uniform in +-X; not given: as PyTorch", kInitial},
      Field{"seed", &O::seed, any_value(), "", kInitial},
  };
}();

namespace riverrun::lm {

/// Throws ConfigError if an option is out of range; the message names it. Allocates nothing of the
/// sizes that are asked for.
void check(const LanguageModelOptions& options);

/// Those of the SequenceModel that a language model is.
[[nodiscard]] SequenceModelOptions sequence_options(const LanguageModelOptions& options);

/// A SequenceModel that reads tokens and answers each with one logit per token of the vocabulary,
/// for the one that follows. It knows tokens only as numbers in [0, vocab_size).
///
/// Parameters: embedding.weight [vocab_size, embedding_size], rnn.weight_ih_l0 … as Recurrent,
/// decoder.weight [vocab_size, hidden_size], decoder.bias [vocab_size].
class LanguageModel {
 public:
  /// Throws ConfigError as check().
  explicit LanguageModel(const LanguageModelOptions& options);
  LanguageModel(LanguageModel&&) noexcept = default;
  LanguageModel& operator=(LanguageModel&&) noexcept = default;
  ~LanguageModel() = default;
  /// The same model once more, with parameters of its own.
  [[nodiscard]] LanguageModel clone() const { return {options_, model_.clone()}; }

  struct Loss {
    Var loss;                // []: the mean over all tokens, in nats
    std::vector<Var> state;  // at the end, in the order of State::tensors
  };
  /// What the model says of `targets` having read `inputs`, both [seq_len, batch] in row-major
  /// order, on a tape and with gradients of all parameters. Throws ShapeError, and ConfigError if a
  /// token is not in [0, vocab_size).
  Loss loss(Tape& tape, std::span<const std::int32_t> inputs, std::span<const std::int32_t> targets,
            std::int64_t batch, const State& initial = {});

  /// The sum over all `targets` of their surprise, in nats, without gradients or dropout; `state`
  /// is carried on. A target of text::kIgnoreIndex counts nothing. `per_target`, if not empty, gets
  /// the nats of each and must be as long. Shapes and errors as in loss().
  [[nodiscard]] double total_nats(std::span<const std::int32_t> inputs,
                                  std::span<const std::int32_t> targets, std::int64_t batch,
                                  State& state, std::span<double> per_target = {}) const;

  /// In which numbers the weight matrices are read by total_nats() and by readers made from now on;
  /// see Recurrent. The embedding stays float32, of which a token reads one row. Throws ConfigError
  /// if there is no such type.
  void set_inference_weights(WeightType type) { model_.set_inference_weights(type); }

  /// The state before anything was read, for `batch` sequences.
  [[nodiscard]] State zero_state(std::int64_t batch) const { return rnn().zero_state(batch); }

  /// The parts, for looking inside; the recurrent stack's input is the embedding's output.
  [[nodiscard]] Embedding& embedding() { return model_.embedding(); }
  [[nodiscard]] const Embedding& embedding() const { return model_.embedding(); }
  [[nodiscard]] Recurrent& rnn() noexcept { return model_.rnn(); }
  [[nodiscard]] const Recurrent& rnn() const noexcept { return model_.rnn(); }
  [[nodiscard]] Linear& decoder() { return model_.decoder(); }
  [[nodiscard]] const Linear& decoder() const { return model_.decoder(); }

  /// In a fixed order, under the names that a file gives them.
  [[nodiscard]] ParameterList parameters() { return model_.parameters(); }
  [[nodiscard]] ConstParameterList parameters() const { return model_.parameters(); }
  [[nodiscard]] std::int64_t parameter_count() const;
  [[nodiscard]] const LanguageModelOptions& options() const noexcept { return options_; }

  /// The model token by token, for sampling: its own state, the model's weights. The model must
  /// outlive it and must not be trained meanwhile.
  class Reader {
   public:
    explicit Reader(const LanguageModel& model);
    Reader(Reader&&) noexcept;
    Reader& operator=(Reader&&) noexcept;
    ~Reader();
    /// Reads one token; returns the logits of the next, [vocab_size], valid until the next call.
    /// Does not allocate. Throws ConfigError if the token is not in [0, vocab_size).
    std::span<const float> read(std::int32_t token);
    /// Forgets everything read.
    void reset() noexcept;

   private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
  };

 private:
  LanguageModel(const LanguageModelOptions& options, SequenceModel model)
      : options_(options), model_(std::move(model)) {}

  LanguageModelOptions options_;
  SequenceModel model_;
};

}  // namespace riverrun::lm
