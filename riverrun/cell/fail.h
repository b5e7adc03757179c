#pragma once

#include <cstdlib>
#include <stdexcept>

namespace riverrun {

/// A mistake in a cell, found while it is traced. Not constexpr: when the compiler traces, as it
/// does for every cell that is a struct, the mistake is an error of compilation that shows this
/// call and its message. At run time it is an exception of type E; riverrun/fixed, which traces
/// nothing at run time, can therefore be compiled with -fno-exceptions.
template <class E>
[[noreturn]] inline void fail([[maybe_unused]] const char* message) {
#if defined(__cpp_exceptions)
  throw E(message);
#else
  std::abort();
#endif
}

}  // namespace riverrun
