#include "cli/parameters_report.h"

#include <algorithm>
#include <cstddef>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/nn/finite.h"
#include "riverrun/train/model_files.h"

#include "cli/command.h"

namespace riverrun::cli {

std::int64_t parameter_count(const ConstParameterList& parameters) {
  std::int64_t count = 0;
  for (const NamedConstParameter& named : parameters) count += named.parameter->value().elements();
  return count;
}

std::string damage(const ConstParameterList& parameters) {
  try {
    require_finite(parameters, kWeightsFile);
  } catch (const NumericError& error) {
    return error.what();
  }
  return {};
}

std::string tensor_table(const ConstParameterList& parameters) {
  std::size_t name_width = 0;
  for (const NamedConstParameter& named : parameters) {
    name_width = std::max(name_width, named.name.size());
  }
  std::string text;
  for (const NamedConstParameter& named : parameters) {
    const Tensor& value = named.parameter->value();
    text += fmt::format("  {:<{}}  {:<14} {:>12}\n", named.name, name_width,
                        value.shape().to_string(), grouped(value.elements()));
  }
  return text;
}

nlohmann::ordered_json tensors_json(const ConstParameterList& parameters) {
  auto table = nlohmann::ordered_json::array();
  for (const NamedConstParameter& named : parameters) {
    auto shape = nlohmann::ordered_json::array();
    const Shape& extents = named.parameter->value().shape();
    for (int i = 0; i < extents.rank(); ++i) shape.push_back(extents[i]);
    table.push_back({{"name", named.name},
                     {"shape", shape},
                     {"elements", named.parameter->value().elements()}});
  }
  return table;
}

}  // namespace riverrun::cli
