#include "riverrun/core/fields.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "riverrun/core/error.h"

namespace riverrun {
namespace {

/// "at least 1": as much of the rule as the value breaks.
std::string requirement(const Rule& rule, double value) {
  if (rule.least_excluded || rule.most_excluded) {
    return fmt::format("in {}{}, {}{}", rule.least_excluded ? '(' : '[', rule.least, rule.most,
                       rule.most_excluded ? ')' : ']');
  }
  if (std::isfinite(value)) {
    return value < rule.least ? fmt::format("at least {}", rule.least)
                              : fmt::format("at most {}", rule.most);
  }
  return std::isfinite(rule.least) ? fmt::format("a finite number of at least {}", rule.least)
                                   : "a finite number";
}

bool obeys(const Rule& rule, double value) {
  return std::isfinite(value) && (rule.least_excluded ? value > rule.least : value >= rule.least) &&
         (rule.most_excluded ? value < rule.most : value <= rule.most);
}

template <class T>
void check_number(const char* who, const char* name, const Rule& rule, T value) {
  const auto number = static_cast<double>(value);
  if (obeys(rule, number)) return;
  throw ConfigError(
      fmt::format("{}: {} is {}; it must be {}", who, name, value, requirement(rule, number)));
}

}  // namespace

void check_field(const char* who, const char* name, const Rule& rule, double value) {
  check_number(who, name, rule, value);
}

void check_field(const char* who, const char* name, const Rule& rule, std::int64_t value) {
  check_number(who, name, rule, value);
}

void check_field(const char* who, const char* name, const Rule& rule, const std::string& value) {
  if (rule.one_of.empty() || std::ranges::find(rule.one_of, value) != rule.one_of.end()) return;
  throw ConfigError(fmt::format("{}: {} is \"{}\"; it must be one of {}", who, name, value,
                                fmt::join(rule.one_of, ", ")));
}

}  // namespace riverrun
