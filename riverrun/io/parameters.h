#pragma once

#include <filesystem>

#include "riverrun/io/safetensors.h"
#include "riverrun/nn/parameter.h"

namespace riverrun::io {

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
