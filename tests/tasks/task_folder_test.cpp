#include "riverrun/tasks/task_folder.h"

#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"

#include "tests/temporary_folder.h"

namespace riverrun::tasks {
namespace {

using testing::HasSubstr;

class TaskFolder : public testing::Test {
 protected:
  TaskFolder() : network_(config().network) {
    save_config(folder_.path(), config());
    save_weights(folder_.path(), network_.parameters(), Measured{.step = 3, .valid = {.loss = 1}});
  }

  static TaskConfig config() {
    TaskConfig config{.task = "adding", .length = 20, .seed = 5, .network = {}};
    config.network.cell = "gru";
    config.network.input_size = 2;
    config.network.hidden_size = 4;
    config.network.output_size = 1;
    config.network.readout = Readout::kAsked;
    config.network.init.forget_bias = std::nullopt;
    return config;
  }

  std::string error_with(const std::string& from, const std::string& to) {
    const std::string config = read_file(folder_ / kConfigFile);
    std::string changed = config;
    const std::size_t at = changed.find(from);
    if (at == std::string::npos) return "there is no " + from;
    replace_file(folder_ / kConfigFile, changed.replace(at, from.size(), to));
    std::string error = "none";
    try {
      (void)load_task_network(Folder(folder_.path()));
    } catch (const FormatError& found) {
      error = found.what();
    }
    replace_file(folder_ / kConfigFile, config);
    return error;
  }

  TemporaryFolder folder_;
  SequenceModel network_;
};

TEST_F(TaskFolder, HoldsTheNetworkAndItsTask) {
  const LoadedTaskNetwork loaded = load_task_network(Folder(folder_.path()));
  EXPECT_EQ(loaded.config.task, "adding");
  EXPECT_EQ(loaded.config.length, 20);
  EXPECT_EQ(loaded.config.seed, 5u);
  ASSERT_TRUE(loaded.measured);
  EXPECT_EQ(loaded.measured->step, 3);
  const ConstParameterList before = std::as_const(network_).parameters();
  const ConstParameterList after = loaded.network.parameters();
  ASSERT_EQ(before.size(), after.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_THAT(after[i].parameter->value().values(),
                testing::ElementsAreArray(before[i].parameter->value().values()));
  }
}

TEST_F(TaskFolder, WhatIsWrongIsNamed) {
  EXPECT_THAT(error_with("riverrun_task", "riverrun_lm"), HasSubstr("must be \"riverrun_task\""));
  EXPECT_THAT(error_with("\"length\": 20", "\"length\": -1"), HasSubstr("length is -1"));
  EXPECT_THAT(error_with("\"length\": 20", "\"length\": 21"), HasSubstr("belong together"));
  EXPECT_THAT(error_with("\"hidden_size\": 4", "\"hidden_size\": 90000"),
              HasSubstr("rnn.weight_ih_l0 is"));
  EXPECT_THAT(error_with("\"hidden_size\": 4", "\"hidden_size\": 0"),
              HasSubstr("hidden_size is 0"));
  EXPECT_THAT(error_with("\"gru\"", "\"gnu\""), HasSubstr("no cell is called \"gnu\""));
  EXPECT_THAT(error_with("\"network\": {", "\"network\": 3, \"x\": {"), HasSubstr("network is 3"));
}

}  // namespace
}  // namespace riverrun::tasks
