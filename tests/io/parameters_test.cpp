#include "riverrun/io/parameters.h"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"

#include "tests/temporary_folder.h"

namespace riverrun::io {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::shared_ptr<Parameter> parameter(const Shape& shape, float value) {
  auto result = std::make_shared<Parameter>(shape);
  result->mutable_value().fill(value);
  return result;
}

class Parameters : public ::testing::Test {
 protected:
  // What loading this file into `weight_` and `bias_` throws; they must then be unchanged.
  std::string refusal(const std::vector<TensorView>& tensors) {
    write_safetensors(folder_ / "file", tensors);
    SafetensorsFile file(folder_ / "file");
    std::string message = "no error";
    std::uint64_t version = weight_->version();
    try {
      load_parameters(file, list_);
    } catch (const FormatError& error) {
      message = error.what();
    }
    EXPECT_THAT(weight_->value().values(), Each(1));
    EXPECT_THAT(bias_->value().values(), Each(2));
    EXPECT_EQ(weight_->version(), version);
    return message;
  }

  TemporaryFolder folder_;
  std::shared_ptr<Parameter> weight_ = parameter({2, 3}, 1);
  std::shared_ptr<Parameter> bias_ = parameter({2}, 2);
  ParameterList list_ = {{"rnn.weight", weight_}, {"rnn.bias", bias_}};
  Tensor good_weight_{Shape{2, 3}};
  Tensor good_bias_{Shape{2}};
};

TEST_F(Parameters, AreRestored) {
  save_parameters(folder_ / "file", list_, {{"format", "pt"}});
  const auto weight = std::make_shared<Parameter>(Shape{2, 3});
  const auto bias = std::make_shared<Parameter>(Shape{2});
  std::uint64_t version = weight->version();
  SafetensorsFile file(folder_ / "file");
  load_parameters(file, {{"rnn.bias", bias}, {"rnn.weight", weight}});
  EXPECT_THAT(weight->value().values(), Each(1));
  EXPECT_THAT(bias->value().values(), Each(2));
  EXPECT_NE(weight->version(), version) << "who keeps a packed copy must see that it is stale";
  EXPECT_EQ(file.metadata().at("format"), "pt");
}

TEST_F(Parameters, MayBeStoredInAnotherFloatingType) {
  std::vector<double> bias = {0.5, -4};
  std::vector<TensorView> tensors = {view("rnn.bias", bias), view("rnn.weight", good_weight_)};
  write_safetensors(folder_ / "file", tensors);
  load_parameters(SafetensorsFile(folder_ / "file"), list_);
  EXPECT_THAT(bias_->value().values(), ElementsAre(0.5f, -4.0f));
}

TEST_F(Parameters, RefuseAMissingTensor) {
  EXPECT_THAT(refusal({view("rnn.weight", good_weight_)}),
              HasSubstr("there is no tensor \"rnn.bias\"; the model needs it with shape [2]"));
}

TEST_F(Parameters, RefuseAnExtraTensor) {
  EXPECT_THAT(refusal({view("rnn.weight", good_weight_), view("rnn.bias", good_bias_),
                       view("rnn.other", good_bias_)}),
              HasSubstr("tensor \"rnn.other\" of shape [2] is none of the model's"));
}

TEST_F(Parameters, RefuseAMisshapenTensor) {
  Tensor transposed(Shape{3, 2});
  EXPECT_THAT(refusal({view("rnn.weight", transposed), view("rnn.bias", good_bias_)}),
              HasSubstr("tensor \"rnn.weight\" has shape [3, 2]; the model has [2, 3]"));
}

TEST_F(Parameters, RefuseATensorOfIntegers) {
  std::vector<std::int64_t> integers = {1, 2};
  EXPECT_THAT(refusal({view("rnn.weight", good_weight_), view("rnn.bias", integers)}),
              HasSubstr("tensor \"rnn.bias\" is of type I64"));
}

TEST_F(Parameters, RefuseAValueThatDoesNotFit) {
  std::vector<double> huge = {1, 1e300};
  EXPECT_THAT(refusal({view("rnn.weight", good_weight_), view("rnn.bias", huge)}),
              HasSubstr("too large for a float32"));
}

TEST_F(Parameters, RefuseToBeSavedUnderOneName) {
  list_[1].name = "rnn.weight";
  EXPECT_THROW(save_parameters(folder_ / "file", list_), ConfigError);
}

TEST_F(Parameters, ThatLayersShareAreStoredOnce) {
  list_.push_back({"decoder.weight", weight_});
  save_parameters(folder_ / "file", list_);
  const SafetensorsFile file(folder_ / "file");
  EXPECT_EQ(file.find("decoder.weight"), nullptr);
  weight_->mutable_value().fill(5);
  load_parameters(file, list_);
  EXPECT_THAT(weight_->value().values(), Each(1));
}

TEST_F(Parameters, ThatLayersShareMayBeStoredUnderAnyOfTheirNames) {
  list_.push_back({"decoder.weight", weight_});
  Tensor sevens(Shape{2, 3});
  sevens.fill(7);
  EXPECT_THAT(refusal({view("rnn.bias", good_bias_)}), HasSubstr("no tensor \"rnn.weight\""));
  EXPECT_THAT(refusal({view("rnn.bias", good_bias_), view("rnn.weight", good_weight_),
                       view("decoder.weight", sevens)}),
              HasSubstr("tensor \"decoder.weight\" differs from \"rnn.weight\""));
  const std::vector<TensorView> other = {view("rnn.bias", good_bias_),
                                         view("decoder.weight", sevens)};
  write_safetensors(folder_ / "file", other);
  load_parameters(SafetensorsFile(folder_ / "file"), list_);
  EXPECT_THAT(weight_->value().values(), Each(7));
}

}  // namespace
}  // namespace riverrun::io
