// Times riverrun, in the protocol of serve.h:
//
//   echo '{"cell": "lstm", "input_size": 300, "hidden_size": 128, "num_layers": 2, "seq_len": 50,
//          "batch": 32, "mode": "train", "threads": 2, "seconds": 1}' | tr -d '\n' |
//          recurrent_bench
//
// mode: "forward" (a whole sequence, without gradients), "train" (forward and backward, with the
// gradients of the input and of all parameters), "step" (one step of a stream), or "lm" (one update
// of a language model; takes vocab_size, embedding_size and optimizer too). cell: one of
// riverrun's, or the coupled_lstm of examples/own_cell. "weights": the numbers in which forward and
// step read the weights, "float32" (the default), "bf16" or "int8". "input": see serve.h; for one
// layer.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "riverrun/core/error.h"
#include "riverrun/core/random.h"
#include "riverrun/core/tensor.h"
#include "riverrun/core/threads.h"
#include "riverrun/core/weight_type.h"
#include "riverrun/lm/language_model.h"
#include "riverrun/nn/cells.h"
#include "riverrun/nn/clip.h"
#include "riverrun/nn/recurrent.h"
#include "riverrun/nn/tape.h"
#include "riverrun/train/trainer_options.h"
#include "riverrun/version.h"

#include "examples/own_cell/coupled_lstm.h"
#include "serve.h"

namespace riverrun {
namespace {

using bench::json;

/// A stack of recurrent layers: forward, train or step.
class Layers final : public bench::Workload {
 public:
  explicit Layers(const json& request)
      : mode_(request.at("mode")),
        check_(request.value("check", false)),
        network_(find_cell(std::string(request.at("cell"))),
                 {.input_size = request.at("input_size"),
                  .hidden_size = request.at("hidden_size"),
                  .num_layers = request.at("num_layers")}),
        parameters_(network_.parameters()) {
    network_.set_inference_weights(weight_type(request.value("weights", std::string("float32"))));
    if (mode_ != "forward" && mode_ != "train" && mode_ != "step") {
      throw ConfigError("mode is \"" + mode_ + "\"; it must be forward, train, step or lm");
    }
    const RecurrentOptions& options = network_.options();
    const std::int64_t batch = request.at("batch");
    const std::int64_t steps = mode_ == "step" && !check_ ? 1 : std::int64_t{request.at("seq_len")};
    input_ = Tensor::uninitialized({steps, batch, options.input_size});
    output_ = Tensor({steps, batch, options.hidden_size});
    grad_output_ = Tensor::uninitialized(output_.shape());
    std::int64_t k = 0;
    for (float& value : input_.values()) value = bench::data_value(k++);
    for (float& value : grad_output_.values()) value = bench::data_value(k++);
    k = 0;
    for (const NamedParameter& p : parameters_) {
      for (float& value : p.parameter->mutable_value().values()) {
        value = bench::parameter_value(k++, options.hidden_size);
      }
    }
    const auto [decays, silence] = bench::decay(request);
    if (decays) {
      const auto values = [this](const std::string& name) -> std::span<float> {
        for (const NamedParameter& p : parameters_) {
          if (p.name == name) return p.parameter->mutable_value().values();
        }
        throw ConfigError("input is for cells that have " + name);
      };
      bench::let_decay(static_cast<std::size_t>(options.hidden_size), values("weight_hh_l0"),
                       values("bias_ih_l0"), values("bias_hh_l0"));
      input_.fill(1.0f);
    }
    if (mode_ == "step") stream_.emplace(network_.stream(batch));
    if (!silence) return;
    run();
    input_.fill(0.0f);
    for (int i = 0; i < bench::kSilentSteps; ++i) run();
  }

  void run() override {
    if (mode_ == "forward") {
      output_ = network_.forward(input_).output;
    } else if (mode_ == "train") {
      train();
    } else {
      const std::int64_t steps = input_.shape()[0];
      const auto inputs = static_cast<std::size_t>(input_.elements() / steps);
      const auto outputs = static_cast<std::size_t>(output_.elements() / steps);
      for (std::size_t t = 0; t < static_cast<std::size_t>(steps); ++t) {
        stream_->step(input_.values().subspan(t * inputs, inputs),
                      output_.values().subspan(t * outputs, outputs));
      }
    }
  }

