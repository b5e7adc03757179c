// Ten updates of a small language model, with each optimiser, against the same in PyTorch's float64
// (scripts/make_fixtures.py: write_training).

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "riverrun/io/safetensors.h"
#include "riverrun/nn/clip.h"
#include "riverrun/nn/embedding.h"
#include "riverrun/nn/linear.h"
#include "riverrun/nn/loss.h"
#include "riverrun/nn/optimizer.h"
#include "riverrun/nn/recurrent.h"
#include "riverrun/nn/tape.h"

namespace riverrun {
namespace {

constexpr double kTolerance = 1e-5;  // relative; riverrun computes in float32

struct Model {
  Embedding embedding;
  LSTM rnn;
  Linear decoder;

  ParameterList parameters() {
    return prefixed("embedding", embedding.parameters()) + prefixed("rnn", rnn.parameters()) +
           prefixed("decoder", decoder.parameters());
  }
};

class TrainingParity : public testing::TestWithParam<std::string> {
 protected:
  TrainingParity() {
    for (NamedParameter& p : parameters_) {
      Tensor value = file_.tensor(p.name);
      EXPECT_EQ(value.shape(), p.parameter->value().shape()) << p.name;
      p.parameter->mutable_value() = std::move(value);
    }
    for (const std::int64_t token : file_.integers("tokens")) {
      tokens_.push_back(static_cast<std::int32_t>(token));
    }
  }

  nlohmann::json metadata(const std::string& key) const {
    return nlohmann::json::parse(file_.metadata().at(key));
  }

  std::unique_ptr<Optimizer> make_optimizer(const std::string& name) {
    const auto options = metadata(name);
    const double lr = options.at("lr");
    const double weight_decay = options.value("weight_decay", 0.0);
    if (name == "adam") {
      return std::make_unique<Adam>(parameters_, AdamOptions{.lr = lr});
    }
    if (name == "adamw") {
      return std::make_unique<AdamW>(parameters_,
                                     AdamWOptions{.lr = lr, .weight_decay = weight_decay});
    }
    if (name == "rmsprop") {
      return std::make_unique<RMSProp>(parameters_, RMSPropOptions{.lr = lr});
    }
    return std::make_unique<SGD>(parameters_,
                                 SGDOptions{.lr = lr, .momentum = options.value("momentum", 0.0)});
  }

  const io::SafetensorsFile file_{RIVERRUN_FIXTURES "/training/lstm_lm.safetensors"};
  const std::int64_t vocabulary_ = file_.at("embedding.weight").shape.at(0);
  const std::int64_t embedding_size_ = file_.at("embedding.weight").shape.at(1);
  const std::int64_t hidden_size_ = file_.at("decoder.weight").shape.at(1);
  const std::int64_t batch_ = file_.at("tokens").shape.at(1);
  const std::int64_t seq_len_ = metadata("seq_len");
  const double max_norm_ = metadata("max_norm");
  Model model_{Embedding({.num_embeddings = vocabulary_, .embedding_dim = embedding_size_}),
               LSTM({.input_size = embedding_size_, .hidden_size = hidden_size_, .num_layers = 2}),
               Linear({.in_features = hidden_size_, .out_features = vocabulary_})};
  ParameterList parameters_ = model_.parameters();
  std::vector<std::int32_t> tokens_;  // [steps * seq_len + 1, batch]
};

TEST_P(TrainingParity, LossesAndGradientNorms) {
  const std::string name = GetParam();
  const std::vector<double> losses = file_.doubles(name + ".losses");
  const std::vector<double> norms = file_.doubles(name + ".grad_norms");
  const auto optimizer = make_optimizer(name);
  const std::size_t part = static_cast<std::size_t>(seq_len_ * batch_);
  ASSERT_EQ(tokens_.size(), losses.size() * part + static_cast<std::size_t>(batch_));

  Tape tape;
  State state;
  for (std::size_t step = 0; step < losses.size(); ++step) {
    const auto tokens = std::span(tokens_).subspan(step * part);
    const Var embedded =
        model_.embedding.forward(tape, tokens.first(part), Shape{seq_len_, batch_});
    std::vector<Var> initial;
    for (Tensor& tensor : state.tensors) initial.push_back(tape.input(std::move(tensor)));
    const auto [output, last] = model_.rnn.forward(tape, embedded, initial);
    const auto targets = tokens.subspan(static_cast<std::size_t>(batch_), part);
    const Var loss = linear_cross_entropy(model_.decoder, tape, output, targets);
    const double value = loss.value().values()[0];
    EXPECT_NEAR(value, losses[step], kTolerance * losses[step]) << "step " << step;

    zero_grad(parameters_);
    tape.backward(loss);
    const double norm = clip_grad_norm(parameters_, max_norm_);
    EXPECT_NEAR(norm, norms[step], kTolerance * norms[step]) << "step " << step;
    optimizer->step();

    state.tensors.clear();
    for (const Var& v : last) state.tensors.push_back(v.value());
    tape.clear();
  }
}

INSTANTIATE_TEST_SUITE_P(Optimizers, TrainingParity,
                         testing::Values("sgd", "sgd_momentum", "adam", "adamw", "rmsprop"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace riverrun
