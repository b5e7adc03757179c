// Built outside the tree, from the installed package: the one line of C++, run.
#include <cstdio>

#include "riverrun/core/tensor.h"
#include "riverrun/nn/recurrent.h"

int main() {
  const riverrun::LSTM lstm({.input_size = 3, .hidden_size = 4, .num_layers = 2});
  const riverrun::Tensor x(riverrun::Shape{5, 2, 3});
  const auto [output, state] = lstm.forward(x);
  std::printf("output %s, state %s\n", output.shape().to_string().c_str(),
              state.h().shape().to_string().c_str());
}
