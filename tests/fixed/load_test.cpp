#include "riverrun/fixed/load.h"

#include <array>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/random.h"
#include "riverrun/io/parameters.h"
#include "riverrun/nn/linear.h"
#include "riverrun/nn/recurrent.h"

#include "tests/cell/odd_cells.h"
#include "tests/temporary_folder.h"

namespace riverrun::fixed {
namespace {

using testing::HasSubstr;

using Net = Stack<LSTM<1, 6>, LSTM<6, 6>, Linear<6, 2>>;
constexpr std::array<std::string_view, 3> kPatterns = {"lstm.*_l0", "lstm.*_l1", "linear.*"};

class FixedLoad : public testing::Test {
 protected:
  /// A file with the parameters of `lstm` and `linear`, some of them changed.
  io::SafetensorsFile file(const auto& change) {
    ParameterList list =
        prefixed("lstm", lstm_.parameters()) + prefixed("linear", linear_.parameters());
    change(list);
    io::save_parameters(folder_ / "net.safetensors", list);
    return io::SafetensorsFile(folder_ / "net.safetensors");
  }

  /// What loading the file throws; the network must then be as it was.
  std::string refusal(const auto& change) {
    Net net;
    load(file([](ParameterList&) {}), net, kPatterns);
    Net before = net;
    std::string message = "no error";
    try {
      load(file(change), net, kPatterns);
    } catch (const FormatError& error) {
      message = error.what();
    }
    const std::array<float, 1> x = {0.5f};
    std::array<float, 2> y, expected;
    net.step(x, y);
    before.step(x, expected);
    EXPECT_EQ(y, expected);
    return message;
  }

  TemporaryFolder folder_;
  riverrun::LSTM lstm_{{.input_size = 1, .hidden_size = 6, .num_layers = 2}};
  riverrun::Linear linear_{{.in_features = 6, .out_features = 2}};
};

TEST_F(FixedLoad, IsTheNetworkThatWasSaved) {
  Net net;
  load(file([](ParameterList&) {}), net, kPatterns);
  Stream stream = lstm_.stream();
  for (int t = 0; t < 50; ++t) {
    const std::array<float, 1> x = {static_cast<float>(t % 7) - 3.0f};
    std::array<float, 6> h;
    std::array<float, 2> y;
    net.step(x, y);
    stream.step(x, h);
    const Tensor expected = linear_.forward(Tensor({6}, h));
    for (std::size_t o = 0; o < 2; ++o) ASSERT_NEAR(y[o], expected.data()[o], 1e-6f) << t;
  }
}

TEST_F(FixedLoad, OneLayerWithoutBias) {
  riverrun::GRU gru({.input_size = 3, .hidden_size = 4, .bias = false});
  io::save_parameters(folder_ / "gru", gru.parameters());
  GRU<3, 4> layer;
  load(io::SafetensorsFile(folder_ / "gru"), layer, "*_l0");
  Stream stream = gru.stream();
  const std::array<float, 3> x = {1.0f, -0.5f, 2.0f};
  std::array<float, 4> y, expected;
  layer.step(x, y);
  stream.step(x, expected);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(y[i], expected[i], 1e-6f);
}

TEST_F(FixedLoad, ParamsOfACellOfOnesOwn) {
  using Layer = Recurrent<odd_cells::CoupledLSTM, 2, 3>;
  std::vector<std::shared_ptr<Parameter>> values;
  for (const Shape& shape : {Shape{9, 2}, Shape{9, 3}, Shape{9}, Shape{9}, Shape{3}}) {
    Random random(values.size());
    values.push_back(std::make_shared<Parameter>(shape));
    random.fill_normal(values.back()->mutable_value().values(), 0.0f, 1.0f);
  }
  io::save_parameters(folder_ / "own", {{"weight_ih_l0", values[0]},
                                        {"weight_hh_l0", values[1]},
                                        {"bias_ih_l0", values[2]},
                                        {"bias_hh_l0", values[3]},
                                        {"p_o_l0", values[4]}});
  Layer loaded, set;
  load(io::SafetensorsFile(folder_ / "own"), loaded, "*_l0");
  set.set_weights({.weight_ih = detail::view<18>(values[0]),
                   .weight_hh = detail::view<27>(values[1]),
                   .bias_ih = detail::view<9>(values[2]),
                   .bias_hh = detail::view<9>(values[3]),
                   .params = {detail::view<3>(values[4])}});
  const std::array<float, 2> x = {1.0f, -0.5f};
  std::array<float, 3> y, expected;
  for (int t = 0; t < 3; ++t) {
    loaded.step(x, y);
    set.step(x, expected);
    EXPECT_EQ(y, expected);
  }
}

TEST_F(FixedLoad, RefusesOtherShapes) {
  const auto other = std::make_shared<Parameter>(Shape{24, 2});
  EXPECT_THAT(refusal([&](ParameterList& list) { list[0].parameter = other; }),
              HasSubstr("\"lstm.weight_ih_l0\" has shape [24, 2]; the model has [24, 1]"));
  const auto vector = std::make_shared<Parameter>(Shape{12});
  EXPECT_THAT(refusal([&](ParameterList& list) { list[8].parameter = vector; }),
              HasSubstr("\"linear.weight\" has shape [12]; the model has [2, 6]"));
}

TEST_F(FixedLoad, RefusesAMissingTensor) {
  EXPECT_THAT(refusal([](ParameterList& list) { list.erase(list.begin() + 1); }),
              HasSubstr("there is no tensor \"lstm.weight_hh_l0\""));
  EXPECT_THAT(refusal([](ParameterList& list) { list.erase(list.begin() + 7); }),
              HasSubstr("there is no tensor \"lstm.bias_hh_l1\""));
}

TEST_F(FixedLoad, RefusesATensorThatIsNone) {
  EXPECT_THAT(refusal([&](ParameterList& list) {
                list.push_back({"lstm.weight_hr_l0", std::make_shared<Parameter>(Shape{3})});
              }),
              HasSubstr("\"lstm.weight_hr_l0\" of shape [3] is none of the model's"));
}

TEST_F(FixedLoad, RefusesAPatternWithoutAPlace) {
  Net net;
  const io::SafetensorsFile good = file([](ParameterList&) {});
  EXPECT_THROW(load(good, net, {"lstm", "lstm.*_l1", "linear.*"}), ConfigError);
  EXPECT_THROW(load(good, net, {"lstm.**_l0", "lstm.*_l1", "linear.*"}), ConfigError);
}

}  // namespace
}  // namespace riverrun::fixed
