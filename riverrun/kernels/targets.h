#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace riverrun::kernels {

/// The instruction sets that the kernels are compiled for and this machine can run, best first, by
/// Highway's names: "AVX3" (AVX-512), "AVX2", "SSE4", … The last one is the compiler's baseline.
[[nodiscard]] std::vector<std::string> simd_targets();

/// The one of simd_targets() that the kernels use now.
[[nodiscard]] std::string_view simd_target();

/// Makes all kernels use the instruction set of that name from now on, in the whole process; an
/// empty name goes back to the best. For tests and measurements. Throws ConfigError if the name is
/// none of simd_targets(). Must not run while another thread computes.
void force_simd_target(std::string_view name);

}  // namespace riverrun::kernels