  std::vector<float> values() override {
    run();
    const std::span<const float> result = mode_ == "train" ? grad_input_ : output_.values();
    return {result.begin(), result.end()};
  }

 private:
  void train() {
    zero_grad(parameters_);
    // As an optimiser would: copies of the weights in another order are stale from here on.
    for (const NamedParameter& p : parameters_) static_cast<void>(p.parameter->mutable_value());
    const Var input = tape_.input(copy(input_), /*requires_grad=*/true);
    const Var output = network_.forward(tape_, input).output;
    std::vector<Tape::Upstream> upstream;
    upstream.push_back({output, copy(grad_output_)});
    tape_.backward(std::move(upstream));
    if (check_) grad_input_.assign(input.grad().values().begin(), input.grad().values().end());
    tape_.clear();
  }

  Tensor copy(const Tensor& tensor) {
    Tensor result = tape_.allocate(tensor.shape());
    std::copy_n(tensor.data(), tensor.elements(), result.data());
    return result;
  }

  std::string mode_;
  bool check_;
  Recurrent network_;
  ParameterList parameters_;
  std::optional<Stream> stream_;
  Tensor input_;
  Tensor output_;
  Tensor grad_output_;
  std::vector<float> grad_input_;
  Tape tape_;
};

/// The update of Trainer, on tokens drawn at random.
class LanguageModelTraining final : public bench::Workload {
 public:
  explicit LanguageModelTraining(const json& request)
      : batch_(request.at("batch")),
        tokens_per_update_(batch_ * std::int64_t{request.at("seq_len")}),
        model_({.cell = request.at("cell").get<std::string>(),
                .vocab_size = request.at("vocab_size"),
                .embedding_size = request.at("embedding_size"),
                .hidden_size = request.at("hidden_size"),
                .num_layers = request.at("num_layers"),
                .dropout = 0.0f}),
        parameters_(model_.parameters()) {
    TrainerOptions options;
    options.optimizer = request.at("optimizer");
    options.lr = request.at("lr");
    optimizer_ = make_optimizer(options, parameters_);
    clip_ = request.at("clip");
    const auto vocabulary = static_cast<std::uint32_t>(model_.options().vocab_size);
    Random random(/*seed=*/1);
    tokens_.resize(static_cast<std::size_t>(kChunks * tokens_per_update_ + batch_));
    for (std::int32_t& token : tokens_) token = static_cast<std::int32_t>(random.below(vocabulary));
  }

  void run() override {
    tape_.clear();
    // Row t of the targets is row t + 1 of the inputs.
    const std::span<const std::int32_t> from(&tokens_[static_cast<std::size_t>(chunk_)],
                                             static_cast<std::size_t>(tokens_per_update_ + batch_));
    const auto n = static_cast<std::size_t>(tokens_per_update_);
    const lm::LanguageModel::Loss result =
        model_.loss(tape_, from.first(n), from.last(n), batch_, carried_);
    zero_grad(parameters_);
    tape_.backward(result.loss);
    clip_grad_norm(parameters_, clip_);
    optimizer_->step();
    carried_.tensors.resize(result.state.size());
    for (std::size_t i = 0; i < result.state.size(); ++i) {
      carried_.tensors[i] = result.state[i].value();
    }
    chunk_ = (chunk_ + tokens_per_update_) % (kChunks * tokens_per_update_);
  }

  std::vector<float> values() override { throw ConfigError("mode lm has no check"); }

 private:
  static constexpr std::int64_t kChunks = 16;
  std::int64_t batch_;
  std::int64_t tokens_per_update_;
  std::int64_t chunk_ = 0;
  lm::LanguageModel model_;
  ParameterList parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  double clip_ = 0;
  std::vector<std::int32_t> tokens_;
  State carried_;
  Tape tape_;
};

std::unique_ptr<bench::Workload> make(const json& request) {
  if (request.at("mode") == "lm") return std::make_unique<LanguageModelTraining>(request);
  return std::make_unique<Layers>(request);
}

}  // namespace
}  // namespace riverrun

int main() {
  riverrun::register_cell(riverrun::cell<CoupledLSTM>());
  bench::serve(riverrun::kVersion, riverrun::make, riverrun::set_num_threads);
}
