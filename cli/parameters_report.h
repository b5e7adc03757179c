#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "riverrun/nn/parameter.h"

namespace riverrun::cli {

/// How many numbers they hold.
[[nodiscard]] std::int64_t parameter_count(const ConstParameterList& parameters);
/// What is not finite among the weights; empty if all are.
[[nodiscard]] std::string damage(const ConstParameterList& parameters);
/// Names, shapes and numbers of elements, a line each.
[[nodiscard]] std::string tensor_table(const ConstParameterList& parameters);
/// The same as an array.
[[nodiscard]] nlohmann::ordered_json tensors_json(const ConstParameterList& parameters);

}  // namespace riverrun::cli
