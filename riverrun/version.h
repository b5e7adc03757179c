#pragma once

namespace riverrun {

/// Of the library and the program. CMake reads it from here.
inline constexpr char kVersion[] = "0.1.0";

}  // namespace riverrun
