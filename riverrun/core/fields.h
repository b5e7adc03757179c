#pragma once

// One list of the fields of a struct of options or of a saved state. What is checked, the JSON of
// files and the command line come from it.

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "riverrun/core/number.h"

namespace riverrun {

/// Which values a field may have. No number may be NaN or infinite.
struct Rule {
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  bool least_excluded = false;
  bool most_excluded = false;
  std::span<const std::string_view> one_of = {};  ///< of a string; empty: any
};

[[nodiscard]] constexpr Rule any_value() { return {}; }
[[nodiscard]] constexpr Rule at_least(double least) { return {.least = least}; }
[[nodiscard]] constexpr Rule greater_than(double least) {
  return {.least = least, .least_excluded = true};
}
/// Both bounds included.
[[nodiscard]] constexpr Rule from_to(double least, double most) {
  return {.least = least, .most = most};
}
/// Includes `least`, excludes `most`.
[[nodiscard]] constexpr Rule from_below(double least, double most) {
  return {.least = least, .most = most, .most_excluded = true};
}
/// Excludes both.
[[nodiscard]] constexpr Rule between(double least, double most) {
  return {.least = least, .most = most, .least_excluded = true, .most_excluded = true};
}
/// `names` must outlive the program.
[[nodiscard]] constexpr Rule one_of(std::span<const std::string_view> names) {
  return {.one_of = names};
}

/// A field that says how something began, which trained weights no longer need.
inline constexpr bool kInitial = true;

template <class Struct, class T>
struct Field {
  const char* name;  ///< the member's, and the key in JSON; --the-name on the command line
  T Struct::*member;
  Rule rule = {};
  const char* help = "";  ///< a line for --help
  bool initial = false;   ///< see kInitial
};
template <class Struct, class T>
Field(const char*, T Struct::*) -> Field<Struct, T>;
template <class Struct, class T>
Field(const char*, T Struct::*, Rule) -> Field<Struct, T>;
template <class Struct, class T>
Field(const char*, T Struct::*, Rule, const char*) -> Field<Struct, T>;
template <class Struct, class T>
Field(const char*, T Struct::*, Rule, const char*, bool) -> Field<Struct, T>;

/// A std::tuple of Field, in a specialisation beside each struct that has such a list.
template <class Struct>
inline constexpr std::tuple<> kFields{};

/// The names of an enumeration's values, which count from 0, in a specialisation beside it.
template <class Enum>
inline constexpr std::span<const std::string_view> kNames{};

template <class Struct>
inline constexpr bool kHasFields =
    std::tuple_size_v<std::remove_cvref_t<decltype(kFields<Struct>)>> > 0;

/// `visit(field)` for each field of a struct, in the order of the list.
template <class Struct, class Visit>
void for_each_field(Visit&& visit) {
  static_assert(kHasFields<Struct>);
  std::apply([&](const auto&... field) { (visit(field), ...); }, kFields<Struct>);
}

/// Throws ConfigError, "who: name is value; it must be …", unless the value obeys the rule.
void check_field(const char* who, const char* name, const Rule& rule, double value);
void check_field(const char* who, const char* name, const Rule& rule, std::int64_t value);
void check_field(const char* who, const char* name, const Rule& rule, const std::string& value);

/// The same for all fields of a struct, and of the structs in it. An optional field may be empty.
template <class Struct>
void check_fields(const char* who, const Struct& values);

template <class T>
void check_value(const char* who, const char* name, const Rule& rule, const T& value) {
  if constexpr (kHasFields<T>) {
    check_fields(who, value);
  } else if constexpr (requires { value.has_value(); }) {
    if (value) check_value(who, name, rule, *value);
  } else if constexpr (std::is_floating_point_v<T>) {
    check_field(who, name, rule, shortest(value));
  } else if constexpr (std::is_same_v<T, std::int64_t> || std::is_same_v<T, std::string>) {
    check_field(who, name, rule, value);
  } else if constexpr (requires { value.begin(); }) {
    for (const auto& element : value) check_value(who, name, rule, element);
  }
}

template <class Struct>
void check_fields(const char* who, const Struct& values) {
  for_each_field<Struct>(
      [&](const auto& field) { check_value(who, field.name, field.rule, values.*field.member); });
}

}  // namespace riverrun
