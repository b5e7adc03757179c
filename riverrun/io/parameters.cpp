#include "riverrun/io/parameters.h"

#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/io/safetensors_header.h"

namespace riverrun::io {

void load_parameters(const SafetensorsFile& file, const ParameterList& parameters) {
  std::set<std::string_view> wanted;
  for (const NamedParameter& named : parameters) {
    wanted.insert(named.name);
    const TensorInfo* stored = file.find(named.name);
    const Shape& shape = named.parameter->value().shape();
    if (stored == nullptr) {
      throw FormatError(file.path(), detail::kLengthSize,
                        fmt::format("there is no tensor {}; the model needs it with shape {}",
                                    detail::printable(named.name), shape.to_string()));
    }
    if (stored->shape_string() != shape.to_string()) {
      throw file.error(*stored, fmt::format("tensor {} has shape {}; the model has {}",
                                            detail::printable(named.name), stored->shape_string(),
                                            shape.to_string()));
    }
  }
  for (const TensorInfo& stored : file.tensors()) {
    if (!wanted.contains(stored.name)) {
      throw file.error(stored, fmt::format("tensor {} of shape {} is none of the model's",
                                           detail::printable(stored.name), stored.shape_string()));
    }
  }

  // Reading may still fail; what cannot fail comes last.
  std::vector<Tensor> values;
  values.reserve(parameters.size());
  for (const NamedParameter& named : parameters) values.push_back(file.tensor(named.name));
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    parameters[i].parameter->set_value(std::move(values[i]));
  }
}

void save_parameters(const std::filesystem::path& path, const ConstParameterList& parameters,
                     const Metadata& metadata) {
  std::vector<TensorView> tensors;
  tensors.reserve(parameters.size());
  for (const NamedConstParameter& named : parameters) {
    tensors.push_back(view(named.name, named.parameter->value()));
  }
  write_safetensors(path, tensors, metadata);
}

}  // namespace riverrun::io
