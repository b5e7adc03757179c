#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "riverrun/core/list_span.h"
#include "riverrun/core/tensor.h"
#include "riverrun/nn/parameter.h"
#include "riverrun/nn/tape.h"

namespace riverrun {

struct EmbeddingOptions {
  std::int64_t num_embeddings = 0;
  std::int64_t embedding_dim = 0;
  /// Of the initial vectors: normal with mean 0 and standard deviation 1, as PyTorch.
  std::uint64_t seed = 0;
};

/// One vector for each token, as torch.nn.Embedding. The parameter is weight
/// [num_embeddings, embedding_dim]; its gradient names the rows that tokens reached
/// (Parameter::grad_rows), and only they are cleared, measured and, by an optimiser that leaves the
/// others alone, updated.
///
/// Several threads may call const functions at once; changing parameters is for one alone.
class Embedding {
 public:
  /// Throws ConfigError if a size is not positive, or num_embeddings above 2³¹.
  explicit Embedding(const EmbeddingOptions& options);
  Embedding(Embedding&&) noexcept = default;
  Embedding& operator=(Embedding&&) noexcept = default;
  ~Embedding() = default;
  /// The same layer once more, with a parameter of its own.
  [[nodiscard]] Embedding clone() const { return Embedding(*this); }

  /// tokens of `shape`, at most rank 3 and row-major -> [shape..., embedding_dim], without
  /// gradients. Throws ShapeError, and ConfigError if a token is not in [0, num_embeddings).
  [[nodiscard]] Tensor forward(IntSpan tokens, const Shape& shape) const;
  /// On a tape, with the gradient of the weight, which the recording shares: the layer may be moved
  /// or destroyed before Tape::backward. The tokens are copied. Throws as above.
  Var forward(Tape& tape, IntSpan tokens, const Shape& shape);

  /// "weight".
  [[nodiscard]] ParameterList parameters() { return {{"weight", weight_}}; }
  [[nodiscard]] ConstParameterList parameters() const { return {{"weight", weight_}}; }
  [[nodiscard]] const EmbeddingOptions& options() const noexcept { return options_; }
  [[nodiscard]] Parameter& weight() noexcept { return *weight_; }
  [[nodiscard]] const Parameter& weight() const noexcept { return *weight_; }
  /// For sharing it with another layer: decoder.share_weight(embedding.shared_weight()) ties the
  /// two (Press & Wolf 2017). A shared parameter is updated, clipped and saved once.
  [[nodiscard]] const std::shared_ptr<Parameter>& shared_weight() noexcept { return weight_; }
  /// Takes on another layer's weight in place of its own. Throws ShapeError unless it is
  /// [num_embeddings, embedding_dim], and ConfigError if it is null.
  void share_weight(std::shared_ptr<Parameter> weight);

 private:
  Embedding(const Embedding& other) : options_(other.options_), weight_(other.weight_->clone()) {}
  [[nodiscard]] Shape output_shape(IntSpan tokens, const Shape& shape) const;
  void gather(std::span<const std::int32_t> tokens, float* output) const;

  EmbeddingOptions options_;
  std::shared_ptr<Parameter> weight_;
};

}  // namespace riverrun
