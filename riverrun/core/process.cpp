#include "riverrun/core/process.h"

#if __has_include(<pthread.h>) && !defined(_WIN32)
#include <pthread.h>
#define RIVERRUN_HAS_ATFORK 1
#endif

namespace riverrun {

void around_fork([[maybe_unused]] void (*before)(), [[maybe_unused]] void (*after_in_parent)(),
                 [[maybe_unused]] void (*after_in_child)()) noexcept {
#ifdef RIVERRUN_HAS_ATFORK
  // Refused only for lack of memory; then a child is as it would be without.
  (void)::pthread_atfork(before, after_in_parent, after_in_child);
#endif
}

}  // namespace riverrun
