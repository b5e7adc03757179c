#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/data/time_series.h"

#include "tests/temporary_folder.h"

namespace riverrun::test {

/// Reads texts as files of time series.
class TimeSeriesFile : public ::testing::Test {
 protected:
  std::filesystem::path write(std::string_view text) {
    std::filesystem::path path = folder_ / "some.csv";
    replace_file(path, text);
    return path;
  }
  data::TimeSeriesTable read(std::string_view text, data::TimeSeriesColumns columns = {}) {
    return data::read_time_series(write(text), columns);
  }
  /// What the columns are found to be.
  data::TimeSeriesColumns found(std::string_view text, data::TimeSeriesColumns columns = {}) {
    (void)data::read_time_series(write(text), columns);
    return columns;
  }
  data::TimeSeriesTable read(std::string_view text, const data::TimeSeriesForm& form) {
    return data::read_time_series(write(text), form);
  }
  /// All messages name the file.
  template <class Expected>
  void expect_refused(std::string_view text, const Expected& expected,
                      const std::vector<std::string>& words) {
    try {
      (void)read(text, expected);
      ADD_FAILURE() << "is not refused: " << text.substr(0, 200);
    } catch (const FormatError& error) {
      EXPECT_EQ(error.path(), (folder_ / "some.csv").string());
      for (const std::string& word : words) {
        EXPECT_THAT(error.what(), ::testing::HasSubstr(word));
      }
    }
  }
  void expect_refused(std::string_view text, const std::vector<std::string>& words) {
    expect_refused(text, data::TimeSeriesColumns{}, words);
  }
  /// What a model that learnt from the text has in common with it.
  data::TimeSeriesForm form_of(std::string_view text, data::TimeSeriesColumns columns = {}) {
    const data::TimeSeriesTable table = data::read_time_series(write(text), columns);
    return {.columns = columns, .covariates = table.covariates, .frequency = table.frequency};
  }

  TemporaryFolder folder_;
};

}  // namespace riverrun::test
