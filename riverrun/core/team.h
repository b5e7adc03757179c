#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <thread>
#include <utility>

namespace riverrun {

/// Several threads that go through the same phases together, each phase needing all results of the
/// one before; for phases of a few microseconds, which parallel_for would be too slow for.
///
/// A phase has one share for each member. A member takes its own share first and then whatever
/// nobody has begun, so a member that comes late, or never, costs time but is not waited for:
///
///   Team team(threads);
///   parallel_for(threads, [&](std::int64_t index) {
///     Team::Member member(&team, index);
///     for (…) member.phase([&](std::int64_t share) { … });   // the same phases in each member
///   });
///
/// If a share's body throws, every member that is in that phase, or comes to it, throws the first
/// exception once the phase is over, so nobody goes on with half a phase. Such a team is done with.
class Team {
 public:
  explicit Team(std::int64_t shares)
      : count_(shares), shares_(new Share[static_cast<std::size_t>(shares)]) {}

  [[nodiscard]] std::int64_t shares() const noexcept { return count_; }

  class Member;

 private:
  // In how many phases the share was begun and done. Each is alone on two lines of the cache,
  // because CPUs fetch them in pairs.
  struct Share {
    alignas(128) std::atomic<std::int64_t> begun{0};
    alignas(128) std::atomic<std::int64_t> done{0};
  };
  [[nodiscard]] Share& share(std::int64_t i) noexcept { return shares_[i]; }

  void fail(std::exception_ptr error) noexcept {
    if (fails_.exchange(true, std::memory_order_relaxed)) return;
    error_ = std::move(error);
    failed_.store(true, std::memory_order_release);
  }

  std::int64_t count_;
  std::unique_ptr<Share[]> shares_;
  std::atomic<bool> fails_{false};   // somebody sets error_
  std::atomic<bool> failed_{false};  // and it is set
  std::exception_ptr error_;
};

/// What one thread holds of a team.
class Team::Member {
 public:
  /// `index` is in [0, shares). Without a team there must be no phase. `first_phase` is how many
  /// phases all members together have gone through before, if the team is used again.
  Member(Team* team, std::int64_t index, std::int64_t first_phase = 0) noexcept
      : team_(team), index_(index), phase_(first_phase) {}

  /// Calls `body(share)` for the shares that fall to this thread; returns when all are done. Throws
  /// what a body threw, in this phase or an earlier one.
  template <class Body>
  void phase(const Body& body) {
    const std::int64_t count = team_->count_;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t number = index_ + i < count ? index_ + i : index_ + i - count;
      Share& share = team_->share(number);
      if (!begins(share)) continue;
      try {
        body(number);
      } catch (...) {
        team_->fail(std::current_exception());
      }
      share.done.store(phase_ + 1, std::memory_order_release);
    }
    ++phase_;
    for (std::int64_t i = 0; i < count; ++i) await(team_->share(i).done);
    // Set before the share that threw was done.
    if (team_->failed_.load(std::memory_order_acquire)) [[unlikely]] {
      std::rethrow_exception(team_->error_);
    }
  }

 private:
  // Whether the share falls to this thread. Asked in each phase: a member that the system has
  // stopped is then done without, where waiting for it would take as long as its turn is away.
  bool begins(Share& share) const noexcept {
    std::int64_t expected = phase_;
    return share.begun.load(std::memory_order_relaxed) == expected &&
           share.begun.compare_exchange_strong(expected, phase_ + 1, std::memory_order_relaxed);
  }

  void await(const std::atomic<std::int64_t>& done) const noexcept {
    // Longer than a phase takes; then whoever is waited for has probably lost its CPU to us.
    constexpr int kSpins = 20000;
    for (int spins = 0; done.load(std::memory_order_acquire) < phase_; ++spins) {
      if (spins >= kSpins) std::this_thread::yield();
    }
  }

  Team* team_;
  std::int64_t index_;
  std::int64_t phase_;
};

}  // namespace riverrun
