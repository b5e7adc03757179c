// A model that other people trained with Keras and published, with the output that they got.
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "riverrun/fixed/linear.h"
#include "riverrun/fixed/recurrent.h"
#include "riverrun/fixed/stack.h"

namespace riverrun::fixed {
namespace {

const std::filesystem::path kFolder =
    std::filesystem::path(RIVERRUN_SHARED_DIR) / "models/rtneural";

/// Keras stores [in][out] where PyTorch has [out, in]; its gates of an LSTM are i, f, g, o, too.
template <std::size_t kSize>
std::array<float, kSize> transposed(const nlohmann::json& matrix) {
  std::array<float, kSize> result{};
  const std::size_t rows = matrix.size();
  for (std::size_t i = 0; i < kSize; ++i) result[i] = matrix.at(i % rows).at(i / rows);
  return result;
}

std::vector<float> numbers(const std::string& name) {
  std::ifstream in(kFolder / name);
  std::vector<float> result;
  for (double value = 0.0; in >> value;) result.push_back(static_cast<float>(value));
  return result;
}

TEST(FixedRTNeural, GivesTheOutputThatKerasGave) {
  if (!std::filesystem::exists(kFolder)) GTEST_SKIP() << "no " << kFolder;
  std::ifstream in(kFolder / "lstm_1d.json");
  const nlohmann::json layers = nlohmann::json::parse(in).at("layers");
  const auto& lstm = layers.at(0).at("weights");
  const auto& dense = layers.at(1).at("weights");
  Stack<LSTM<1, 8>, Linear<8, 1>> net;
  net.layer<0>().set_weights({.weight_ih = transposed<32>(lstm.at(0)),
                              .weight_hh = transposed<256>(lstm.at(1)),
                              .bias_ih = lstm.at(2).get<std::array<float, 32>>(),
                              .params = {}});
  net.layer<1>().set_weights(
      {.weight = transposed<8>(dense.at(0)), .bias = dense.at(1).get<std::array<float, 1>>()});

  const std::vector<float> x = numbers("lstm_1d_x_python.csv");
  const std::vector<float> y = numbers("lstm_1d_y_python.csv");
  ASSERT_GE(x.size(), 100u);
  ASSERT_EQ(x.size(), y.size());
  for (std::size_t t = 0; t < x.size(); ++t) ASSERT_NEAR(net.step(x[t]), y[t], 1e-6f) << t;
}

}  // namespace
}  // namespace riverrun::fixed
