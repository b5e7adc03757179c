#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "riverrun/core/weight_type.h"
#include "riverrun/nn/embedding.h"
#include "riverrun/nn/linear.h"
#include "riverrun/nn/parameter.h"
#include "riverrun/nn/recurrent.h"
#include "riverrun/nn/tape.h"

namespace riverrun::lm {

/// What a language model is made of. The defaults reach 1.55 nats per character on 1 MB of English
/// within ten minutes on two cores.
struct LanguageModelOptions {
  /// A name that find_cell knows.
  std::string cell = "lstm";
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

/// Throws ConfigError if an option is out of range; the message names it. Allocates nothing of the
/// sizes that are asked for.
void check(const LanguageModelOptions& options);

/// Embedding, dropout, a recurrent stack around any cell, dropout, and a linear decoder to one
/// logit per token of the vocabulary. It knows tokens only as numbers in [0, vocab_size).
///
/// Parameters: embedding.weight [vocab_size, embedding_size], rnn.weight_ih_l0 … as Recurrent,
/// decoder.weight [vocab_size, hidden_size], decoder.bias [vocab_size].
class LanguageModel {
 public:
  /// Throws ConfigError as check().
  explicit LanguageModel(const LanguageModelOptions& options);
  LanguageModel(LanguageModel&&) noexcept;
  LanguageModel& operator=(LanguageModel&&) noexcept;
  ~LanguageModel();
  /// The same model once more, with parameters of its own.
  [[nodiscard]] LanguageModel clone() const;

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
  void set_inference_weights(WeightType type);

  /// The state before anything was read, for `batch` sequences.
  [[nodiscard]] State zero_state(std::int64_t batch) const;

  /// The parts, for looking inside; the recurrent stack's input is the embedding's output.
  [[nodiscard]] Embedding& embedding() noexcept;
  [[nodiscard]] const Embedding& embedding() const noexcept;
  [[nodiscard]] Recurrent& rnn() noexcept;
  [[nodiscard]] const Recurrent& rnn() const noexcept;
  [[nodiscard]] Linear& decoder() noexcept;
  [[nodiscard]] const Linear& decoder() const noexcept;

  /// In a fixed order, under the names that a file gives them.
  [[nodiscard]] ParameterList parameters();
  [[nodiscard]] ConstParameterList parameters() const;
  [[nodiscard]] std::int64_t parameter_count() const;
  [[nodiscard]] const LanguageModelOptions& options() const noexcept;

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
  struct Impl;
  explicit LanguageModel(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace riverrun::lm
