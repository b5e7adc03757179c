#include "tests/nn/lock_count.h"

#include <atomic>

#include <dlfcn.h>
#include <pthread.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define RIVERRUN_WATCHED_BY_SANITIZER
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define RIVERRUN_WATCHED_BY_SANITIZER
#endif

namespace {

std::atomic<std::size_t> count{0};

}  // namespace

#if !defined(RIVERRUN_WATCHED_BY_SANITIZER)

// Calls the system's function of this name.
#define RIVERRUN_COUNTED(name, declaration, ...)                                           \
  extern "C" int name declaration {                                                        \
    static const auto system = reinterpret_cast<decltype(&name)>(dlsym(RTLD_NEXT, #name)); \
    ++count;                                                                               \
    return system(__VA_ARGS__);                                                            \
  }

RIVERRUN_COUNTED(pthread_mutex_lock, (pthread_mutex_t * mutex), mutex)
RIVERRUN_COUNTED(pthread_rwlock_rdlock, (pthread_rwlock_t * lock), lock)
RIVERRUN_COUNTED(pthread_rwlock_wrlock, (pthread_rwlock_t * lock), lock)
RIVERRUN_COUNTED(pthread_cond_wait, (pthread_cond_t * condition, pthread_mutex_t* mutex), condition,
                 mutex)

#undef RIVERRUN_COUNTED

#endif

namespace riverrun::test {

std::size_t locks() { return count; }

bool counts_locks() {
#if defined(RIVERRUN_WATCHED_BY_SANITIZER)
  return false;
#else
  return true;
#endif
}

}  // namespace riverrun::test
