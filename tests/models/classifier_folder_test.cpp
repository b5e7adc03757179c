#include "riverrun/models/classifier_folder.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"

#include "tests/models/waves.h"
#include "tests/temporary_folder.h"

namespace riverrun::models {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;

class ClassifierFolder : public testing::Test {
 protected:
  ClassifierFolder() : data_(test::waves(9, 1)), model_(options(data_)) {
    save_config(folder_.path(), model_.options());
    save_weights(folder_.path(), model_.parameters(), Measured{.step = 7, .valid = {.loss = 0.5}});
  }

  static ClassifierOptions options(const data::LabelledSequences& data) {
    ClassifierOptions options;
    describe(data, all_of(data), options);
    options.cell = "gru";
    options.hidden_size = 5;
    options.conv_channels = 3;
    options.conv_kernel_size = 3;
    return options;
  }

  void change_config(const std::string& from, const std::string& to) {
    std::string config = read_file(folder_ / kConfigFile);
    const std::size_t at = config.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    replace_file(folder_ / kConfigFile, config.replace(at, from.size(), to));
  }

  std::string format_error() {
    try {
      (void)load_classifier(folder_.path());
    } catch (const FormatError& error) {
      return error.what();
    }
    return "no error";
  }

  TemporaryFolder folder_;
  data::LabelledSequences data_;
  Classifier model_;
};

TEST_F(ClassifierFolder, HoldsTheWholeModel) {
  const LoadedClassifier loaded = load_classifier(Folder(folder_.path()));
  ASSERT_TRUE(loaded.measured);
  EXPECT_EQ(loaded.measured->step, 7);
  EXPECT_EQ(loaded.model.options(), model_.options());
  EXPECT_EQ(model_type(folder_.path()), kClassifierType);
  const std::vector<std::int64_t> all = all_of(data_);
  EXPECT_THAT(loaded.model.probabilities(data_, all).values(),
              ElementsAreArray(model_.probabilities(data_, all).values()));
}

TEST_F(ClassifierFolder, WhatIsWrongIsNamed) {
  const struct {
    const char* from;
    const char* to;
    const char* message;
  } kCases[] = {
      {"\"gru\"", "\"none\"", "no cell is called \"none\""},
      {"\"hidden_size\": 5", "\"hidden_size\": 6", "rnn.weight_ih_l0 is"},
      {"\"hidden_size\": 5", "\"hidden_size\": 100000", "rnn.weight_ih_l0 is"},
      {"\"hidden_size\": 5", "\"hidden_size\": \"5\"", "hidden_size is \"5\""},
      {"\"conv_stride\": 1", "\"conv_stride\": 2", "another config.json"},
      {"\"examples\": [\n    3", "\"examples\": [\n    -3", "examples is -3"},
      {"\"middle\"", "\"central\"", "another config.json"},
      {"\"middle\"", "\"slow\"", "the class \"slow\" is there twice"},
      {"\"bidirectional\": true", "\"bidirectional\": false", "decoder.weight is"},
      {"riverrun_classifier", "riverrun_lm", "it must be \"riverrun_classifier\""},
      {"\"readout\": \"mean\"", "\"readout\": \"middle\"", "readout is \"middle\""},
      {"\"channels\": 2", "\"channels\": 3", "mean has 2 elements"},
      {"\"scale\": [", "\"scale\": [0, ", "scale is 0"},
  };
  const std::string config = read_file(folder_ / kConfigFile);
  for (const auto& [from, to, message] : kCases) {
    change_config(from, to);
    EXPECT_THAT(format_error(), HasSubstr(message)) << to;
    replace_file(folder_ / kConfigFile, config);
  }
  EXPECT_EQ(format_error(), "no error");
}

TEST_F(ClassifierFolder, WhatDecidesNothingMayBeChangedByHand) {
  change_config("\"dropout\": 0.3", "\"dropout\": 0");
  EXPECT_EQ(format_error(), "no error");
}

}  // namespace
}  // namespace riverrun::models
