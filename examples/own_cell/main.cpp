// A cell of one's own (coupled_lstm.h) in a network: its gradients and its SIMD kernels came from
// its equations. It learns to tell whether the sum of what it has read so far is positive.
#include <cstdint>
#include <cstdio>
#include <vector>

#include "riverrun/cell/descriptor.h"
#include "riverrun/core/random.h"
#include "riverrun/nn/linear.h"
#include "riverrun/nn/loss.h"
#include "riverrun/nn/optimizer.h"
#include "riverrun/nn/recurrent.h"

#include "coupled_lstm.h"

int main() {
  using namespace riverrun;
  constexpr std::int64_t kSteps = 30, kBatch = 32, kHidden = 32;
  Recurrent network(cell<CoupledLSTM>(), {.input_size = 1, .hidden_size = kHidden});
  Linear decoder({.in_features = kHidden, .out_features = 2});
  for (const auto& [name, parameter] : network.parameters()) {
    std::printf("%-12s %s\n", name.c_str(), parameter->value().shape().to_string().c_str());
  }

  const ParameterList parameters = network.parameters() + decoder.parameters();
  Adam adam(parameters, {.lr = 0.01});
  Random random(1);
  Tape tape;
  std::vector<std::int32_t> positive(kSteps * kBatch);
  float loss = 0.0f;
  for (int step = 0; step < 300; ++step) {
    Tensor x(Shape{kSteps, kBatch, 1});
    random.fill_uniform(x.values(), -1.0f, 1.0f);
    for (std::int64_t b = 0; b < kBatch; ++b) {
      float sum = 0.0f;
      for (std::int64_t i = b; i < kSteps * kBatch; i += kBatch) {
        sum += x.data()[i];
        positive[static_cast<std::size_t>(i)] = sum > 0.0f ? 1 : 0;
      }
    }
    tape.clear();
    const Var output = network.forward(tape, tape.input(std::move(x))).output;
    const Var nats = cross_entropy(decoder.forward(tape, output), positive);
    zero_grad(parameters);
    tape.backward(nats);
    adam.step();
    loss = nats.value().data()[0];
  }
  std::printf("%s\n", loss < 0.2f ? "it has learned" : "it has not learned");
}
