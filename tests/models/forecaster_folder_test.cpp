#include "riverrun/models/forecaster_folder.h"

#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"

#include "tests/models/series.h"
#include "tests/nn/memory_count.h"
#include "tests/temporary_folder.h"

namespace riverrun::models {
namespace {

namespace fs = std::filesystem;
using test::hourly;
using test::wave;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

class ForecasterFolder : public testing::Test {
 protected:
  ForecasterFolder() : table_(make_table()), model_(make(table_)) { save(folder_.path(), model_); }

  static data::TimeSeriesTable make_table() {
    data::TimeSeriesTable table = hourly({wave(40), wave(40, 3)}, 5);
    test::add_covariate(table, {.name = "sky", .levels = {"dry", "wet"}, .known = true},
                        [](auto row) { return row % 2; });
    return table;
  }
  static Forecaster make(const data::TimeSeriesTable& table) {
    ForecasterOptions options = test::small_forecaster(table);
    options.columns.time = "when";
    options.columns.series = "who";
    options.columns.known = {"sky"};
    options.covariate_scales[1] = {.mean = 0.25, .deviation = 0.75};
    options.lines[1].scale = {.mean = 1.0 / 3, .deviation = 0.1, .naive_error = 0};
    options.dropout = 0.5f;
    options.hidden_size = 5;
    return Forecaster(options);
  }
  static void save(const fs::path& folder, const Forecaster& model) {
    save_config(folder, model.options());
    save_weights(folder, model.parameters(), Measured{.step = 7, .valid = {.loss = 0.5}});
  }

  void change(const std::string& from, const std::string& to) {
    std::string text = read_file(folder_ / kConfigFile);
    const std::size_t place = text.find(from);
    ASSERT_NE(place, std::string::npos) << from;
    replace_file(folder_ / kConfigFile, text.replace(place, from.size(), to));
  }

  std::string format_error() {
    try {
      (void)load_forecaster(folder_.path());
    } catch (const FormatError& error) {
      return error.what();
    }
    return "no error";
  }

  std::vector<double> said_by(const Forecaster& model) {
    const ForecastData data(table_, model.options());
    std::vector<double> all;
    model.forecast(
        data, std::vector<ForecastWindow>{{0, 12}, {1, 40}}, 1,
        [&](const ForecastWindow&, auto said) { all.insert(all.end(), said.begin(), said.end()); });
    return all;
  }

