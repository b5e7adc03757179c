#pragma once

#include <array>
#include <string_view>

namespace riverrun {

/// The numbers in which the weight matrices of a network are held and read while it runs without
/// gradients. Inputs, states, biases and sums stay float32, and so does training: only what a step
/// has to read from memory becomes smaller.
enum class WeightType {
  kFloat32,
  /// The upper half of a float32, rounded to nearest even: off by 2⁻⁸ of the weight at most.
  kBFloat16,
  /// Whole numbers in [-127, 127] times one float32 for each row of the matrix (each unit of each
  /// gate), its largest magnitude / 127: off by half of that at most.
  kInt8,
};

inline constexpr std::array kWeightTypes = {WeightType::kFloat32, WeightType::kBFloat16,
                                            WeightType::kInt8};

/// "float32", "bf16" or "int8". Throws ConfigError if there is no such type.
[[nodiscard]] std::string_view name(WeightType type);
/// The type of that name. Throws ConfigError.
[[nodiscard]] WeightType weight_type(std::string_view name);

}  // namespace riverrun
