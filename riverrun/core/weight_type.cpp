#include "riverrun/core/weight_type.h"

#include <string>

#include "riverrun/core/error.h"

namespace riverrun {

std::string_view name(WeightType type) {
  switch (type) {
    case WeightType::kFloat32:
      return "float32";
    case WeightType::kBFloat16:
      return "bf16";
    case WeightType::kInt8:
      return "int8";
  }
  throw ConfigError("WeightType: " + std::to_string(static_cast<int>(type)) +
                    " is none; there are kFloat32, kBFloat16, kInt8");
}

WeightType weight_type(std::string_view name) {
  std::string names;
  for (const WeightType type : kWeightTypes) {
    if (name == riverrun::name(type)) return type;
    names += (names.empty() ? "" : ", ") + std::string(riverrun::name(type));
  }
  throw ConfigError("weight_type: no type is called \"" + std::string(name) + "\"; there are " +
                    names);
}

}  // namespace riverrun
