#pragma once

namespace riverrun {

/// Calls `before` and `after_in_parent` around every fork() of the process, in the thread that
/// forks, and `after_in_child` in the child, which has only a copy of that thread. Any may be null.
/// Nothing is called where a system has no such hook. The functions must not allocate.
void around_fork(void (*before)(), void (*after_in_parent)(), void (*after_in_child)()) noexcept;

/// An object of static storage that is never destroyed, so that other static objects may use it in
/// their destructors, and other threads while the process ends.
template <class T>
class Immortal {
 public:
  constexpr Immortal() : value_() {}
  ~Immortal() {}  // NOLINT(modernize-use-equals-default): a member of the union has its own
  Immortal(const Immortal&) = delete;
  Immortal& operator=(const Immortal&) = delete;

  [[nodiscard]] T& operator*() noexcept { return value_; }
  [[nodiscard]] T* operator->() noexcept { return &value_; }

 private:
  union {
    T value_;
  };
};

}  // namespace riverrun
