#pragma once

#include <cstdint>
#include <utility>

namespace riverrun {

/// How many threads riverrun computes with, the caller's included. At first: one for each core that
/// the first caller may run on, or as many as the process's control groups grant CPU time for,
/// rounded up, where that is less; see usable_cores.
[[nodiscard]] int num_threads() noexcept;

/// Takes effect with the next parallel_for. Throws ConfigError unless 1 <= threads <= 1024.
void set_num_threads(int threads);

namespace detail {
using Task = void (*)(void* context, std::int64_t index);
/// With `makes_threads` false, on the calling thread where threads would have to be made first.
void run_tasks(std::int64_t tasks, Task task, void* context, bool makes_threads);

template <class Body>
void parallel_for(std::int64_t tasks, Body& body, bool makes_threads) {
  run_tasks(
      tasks, [](void* context, std::int64_t index) { (*static_cast<Body*>(context))(index); },
      const_cast<void*>(static_cast<const void*>(&body)), makes_threads);
}
}  // namespace detail

/// Calls `body(index)` for each index in [0, tasks), on num_threads() threads, the caller's
/// included, and returns when all are done. Which thread runs which index is not defined, so a
/// result must not depend on it: divide work by its size, never by the number of threads.
/// Called within a task, or while another thread of the program is inside parallel_for, it runs
/// everything on the calling thread. The first exception thrown by a body is rethrown here; indices
/// not yet begun are then omitted. Allocates only when num_threads() has changed, and at first.
///
/// A forked child begins with threads of its own; one forked within a body must not return from it,
/// and one forked while another thread computes with a network must not use that network.
/// While the process ends, other threads and the destructors of static objects may go on computing.
/// A plug-in that riverrun is linked into may be unloaded once nobody computes in it.
template <class Body>
void parallel_for(std::int64_t tasks, Body&& body) {
  detail::parallel_for(tasks, body, /*makes_threads=*/true);
}

/// The same for real time: where there are no threads yet, or num_threads() has changed since there
/// were, everything runs on the calling thread. Never allocates.
template <class Body>
void parallel_for_if_ready(std::int64_t tasks, Body&& body) {
  detail::parallel_for(tasks, body, /*makes_threads=*/false);
}

}  // namespace riverrun
