#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "riverrun/core/tensor.h"
#include "riverrun/io/safetensors.h"
#include "riverrun/lm/language_model.h"

namespace riverrun::lm {

struct NamedShape {
  std::string name;
  Shape shape;
};

/// The names and shapes that LanguageModel::parameters() will have, without making them. Throws
/// ConfigError as check(options).
[[nodiscard]] std::vector<NamedShape> parameter_shapes(const LanguageModelOptions& options);

/// Before a model of the sizes that a file claims is allocated: throws FormatError unless `file`
/// holds each of its parameters in the right shape, so that the model is hardly larger than the
/// file. `said_by` is what claims the sizes: "config.json".
void check_parameter_shapes(const io::SafetensorsFile& file, const LanguageModelOptions& options,
                            std::string_view said_by);

}  // namespace riverrun::lm
