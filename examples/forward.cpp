// A batch of sequences of different lengths through a two-layer LSTM.
#include <cstdint>
#include <cstdio>
#include <vector>

#include "riverrun/nn/recurrent.h"

int main() {
  const riverrun::LSTM lstm({.input_size = 300, .hidden_size = 128, .num_layers = 2});

  const riverrun::Tensor x(riverrun::Shape{50, 4, 300});     // [seq_len, batch, input_size]
  const std::vector<std::int64_t> lengths = {7, 50, 1, 23};  // in any order
  const auto [output, state] = lstm.forward(x, {}, lengths);

  std::printf("output %s\n", output.shape().to_string().c_str());  // zero beyond each length
  std::printf("h_n    %s\n", state.h().shape().to_string().c_str());
  std::printf("c_n    %s\n", state.c().shape().to_string().c_str());
}
