#include "riverrun/io/parameters.h"

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/io/safetensors_header.h"

namespace riverrun::io {

void check_shapes(const SafetensorsFile& file, std::span<const NamedShape> shapes,
                  std::string_view said_by) {
  for (const NamedShape& wanted : shapes) {
    const TensorInfo& tensor = file.at(wanted.name);
    if (tensor.shape_string() != wanted.shape.to_string()) {
      throw file.error(
          tensor, fmt::format("{} is {}; by {} it must be {}", wanted.name, tensor.shape_string(),
                              said_by, wanted.shape.to_string()));
    }
  }
}

void load_parameters(const SafetensorsFile& file, const ParameterList& parameters) {
  std::set<std::string_view> wanted;
  std::map<const Parameter*, std::string_view> stored_as;  // the first of its names in the file
  for (const NamedParameter& named : parameters) {
    wanted.insert(named.name);
    const TensorInfo* stored = file.find(named.name);
    if (stored == nullptr) continue;
    stored_as.emplace(named.parameter.get(), named.name);
    const Shape& shape = named.parameter->value().shape();
    if (stored->shape_string() != shape.to_string()) {
      throw file.error(*stored, fmt::format("tensor {} has shape {}; the model has {}",
                                            detail::printable(named.name), stored->shape_string(),
                                            shape.to_string()));
    }
  }
  for (const NamedParameter& named : parameters) {
    if (stored_as.contains(named.parameter.get())) continue;
    throw FormatError(
        file.path(), detail::kLengthSize,
        fmt::format("there is no tensor {}; the model needs it with shape {}",
                    detail::printable(named.name), named.parameter->value().shape().to_string()));
  }
  for (const TensorInfo& stored : file.tensors()) {
    if (!wanted.contains(stored.name)) {
      throw file.error(stored, fmt::format("tensor {} of shape {} is none of the model's",
                                           detail::printable(stored.name), stored.shape_string()));
    }
  }

  // Reading may still fail; what cannot fail comes last.
  std::map<Parameter*, Tensor> values;
  for (const auto& [name, parameter] : parameters) {
    const TensorInfo* stored = file.find(name);
    if (stored == nullptr) continue;
    Tensor value = file.tensor(name);
    const auto [first, is_first] = values.try_emplace(parameter.get());
    if (is_first) {
      first->second = std::move(value);
    } else if (!std::ranges::equal(std::as_bytes(value.values()),
                                   std::as_bytes(first->second.values()))) {
      throw file.error(
          *stored,
          fmt::format("tensor {} differs from {}; in the model they are one parameter",
                      detail::printable(name), detail::printable(stored_as.at(parameter.get()))));
    }
  }
  for (auto& [parameter, value] : values) parameter->set_value(std::move(value));
}

void save_parameters(const std::filesystem::path& path, const ConstParameterList& parameters,
                     const Metadata& metadata) {
  std::vector<TensorView> tensors;
  tensors.reserve(parameters.size());
  for (const NamedConstParameter& named : distinct(parameters)) {
    tensors.push_back(view(named.name, named.parameter->value()));
  }
  write_safetensors(path, tensors, metadata);
}

}  // namespace riverrun::io
