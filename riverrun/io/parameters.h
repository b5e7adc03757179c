#pragma once

#include <filesystem>
#include <span>
#include <string_view>

#include "riverrun/io/safetensors.h"
#include "riverrun/nn/parameter.h"

namespace riverrun::io {

/// Before a model of the sizes that a file claims is allocated: throws FormatError unless `file`
/// holds tensors of these names and shapes, so that the model is hardly larger than the file.
/// `said_by` is what claims the sizes: "config.json".
void check_shapes(const SafetensorsFile& file, std::span<const NamedShape> shapes,
                  std::string_view said_by);

/// Gives each parameter the tensor of its name. Strict: the file must hold these tensors and no
/// others, each of a floating type and of the parameter's shape. A parameter that two layers share
/// may be there under any of its names, or under several if they are equal. Throws FormatError,
/// which names the tensor and both shapes; then no parameter has changed.
void load_parameters(const SafetensorsFile& file, const ParameterList& parameters);

/// Writes all parameters as float32 under their names, atomically; one that two layers share once,
/// under the first. Throws IoError, and ConfigError if a name is used twice.
void save_parameters(const std::filesystem::path& path, const ConstParameterList& parameters,
                     const Metadata& metadata = {});

}  // namespace riverrun::io
