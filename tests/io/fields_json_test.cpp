#include "riverrun/io/fields_json.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/fields.h"

namespace riverrun {
namespace {

enum class Mode { kFast, kSlow };
constexpr std::array<std::string_view, 2> kModes = {"fast", "slow"};

struct Inner {
  std::int64_t step = 0;
};

struct Values {
  std::int64_t whole = -1;
  std::uint64_t large = 0;
  double number = 0;
  float small = 0;
  bool flag = false;
  std::string text = {};
  std::optional<float> maybe = {};
  Mode mode = Mode::kFast;
  Inner inner = {};
};

}  // namespace

template <>
inline constexpr std::span<const std::string_view> kNames<Mode> = kModes;

template <>
inline constexpr auto kFields<Inner> = std::tuple{Field{"step", &Inner::step}};

template <>
inline constexpr auto kFields<Values> =
    std::tuple{Field{"whole", &Values::whole},   Field{"large", &Values::large},
               Field{"number", &Values::number}, Field{"small", &Values::small},
               Field{"flag", &Values::flag},     Field{"text", &Values::text},
               Field{"maybe", &Values::maybe},   Field{"mode", &Values::mode},
               Field{"inner", &Values::inner}};

namespace {

using Json = nlohmann::ordered_json;

const char* const kWritten =
    R"({"whole":-5,"large":18446744073709551615,"number":0.003,"small":0.2,"flag":true,)"
    R"("text":"a","maybe":null,"mode":"slow","inner":{"step":7}})";

Values sample() {
  return {.whole = -5,
          .large = UINT64_MAX,
          .number = 0.003,
          .small = 0.2f,
          .flag = true,
          .text = "a",
          .mode = Mode::kSlow,
          .inner = {.step = 7}};
}

TEST(FieldsJson, WritesEveryFieldUnderItsName) {
  EXPECT_EQ(io::fields_to_json(sample()).dump(), kWritten);
  Values values = sample();
  values.maybe = 0.1f;
  EXPECT_EQ(io::fields_to_json(values)["maybe"].dump(), "0.1");
}

TEST(FieldsJson, ReadsWhatItWrote) {
  Values read{.maybe = 3.0f};
  io::read_fields(Json::parse(kWritten), read);
  EXPECT_EQ(read.small, 0.2f);
  EXPECT_EQ(read.maybe, std::nullopt);
  EXPECT_EQ(read.mode, Mode::kSlow);
  EXPECT_EQ(io::fields_to_json(read), io::fields_to_json(sample()));
}

/// The message about the written values in which `text` stands for the value of `name`.
std::string refusal(const char* name, const char* text) {
  Json changed = Json::parse(kWritten);
  if (text == nullptr) {
    changed.erase(name);
  } else {
    changed[name] = Json::parse(text);
  }
  Values values;
  try {
    io::read_fields(changed, values);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return {};
}

TEST(FieldsJson, RefusesWhatIsNoValueOfTheType) {
  EXPECT_EQ(refusal("whole", nullptr), "whole is missing");
  EXPECT_EQ(refusal("whole", "1.5"),
            "whole is 1.5; it must be a whole number from -9223372036854775808 to "
            "9223372036854775807");
  EXPECT_EQ(refusal("whole", "9223372036854775808").substr(0, 50),
            "whole is 9223372036854775808; it must be a whole n");
  EXPECT_EQ(refusal("large", "-1"),
            "large is -1; it must be a whole number from 0 to 18446744073709551615");
  EXPECT_EQ(refusal("small", "1e300"),
            "small is 1e+300; it must be a number within the range of its type");
  EXPECT_EQ(refusal("number", "\"0.1\""),
            "number is \"0.1\"; it must be a number within the range of its type");
  EXPECT_EQ(refusal("flag", "1"), "flag is 1; it must be true or false");
  EXPECT_EQ(refusal("text", "[]"), "text is []; it must be a string");
  EXPECT_EQ(refusal("maybe", "true"),
            "maybe is true; it must be a number within the range of its type");
  EXPECT_EQ(refusal("mode", "\"quick\""), "mode is \"quick\"; it must be one of fast, slow");
  EXPECT_EQ(refusal("inner", "7"), "inner is 7; it must be an object");
  EXPECT_EQ(refusal("inner", "{}"), "step is missing");
}

}  // namespace
}  // namespace riverrun
