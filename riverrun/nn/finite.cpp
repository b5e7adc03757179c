#include "riverrun/nn/finite.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>

#include <fmt/format.h>

#include "riverrun/core/error.h"

namespace riverrun {
namespace {

/// Whether all are finite, without a branch for each, so that it is as fast as memory is.
bool all_finite(std::span<const float> values) {
  constexpr std::uint32_t kExponent = 0x7F800000;  // all ones in NaN and infinity alone
  std::uint32_t any = 0;
  for (const float value : values) {
    any |=
        static_cast<std::uint32_t>((std::bit_cast<std::uint32_t>(value) & kExponent) == kExponent);
  }
  return any == 0;
}

/// "[3, 7]" for the place of an element in a tensor.
std::string place(const Shape& shape, std::int64_t element) {
  std::string text;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    text = fmt::format("{}{}{}", element % shape[i], text.empty() ? "" : ", ", text);
    element /= shape[i];
  }
  return "[" + text + "]";
}

}  // namespace

void require_finite(const ConstParameterList& parameters, std::string_view who) {
  for (const NamedConstParameter& named : parameters) {
    const Tensor& tensor = named.parameter->value();
    const std::span<const float> values = tensor.values();
    if (all_finite(values)) continue;
    const auto found = std::ranges::find_if(values, [](float x) { return !std::isfinite(x); });
    throw NumericError(fmt::format("{}: {}{} is {}; a weight must be a finite number", who,
                                   named.name, place(tensor.shape(), found - values.begin()),
                                   *found));
  }
}

}  // namespace riverrun
