#pragma once

#include <cstddef>
#include <string_view>

namespace riverrun::kernels::test {

enum class Function { kExp, kLog, kTanh, kSigmoid, kLogSigmoid };

/// out[i] = function(in[i]) on the SIMD target in use. `count` must be a multiple of 16.
void apply(Function function, const float* in, float* out, std::size_t count);

/// The name of the SIMD target that the call was dispatched to.
std::string_view dispatched_target();

}  // namespace riverrun::kernels::test
