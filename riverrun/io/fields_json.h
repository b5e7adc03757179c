#pragma once

// Structs whose fields are listed (core/fields.h), to and from JSON. Not for users.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/fields.h"
#include "riverrun/core/number.h"
#include "riverrun/io/cell_json.h"

namespace riverrun::io {

template <class T>
inline constexpr bool kIsVector = false;
template <class T>
inline constexpr bool kIsVector<std::vector<T>> = true;

template <class Struct>
[[nodiscard]] nlohmann::ordered_json fields_to_json(const Struct& values);

/// A float as it is written, not as the double that it is; an empty optional is null.
template <class T>
[[nodiscard]] nlohmann::ordered_json value_to_json(const T& value) {
  if constexpr (std::is_same_v<T, CellChoice>) {
    return to_json(value);
  } else if constexpr (requires { value.has_value(); }) {
    return value ? value_to_json(*value) : nlohmann::ordered_json(nullptr);
  } else if constexpr (kIsVector<T>) {
    auto array = nlohmann::ordered_json::array();
    for (const auto& element : value) array.push_back(value_to_json(element));
    return array;
  } else if constexpr (kHasFields<T>) {
    return fields_to_json(value);
  } else if constexpr (std::is_enum_v<T>) {
    return kNames<T>[static_cast<std::size_t>(value)];
  } else if constexpr (std::is_same_v<T, float>) {
    return shortest(value);
  } else {
    return value;
  }
}

template <class Struct>
nlohmann::ordered_json fields_to_json(const Struct& values) {
  auto object = nlohmann::ordered_json::object();
  for_each_field<Struct>(
      [&](const auto& field) { object[field.name] = value_to_json(values.*field.member); });
  return object;
}

template <class Json, class Struct>
void read_fields(const Json& object, Struct& values);

/// Throws ConfigError unless the value is one of the type's own; json would cast whatever number it
/// has, 1e300 to an integer too.
template <class Json, class T>
void read_value(const Json& found, std::string_view name, T& value) {
  const auto require = [&](bool condition, std::string_view rule) {
    if (!condition) {
      throw ConfigError(fmt::format("{} is {}; it must be {}", name, found.dump(), rule));
    }
  };
  if constexpr (std::is_same_v<T, Json>) {
    value = found;
  } else if constexpr (std::is_same_v<T, CellChoice>) {
    value = cell_from_json(found, name);
  } else if constexpr (requires { value.has_value(); }) {
    value.reset();
    if (!found.is_null()) read_value(found, name, value.emplace());
  } else if constexpr (kIsVector<T>) {
    require(found.is_array(), "an array");
    value.clear();
    for (const Json& element : found) read_value(element, name, value.emplace_back());
  } else if constexpr (kHasFields<T>) {
    require(found.is_object(), "an object");
    read_fields(found, value);
  } else if constexpr (std::is_enum_v<T>) {
    require(found.is_string(), "a string");
    const auto name_found = std::ranges::find(kNames<T>, found.template get<std::string>());
    require(name_found != kNames<T>.end(), fmt::format("one of {}", fmt::join(kNames<T>, ", ")));
    value = static_cast<T>(name_found - kNames<T>.begin());
  } else if constexpr (std::is_same_v<T, bool>) {
    require(found.is_boolean(), "true or false");
    found.get_to(value);
  } else if constexpr (std::is_integral_v<T>) {
    const bool fits =
        found.is_number_unsigned()
            ? std::in_range<T>(found.template get<std::uint64_t>())
            : found.is_number_integer() && std::in_range<T>(found.template get<std::int64_t>());
    require(fits, fmt::format("a whole number from {} to {}", std::numeric_limits<T>::min(),
                              std::numeric_limits<T>::max()));
    found.get_to(value);
  } else if constexpr (std::is_floating_point_v<T>) {
    require(found.is_number() &&
                std::abs(found.template get<double>()) <= std::numeric_limits<T>::max(),
            "a number within the range of its type");
    found.get_to(value);
  } else {
    static_assert(std::is_same_v<T, std::string>);
    require(found.is_string(), "a string");
    found.get_to(value);
  }
}

/// The value of that name; ConfigError if there is none.
template <class Json>
const Json& member(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) throw ConfigError(fmt::format("{} is missing", name));
  return *found;
}

/// Reads all fields of the struct. Throws ConfigError, which names it, if one is missing or not of
/// its type; what an object has beside them is left alone.
template <class Json, class Struct>
void read_fields(const Json& object, Struct& values) {
  for_each_field<Struct>([&](const auto& field) {
    read_value(member(object, field.name), field.name, values.*field.member);
  });
}

}  // namespace riverrun::io
