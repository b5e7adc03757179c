#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "riverrun/core/tensor.h"
#include "riverrun/core/weight_type.h"
#include "riverrun/nn/packed_weight.h"
#include "riverrun/nn/parameter.h"
#include "riverrun/nn/tape.h"

namespace riverrun {

class LinearStream;

struct LinearOptions {
  std::int64_t in_features = 0;
  std::int64_t out_features = 0;
  bool bias = true;
  /// Of the initial parameters: uniform in ±1/√in_features, as PyTorch.
  std::uint64_t seed = 0;
};

/// y = x·Wᵀ + b, as torch.nn.Linear. Shapes: x [..., in_features] -> y [..., out_features];
/// parameters weight [out_features, in_features], bias [out_features].
///
/// Several threads may call const functions at once; changing parameters is for one alone.
class Linear {
 public:
  /// Throws ConfigError if a size is not positive.
  explicit Linear(const LinearOptions& options);
  Linear(Linear&&) noexcept = default;
  Linear& operator=(Linear&&) noexcept = default;
  ~Linear() = default;
  /// The same layer once more, with parameters of its own.
  [[nodiscard]] Linear clone() const { return Linear(*this); }

  /// Without gradients. Throws ShapeError.
  [[nodiscard]] Tensor forward(const Tensor& input) const;
  /// On a tape, with gradients of the input and the parameters, which the recording shares: the
  /// layer may be moved or destroyed before Tape::backward. Throws ShapeError, and Error if the
  /// input is of another tape.
  Var forward(Tape& tape, Var input);

  /// output [rows, out_features] from input [rows, in_features], both dense, without gradients and
  /// shapes; allocates only if the weight has changed since the last call, but locks each time: in
  /// real time, use stream(). `with_bias` false omits the bias. In the second, the weight is read
  /// in the given type.
  void multiply(std::int64_t rows, const float* input, float* output, bool with_bias = true) const {
    multiply(rows, input, output, with_bias, inference_weights_);
  }
  void multiply(std::int64_t rows, const float* input, float* output, bool with_bias,
                WeightType type) const;

  /// For the outputs of a Recurrent::stream() of the same batch. Allocates here and never while
  /// stepping; later changes of the parameters do not reach it. Throws ConfigError unless batch is
  /// positive.
  [[nodiscard]] LinearStream stream(std::int64_t batch = 1) const;

  /// In which numbers the weight is read without gradients; see Recurrent. Throws ConfigError if
  /// there is no such type.
  void set_inference_weights(WeightType type);
  [[nodiscard]] WeightType inference_weights() const noexcept { return inference_weights_; }

  /// "weight" and, if there is one, "bias".
  [[nodiscard]] ParameterList parameters() { return list(); }
  [[nodiscard]] ConstParameterList parameters() const { return list(); }
  [[nodiscard]] const LinearOptions& options() const noexcept { return options_; }
  [[nodiscard]] Parameter& weight() noexcept { return *weight_; }
  [[nodiscard]] const Parameter& weight() const noexcept { return *weight_; }
  /// For sharing it with another layer: decoder.share_weight(embedding.shared_weight()) ties the
  /// two (Press & Wolf 2017). A shared parameter is updated, clipped and saved once.
  [[nodiscard]] const std::shared_ptr<Parameter>& shared_weight() noexcept { return weight_; }
  /// Takes on another layer's weight in place of its own. Throws ShapeError unless it is
  /// [out_features, in_features], and ConfigError if it is null.
  void share_weight(std::shared_ptr<Parameter> weight);
  /// Its value is an empty tensor in a layer without bias.
  [[nodiscard]] Parameter& bias() noexcept { return *bias_; }
  [[nodiscard]] const Parameter& bias() const noexcept { return *bias_; }

 private:
  Linear(const Linear& other);
  [[nodiscard]] ParameterList list() const;
  [[nodiscard]] Shape output_shape(const Shape& input) const;

  LinearOptions options_;
  std::shared_ptr<Parameter> weight_;
  std::shared_ptr<Parameter> bias_;
  PackedWeight packed_;
  WeightType inference_weights_ = WeightType::kFloat32;
};

/// A Linear that runs step by step, as the head of a Stream:
///   Stream rnn = lstm.stream();          LinearStream head = linear.stream();
///   rnn.step(x, h);                      head.step(h, y);
/// Never allocates, locks or throws in step(). The weights are shared, and there is no state:
/// several threads may step at once. As with Stream, a large step is shared by the threads of
/// parallel_for if there are any, and set_num_threads(1) keeps it to the caller.
class LinearStream {
 public:
  /// input [batch, in_features] -> output [batch, out_features], which must not overlap. The spans'
  /// sizes are the caller's duty; they are only asserted.
  void step(std::span<const float> input, std::span<float> output) const noexcept;

 private:
  friend class Linear;
  LinearStream() = default;

  std::int64_t batch_ = 0;
  std::int64_t in_ = 0;
  std::int64_t out_ = 0;
  WeightType type_ = WeightType::kFloat32;
  std::shared_ptr<const Tensor> weight_;  // packed
  Tensor bias_;                           // empty: none
};

}  // namespace riverrun
