#pragma once

#include <cstdint>
#include <type_traits>
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
void run_tasks(std::int64_t tasks, Task task, void* context);
}  // namespace detail

/// Calls `body(index)` for each index in [0, tasks), on num_threads() threads, the caller's
/// included, and returns when all are done. Which thread runs which index is not defined, so a
/// result must not depend on it: divide work by its size, never by the number of threads.
/// Called within a task, or while another thread of the program is inside parallel_for, it runs
/// everything on the calling thread. The first exception thrown by a body is rethrown here; indices
/// not yet begun are then omitted. Allocates only when num_threads() has changed, and at first.
///
/// A forked child begins with threads of its own; one forked within a body must not return from it.
/// While the process ends, other threads and the destructors of static objects may go on computing.
/// A plug-in that riverrun is linked into may be unloaded once nobody computes in it.
template <class Body>
void parallel_for(std::int64_t tasks, Body&& body) {
  using B = std::remove_reference_t<Body>;
  detail::run_tasks(
      tasks, [](void* context, std::int64_t index) { (*static_cast<B*>(context))(index); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

}  // namespace riverrun
