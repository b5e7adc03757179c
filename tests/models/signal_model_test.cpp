#include "riverrun/models/signal_model.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/models/signal_folder.h"
#include "riverrun/models/signal_score.h"

#include "tests/models/device.h"
#include "tests/temporary_folder.h"

namespace riverrun::models {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

SignalOptions small() {
  SignalOptions options;
  options.sample_rate = 8000;
  options.gain = 0.5;
  options.cell = "gru";
  options.hidden_size = 5;
  return options;
}

std::vector<float> processed(const SignalModel& model, const std::vector<float>& dry) {
  std::vector<float> wet(dry.size());
  State state;
  model.process(dry, wet, state);
  return wet;
}

TEST(SignalModel, ASignalThatIsCutAnywhereGivesTheSame) {
  const SignalModel model(small());
  const test::Device device(20'000);
  const std::vector<float> whole = processed(model, device.dry);
  std::vector<float> pieces(device.dry.size());
  State state;
  std::size_t from = 0;
  for (const std::size_t to : {1u, 2u, 9000u, 9001u, 20'000u}) {
    model.process(std::span(device.dry).subspan(from, to - from),
                  std::span(pieces).subspan(from, to - from), state);
    from = to;
  }
  EXPECT_EQ(pieces, whole);
}

TEST(SignalModel, OnATapeItSaysTheSame) {
  SignalModel model(small());
  const test::Device device(300);
  Tape tape(false);
  const Tensor dry({300, 1, 1}, device.dry);
  const Var said = model.forward(tape, dry).output;
  const std::vector<float> wet = processed(model, device.dry);
  ASSERT_EQ(said.shape(), (Shape{300, 1, 1}));
  for (std::size_t i = 0; i < wet.size(); ++i) {
    ASSERT_NEAR(said.value().data()[i], wet[i], 1e-6) << i;
  }
}

TEST(SignalModel, WhatIsResidualIsAddedToTheDrySignal) {
  SignalOptions options = small();
  const SignalModel added(options);
  options.residual = false;
  const SignalModel alone(options);
  const test::Device device(100);
  const std::vector<float> a = processed(added, device.dry);
  const std::vector<float> b = processed(alone, device.dry);
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i] + device.dry[i], 1e-6);
}

TEST(SignalModel, RefusesWhatItCannotBe) {
  const auto expect = [](auto change, const char* message) {
    SignalOptions options = small();
    change(options);
    EXPECT_THAT([&] { SignalModel model(options); },
                ThrowsMessage<ConfigError>(HasSubstr(message)));
  };
  expect([](SignalOptions& o) { o.sample_rate = 0; }, "sample_rate is 0");
  expect([](SignalOptions& o) { o.pre_emphasis = 1.5; }, "pre_emphasis is 1.5");
  expect([](SignalOptions& o) { o.hidden_size = 0; }, "hidden_size is 0");
  expect([](SignalOptions& o) { o.cell = "no cell"; }, "no cell");
  const SignalModel model(small());
  std::vector<float> wet(3);
  State state;
  EXPECT_THROW(model.process(std::vector<float>(4), wet, state), ShapeError);
}

TEST(SignalScore, IsWhatTheFormulasSay) {
  SignalCounter counter(0.5);
  counter.add(std::vector<float>{0.0f}, std::vector<float>{1.0f});
  counter.add(std::vector<float>{0.0f, 4.0f}, std::vector<float>{2.0f, 4.0f});
  const SignalScore score = counter.score();
  // Errors 1, 2, 0, filtered 1, 1.5, -1; wanted 1, 2, 4, filtered 1, 1.5, 3.
  EXPECT_DOUBLE_EQ(score.esr, 5.0 / 21);
  EXPECT_DOUBLE_EQ(score.esr_preemphasis, 4.25 / 12.25);
  EXPECT_DOUBLE_EQ(score.dc, 1.0 / 7);
  EXPECT_DOUBLE_EQ(score.mse, 5.0 / 3);
  EXPECT_DOUBLE_EQ(score.mae, 1.0);
  EXPECT_EQ(score.samples, 3);
  EXPECT_DOUBLE_EQ(best_gain(std::vector<float>{1, 2}, std::vector<float>{3, 1}), 1.0);
  EXPECT_EQ(best_gain(std::vector<float>{0}, std::vector<float>{3}), 0);
}

class SignalFolder : public testing::Test {
 protected:
  SignalFolder() : model_(small()) {
    save_config(folder_.path(), model_.options());
    save_weights(folder_.path(), model_.parameters(), Measured{.step = 7, .valid = {.loss = 0.5}});
  }
  void change_config(const std::string& from, const std::string& to) {
    std::string config = read_file(folder_ / kConfigFile);
    const std::size_t at = config.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    replace_file(folder_ / kConfigFile, config.replace(at, from.size(), to));
  }
  void expect_error(const char* message) {
    EXPECT_THAT([&] { (void)load_signal_model(folder_.path()); },
                ThrowsMessage<FormatError>(HasSubstr(message)));
  }
  TemporaryFolder folder_;
  SignalModel model_;
};

TEST_F(SignalFolder, HoldsTheWholeModel) {
  const LoadedSignalModel loaded = load_signal_model(Folder(folder_.path()));
  SignalOptions options = model_.options();
  EXPECT_EQ(loaded.model.options(), options);
  ASSERT_TRUE(loaded.measured);
  EXPECT_EQ(loaded.measured->step, 7);
  const test::Device device(100);
  EXPECT_EQ(processed(loaded.model, device.dry), processed(model_, device.dry));
}

TEST_F(SignalFolder, AnotherOptionThanThatOfTheWeightsIsNoticed) {
  change_config("\"sample_rate\": 8000", "\"sample_rate\": 9000");
  expect_error("these weights were made with another config.json");
}

TEST_F(SignalFolder, AnOptionOutOfRangeIsNamed) {
  change_config("\"hidden_size\": 5", "\"hidden_size\": -5");
  expect_error("hidden_size is -5");
}

TEST_F(SignalFolder, AModelOfAnotherSizeIsNotAllocated) {
  change_config("\"hidden_size\": 5", "\"hidden_size\": 200000000");
  EXPECT_THROW((void)load_signal_model(folder_.path()), FormatError);
}

TEST_F(SignalFolder, AnotherKindOfModelIsRefused) {
  change_config("riverrun_signal", "riverrun_classifier");
  expect_error("riverrun_classifier");
}

}  // namespace
}  // namespace riverrun::models
