#include "riverrun/models/forecast_leaks.h"

#include <cmath>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/series.h"

namespace riverrun::models {
namespace {

using test::add_covariate;
using test::hourly;
using test::kMissing;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Numbers that do not repeat themselves.
double value_at(std::int64_t row) { return std::sin(static_cast<double>(row * row)); }

std::vector<double> values(std::int64_t rows) {
  std::vector<double> list;
  for (std::int64_t row = 0; row < rows; ++row) list.push_back(value_at(row));
  return list;
}

/// Of 100 rows, 80 of which are learnt, a look-back of 14, and a horizon of 7.
template <class Value>
std::vector<std::string> leaks_of(bool known, Value value) {
  data::TimeSeriesTable table = hourly({values(100)});
  add_covariate(table, {.name = "c", .known = known}, value);
  return leaks(table, 14, 7, {.valid_fraction = 0.2});
}

TEST(ForecastLeaks, AKnownCovariateThatIsATargetIsOne) {
  EXPECT_THAT(leaks_of(true, value_at),
              ElementsAre(AllOf(HasSubstr("known covariate \"c\" is target "),
                                HasSubstr("in all rows"), HasSubstr("(a leak)"))));
  EXPECT_THAT(leaks_of(false, value_at), IsEmpty());  // of the past alone, it says nothing new
}

TEST(ForecastLeaks, OnlyRowsThatAreLearntCount) {
  EXPECT_THAT(leaks_of(true, [](auto row) { return row < 80 ? value_at(row) : 5.; }),
              ElementsAre(HasSubstr("in all rows")));
  EXPECT_THAT(leaks_of(true, [](auto row) { return row < 79 ? value_at(row) : 50.; }), IsEmpty());
}

TEST(ForecastLeaks, WhatIsAllButATargetIsOne) {
  const auto scaled = [](double noise) {
    return [noise](auto row) { return 7 - 3 * value_at(row) + noise * value_at(row + 1000); };
  };
  EXPECT_THAT(leaks_of(true, scaled(0)), ElementsAre(HasSubstr("correlation is -1.000000")));
  EXPECT_THAT(leaks_of(true, scaled(0.02)), ElementsAre(HasSubstr("all but target")));
  EXPECT_THAT(leaks_of(true, scaled(0.1)), IsEmpty());
  EXPECT_THAT(leaks_of(false, scaled(0)), IsEmpty());
}

TEST(ForecastLeaks, LevelsOfSeriesAreNoCorrelation) {
  data::TimeSeriesTable table = hourly({values(100), values(100)});
  for (double& value : table.series[1].targets) value += 1e6;
  add_covariate(table, {.name = "c", .known = true}, [](auto row) { return value_at(row + 500); });
  for (double& value : table.series[1].covariates) value += 1e6;
  EXPECT_THAT(leaks(table, 14, 7, {.valid_fraction = 0.2}), IsEmpty());
}

TEST(ForecastLeaks, WhatKnowsTheRowsToComeIsOne) {
  for (const bool known : {false, true}) {
    EXPECT_THAT(leaks_of(known, [](auto row) { return value_at(row + 7); }),
                ElementsAre(HasSubstr("of 7 rows later: the future is given")));
    EXPECT_THAT(leaks_of(known, [](auto row) { return value_at(row + 21); }),
                ElementsAre(HasSubstr("of 21 rows later")));
    EXPECT_THAT(leaks_of(known, [](auto row) { return value_at(row + 22); }), IsEmpty());
  }
}

TEST(ForecastLeaks, WhatIsKnownBeforeTheHorizonIsNone) {
  const auto lagged = [](std::int64_t rows) {
    return [rows](auto row) { return row < rows ? kMissing : value_at(row - rows); };
  };
  EXPECT_THAT(leaks_of(true, lagged(1)),
              ElementsAre(HasSubstr("of 1 row before: of the 7 rows to come, it is not known")));
  EXPECT_THAT(leaks_of(true, lagged(6)), ElementsAre(HasSubstr("of 6 rows before")));
  EXPECT_THAT(leaks_of(true, lagged(7)), IsEmpty());
  EXPECT_THAT(leaks_of(false, lagged(1)), IsEmpty());
}

TEST(ForecastLeaks, FewOrEqualValuesSayNothing) {
  data::TimeSeriesTable table = hourly({std::vector<double>(100, 5)});
  add_covariate(table, {.name = "c", .known = true}, [](auto) { return 5; });
  EXPECT_THAT(leaks(table, 14, 7, {.valid_fraction = 0.2}), IsEmpty());
  EXPECT_THAT(leaks_of(true, [](auto row) { return row < 9 ? value_at(row) : kMissing; }),
              IsEmpty());
  EXPECT_THAT(leaks_of(true, [](auto row) { return row < 10 ? value_at(row) : kMissing; }),
              ElementsAre(HasSubstr("in all rows")));
}

TEST(ForecastLeaks, WordsAreNotCompared) {
  data::TimeSeriesTable table = hourly({values(100)});
  for (std::size_t row = 0; row < 100; ++row) table.series[0].targets[row] = row % 3 == 0 ? 1 : 0;
  add_covariate(table, {.name = "c", .levels = {"a", "b"}, .known = true},
                [](auto row) { return row % 3 == 0 ? 1 : 0; });
  EXPECT_THAT(leaks(table, 14, 7, {.valid_fraction = 0.2}), IsEmpty());
}

}  // namespace
}  // namespace riverrun::models