  TemporaryFolder folder_;
  data::TimeSeriesTable table_;
  Forecaster model_;
};

TEST_F(ForecasterFolder, HoldsTheWholeModel) {
  const LoadedForecaster loaded = load_forecaster(Folder(folder_.path()));
  ASSERT_TRUE(loaded.measured);
  EXPECT_EQ(loaded.measured->step, 7);
  EXPECT_TRUE(loaded.digest);
  EXPECT_EQ(loaded.digest, config_digest(Folder(folder_.path())));
  EXPECT_EQ(model_type(folder_.path()), kForecasterType);
  EXPECT_EQ(loaded.model.options(), model_.options());
  EXPECT_EQ(said_by(loaded.model), said_by(model_));
  EXPECT_EQ(said_by(load_forecaster(folder_.path())), said_by(model_));
  EXPECT_NO_THROW(check_forecaster_config(Folder(folder_.path())));
}

TEST_F(ForecasterFolder, NamesOfAnyKindAreKept) {
  table_.series[0].name = "\"quoted\" \\ \xf0\x9f\x98\x80";
  table_.series[1].name = "";
  table_.targets = {"Ätna, a"};
  const Forecaster model = make(table_);
  save(folder_.path(), model);
  EXPECT_EQ(load_forecaster(folder_.path()).options(), model.options());
}

TEST_F(ForecasterFolder, WhatIsWrongWithTheOptionsIsNamed) {
  struct Case {
    const char* from;
    const char* to;
    const char* message;
    const char* of_file = kConfigFile;  ///< that the message names
  };
  const char* other = "these weights were made with another config.json";
  const std::string whole = read_file(folder_ / kConfigFile);
  for (const auto& [from, to, message, of_file] : std::vector<Case>{
           {"\"gru\"", "\"none\"", "no cell is called \"none\""},
           {"\"hidden_size\": 5", "\"hidden_size\": 6", "segment_embedding.weight is",
            kWeightsFile},
           {"\"hidden_size\": 5", "\"hidden_size\": \"5\"", "hidden_size is \"5\""},
           {"\"horizon\": 5", "\"horizon\": 7", "position_embedding.weight is", kWeightsFile},
           {"\"horizon\": 5", "\"horizon\": 6", other, kWeightsFile},
           {"\"horizon\": 5", "\"horizon\": 0", "horizon is 0"},
           {"\"look_back\": 8", "\"look_back\": 10", other, kWeightsFile},
           {"\"look_back\": 8", "\"look_back\": 9", "it must be a multiple of segment, 2"},
           {"\"segments\"", "\"paths\"", "segment is 2; with paths"},
           {"\"segments\"", "\"other\"", "method is \"other\""},
           {"\"error\"", "\"mask\"", "segment_embedding.weight is", kWeightsFile},
           {"\"error\"", "\"interpolate\"", other, kWeightsFile},
           {"\"hour\"", "\"day\"", "segment_embedding.weight is", kWeightsFile},
           {"\"hour\"", "\"2 hours\"", other, kWeightsFile},
           {"\"hour\"", "\"fortnightly\"", "frequency is \"fortnightly\""},
           {"\"deviation\": 0.1", "\"deviation\": 0.2", other, kWeightsFile},
           {"\"deviation\": 0.1", "\"deviation\": 0", "deviation is 0"},
           {"\"deviation\": 0.1", "\"deviation\": 1e999", ""},
           {"\"mean\": 0.25", "\"mean\": 0.5", other, kWeightsFile},
           {"\"series\": \"b\"", "\"series\": \"c\"", other, kWeightsFile},
           {"\"series\": \"b\"", "\"series\": \"a\"", "the series \"a\" is twice"},
           {"\"wet\"", "\"hot\"", other, kWeightsFile},
           {"\"known\": true", "\"known\": false", "future.weight is", kWeightsFile},
           {"\"when\"", "\"then\"", other, kWeightsFile},
           {"\"calendar\": true", "\"calendar\": false", "segment_embedding.weight is",
            kWeightsFile},
           {"\"calendar\": true", "\"calendar\": 1", "calendar is 1"},
           {"\"calendar\": true,", "", "calendar"},
           {"\"quantiles\": [", "\"quantiles\": [0.05,", "decoder.weight is", kWeightsFile},
           {"\"quantiles\": [", "\"quantiles\": [0.7,", "they must rise"},
           {"riverrun_forecaster", "riverrun_lm", "it must be \"riverrun_forecaster\""},
           {"\"riverrun_digest\": \"", "\"riverrun_digest\": \"0", "riverrun_digest is"},
           {"{", "[", ""}}) {
    change(from, to);
    EXPECT_THAT(format_error(), AllOf(HasSubstr(message), HasSubstr((folder_ / of_file).string())))
        << to;
    replace_file(folder_ / kConfigFile, whole);
  }
  EXPECT_EQ(format_error(), "no error");
}

TEST_F(ForecasterFolder, FilesOfTwoModelsAreNotMixed) {
  table_.series[0].name = "other";
  const TemporaryFolder other;
  save(other.path(), make(table_));
  for (const char* file : {kConfigFile, kWeightsFile}) {
    const std::string own = read_file(folder_ / file);
    replace_file(folder_ / file, read_file(other / file));
    EXPECT_THAT(format_error(), HasSubstr("another config.json")) << file;
    replace_file(folder_ / file, own);
  }
  EXPECT_EQ(format_error(), "no error");
}

TEST_F(ForecasterFolder, DamagedAndMissingFilesAreNamed) {
  const std::string weights = read_file(folder_ / kWeightsFile);
  replace_file(folder_ / kWeightsFile, weights.substr(0, weights.size() - 4));
  EXPECT_THAT(format_error(), HasSubstr((folder_ / kWeightsFile).string()));
  replace_file(folder_ / kWeightsFile, weights);
  for (const char* file : {kConfigFile, kWeightsFile}) {
    const std::string text = read_file(folder_ / file);
    fs::remove(folder_ / file);
    EXPECT_THAT([&] { (void)load_forecaster(folder_.path()); },
                ThrowsMessage<Error>(HasSubstr(file)));
    replace_file(folder_ / file, text);
  }
  EXPECT_EQ(format_error(), "no error");
}

TEST_F(ForecasterFolder, WhatAFileClaimsIsNotAllocated) {
  const std::string config = read_file(folder_ / kConfigFile);
  const std::size_t before = test::tensor_bytes();
  test::reset_peak_tensor_bytes();
  for (const auto& [from, to] : {std::pair{"\"horizon\": 5", "\"horizon\": 1048576"},
                                 {"\"look_back\": 8", "\"look_back\": 1048576"},
                                 {"\"segment\": 2", "\"segment\": 1"},
                                 {"\"hidden_size\": 5", "\"hidden_size\": 65536"},
                                 {"\"num_layers\": 1", "\"num_layers\": 1000"}}) {
    change(from, to);
    EXPECT_NE(format_error(), "no error") << to;
    replace_file(folder_ / kConfigFile, config);
  }
  EXPECT_LT(test::peak_tensor_bytes() - before, std::size_t{1} << 16);
}

TEST_F(ForecasterFolder, WhatDecidesNothingMayBeChangedByHand) {
  change("\"season\": 8", "\"season\": 24");
  change("\"paths\": 20", "\"paths\": 30");
  EXPECT_EQ(format_error(), "no error");
  EXPECT_NO_THROW(check_forecaster_config(Folder(folder_.path())));
}

TEST_F(ForecasterFolder, ARunDoesNotGoOnWithOptionsThatWereChanged) {
  change("\"horizon\": 5", "\"horizon\": 6");
  EXPECT_THAT([&] { check_forecaster_config(Folder(folder_.path())); },
              ThrowsMessage<FormatError>(HasSubstr("its digest is not that of its options")));
  fs::remove(folder_ / kConfigFile);
  EXPECT_NO_THROW(check_forecaster_config(Folder(folder_.path())));
}

}  // namespace
}  // namespace riverrun::models
