#include "riverrun/core/fields.h"

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"

namespace riverrun {
namespace {

constexpr std::array<std::string_view, 2> kColours = {"red", "green"};

struct Inner {
  double part = 0.5;
};

struct Options {
  std::int64_t count = 1;
  double rate = 0;
  float drop = 0;
  std::string colour = "red";
  std::optional<float> bias;
  std::uint64_t seed = 0;
  bool flag = false;
  Inner inner;
};

}  // namespace

template <>
inline constexpr auto kFields<Inner> = std::tuple{Field{"part", &Inner::part, between(0, 1)}};

template <>
inline constexpr auto kFields<Options> =
    std::tuple{Field{"count", &Options::count, from_to(1, 1 << 30)},
               Field{"rate", &Options::rate, at_least(0)},
               Field{"drop", &Options::drop, from_below(0, 1), "What is dropped"},
               Field{"colour", &Options::colour, one_of(kColours)},
               Field{"bias", &Options::bias, any_value(), "", kInitial},
               Field{"seed", &Options::seed},
               Field{"flag", &Options::flag},
               Field{"inner", &Options::inner}};

namespace {

/// The message about options of which `change` made something else; empty if there is none.
template <class Change>
std::string refusal(Change change) {
  Options options;
  change(options);
  try {
    check_fields("Thing", options);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return {};
}

TEST(Fields, EachValueObeysItsRule) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(refusal([](Options&) {}), "");
  EXPECT_EQ(refusal([](Options& o) { o.count = 0; }), "Thing: count is 0; it must be at least 1");
  EXPECT_EQ(refusal([](Options& o) { o.count = INT64_MAX; }),
            "Thing: count is 9223372036854775807; it must be at most 1073741824");
  EXPECT_EQ(refusal([](Options& o) { o.rate = -1; }), "Thing: rate is -1; it must be at least 0");
  EXPECT_EQ(refusal([](Options& o) { o.rate = kNaN; }),
            "Thing: rate is nan; it must be a finite number of at least 0");
  EXPECT_EQ(refusal([](Options& o) { o.drop = 1; }), "Thing: drop is 1; it must be in [0, 1)");
  EXPECT_EQ(refusal([](Options& o) { o.drop = -0.1f; }),
            "Thing: drop is -0.1; it must be in [0, 1)");
  EXPECT_EQ(refusal([](Options& o) { o.colour = "blue"; }),
            "Thing: colour is \"blue\"; it must be one of red, green");
  EXPECT_EQ(refusal([](Options& o) { o.inner.part = 0; }),
            "Thing: part is 0; it must be in (0, 1)");
}

TEST(Fields, AnOptionalValueIsCheckedIfItIsThere) {
  EXPECT_EQ(refusal([](Options& o) { o.bias = -3.0f; }), "");
  EXPECT_EQ(refusal([](Options& o) { o.bias = std::numeric_limits<float>::infinity(); }),
            "Thing: bias is inf; it must be a finite number");
}

TEST(Fields, AreVisitedInTheirOrder) {
  std::vector<std::string> names;
  std::vector<std::string> initial;
  for_each_field<Options>([&](const auto& field) {
    names.emplace_back(field.name);
    if (field.initial) initial.emplace_back(field.name);
  });
  EXPECT_THAT(names, testing::ElementsAre("count", "rate", "drop", "colour", "bias", "seed", "flag",
                                          "inner"));
  EXPECT_THAT(initial, testing::ElementsAre("bias"));
}

}  // namespace
}  // namespace riverrun
