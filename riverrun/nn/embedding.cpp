#include "riverrun/nn/embedding.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "riverrun/core/error.h"
#include "riverrun/core/random.h"
#include "riverrun/nn/parallel_chunks.h"

namespace riverrun {

Embedding::Embedding(const EmbeddingOptions& options) : options_(options) {
  const auto [count, dim, seed] = options;
  if (count <= 0 || dim <= 0) {
    throw ConfigError("Embedding: num_embeddings is " + std::to_string(count) +
                      " and embedding_dim is " + std::to_string(dim) + "; both must be positive");
  }
  if (count - 1 > std::numeric_limits<std::int32_t>::max()) {
    throw ConfigError("Embedding: num_embeddings is " + std::to_string(count) +
                      "; it must be at most 2^31, as tokens have 32 bits");
  }
  weight_ = std::make_shared<Parameter>(Shape{count, dim});
  Random(seed).fill_normal(weight_->mutable_value().values(), 0.0f, 1.0f);
}

Shape Embedding::output_shape(IntSpan tokens, const Shape& shape) const {
  if (shape.rank() >= Shape::kMaxRank) {
    throw ShapeError("Embedding.forward: tokens are " + shape.to_string() +
                     "; there may be at most three dimensions");
  }
  if (shape.elements() != static_cast<std::int64_t>(tokens.size())) {
    throw ShapeError("Embedding.forward: shape is " + shape.to_string() + "; it must hold the " +
                     std::to_string(tokens.size()) + " tokens given");
  }
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] >= 0 && tokens[i] < options_.num_embeddings) continue;
    throw ConfigError(
        "Embedding.forward: token " + std::to_string(i) + " is " + std::to_string(tokens[i]) +
        "; it must be in [0, num_embeddings = " + std::to_string(options_.num_embeddings) + ")");
  }
  std::array<std::int64_t, Shape::kMaxRank> extents{};
  for (int i = 0; i < shape.rank(); ++i) extents[static_cast<std::size_t>(i)] = shape[i];
  extents[static_cast<std::size_t>(shape.rank())] = options_.embedding_dim;
  return Shape(std::span(extents).first(static_cast<std::size_t>(shape.rank() + 1)));
}

void Embedding::gather(std::span<const std::int32_t> tokens, float* output) const {
  const std::int64_t dim = options_.embedding_dim;
  const float* weight = weight_->value().data();
  parallel_chunks(
      static_cast<std::int64_t>(tokens.size()), std::max<std::int64_t>(1, kElementsPerChunk / dim),
      [=](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
          std::copy_n(weight + tokens[static_cast<std::size_t>(i)] * dim, dim, output + i * dim);
        }
      });
}

Tensor Embedding::forward(IntSpan tokens, const Shape& shape) const {
  Tensor output = Tensor::uninitialized(output_shape(tokens, shape));
  std::vector<std::int32_t> room;
  gather(tokens.narrowed(room), output.data());
  return output;
}

Var Embedding::forward(Tape& tape, IntSpan tokens, const Shape& shape) {
  Tensor output = tape.allocate(output_shape(tokens, shape));
  std::vector<std::int32_t> room;
  const std::span<const std::int32_t> ids = tokens.narrowed(room);
  gather(ids, output.data());
  return tape.record(
      std::move(output), [weight = weight_, dim = options_.embedding_dim,
                          kept = std::vector(ids.begin(), ids.end())](const Tensor& grad) {
        // A token may occur many times, so threads share the columns and not the tokens; each sum
        // is made in the order of the tokens.
        constexpr std::int64_t kColumnsPerChunk = 64;
        float* sums = weight->mutable_grad_rows(kept).data();
        parallel_chunks(dim, kColumnsPerChunk, [&](std::int64_t begin, std::int64_t end) {
          const float* row = grad.data();
          for (const std::int32_t token : kept) {
            float* sum = sums + token * dim;
            for (std::int64_t c = begin; c < end; ++c) sum[c] += row[c];
            row += dim;
          }
        });
      });
}

void Embedding::share_weight(std::shared_ptr<Parameter> weight) {
  if (weight == nullptr) throw ConfigError("Embedding.share_weight: weight is null");
  const Shape& shape = weight_->value().shape();
  if (weight->value().shape() != shape) {
    throw ShapeError("Embedding.share_weight: weight is " + weight->value().shape().to_string() +
                     "; it must be [num_embeddings, embedding_dim], " + shape.to_string());
  }
  weight_ = std::move(weight);
}

}  // namespace riverrun
