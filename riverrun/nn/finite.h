#pragma once

#include <string_view>

#include "riverrun/nn/parameter.h"

namespace riverrun {

/// Throws NumericError, whose message begins with `who` and names the first parameter and element
/// that is NaN or infinite, unless all values are finite. Reads each value once.
void require_finite(const ConstParameterList& parameters, std::string_view who);

}  // namespace riverrun
