#pragma once

#include <cstdint>
#include <span>

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
/// [num_embeddings, embedding_dim]; its gradient is dense.
///
/// Several threads may call const functions at once; changing parameters is for one alone.
class Embedding {
 public:
  /// Throws ConfigError if a size is not positive.
  explicit Embedding(const EmbeddingOptions& options);

  /// tokens of `shape`, at most rank 3 and row-major -> [shape..., embedding_dim], without
  /// gradients. Throws ShapeError, and ConfigError if a token is not in [0, num_embeddings).
  [[nodiscard]] Tensor forward(std::span<const std::int32_t> tokens, const Shape& shape) const;
  /// On a tape, with the gradient of the weight; the tokens are copied, the layer must outlive the
  /// recording. Throws as above.
  Var forward(Tape& tape, std::span<const std::int32_t> tokens, const Shape& shape);

  /// "weight".
  [[nodiscard]] ParameterList parameters();
  [[nodiscard]] const EmbeddingOptions& options() const noexcept { return options_; }
  [[nodiscard]] Parameter& weight() noexcept { return weight_; }
  [[nodiscard]] const Parameter& weight() const noexcept { return weight_; }

 private:
  [[nodiscard]] Shape output_shape(std::span<const std::int32_t> tokens, const Shape& shape) const;
  void gather(std::span<const std::int32_t> tokens, float* output) const;

  EmbeddingOptions options_;
  Parameter weight_;
};

}  // namespace riverrun
