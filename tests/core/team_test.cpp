#include "riverrun/core/team.h"

#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/threads.h"

namespace riverrun {
namespace {

/// Phase p of share s adds up what all shares of the phase before wrote: wrong unless every phase
/// is complete before the next begins, and every share of it is done once.
class Relay {
 public:
  Relay(std::int64_t shares, std::int64_t phases)
      : shares_(shares), phases_(phases), values_(static_cast<std::size_t>(shares * phases)) {}

  void run(Team::Member& member) {
    for (std::int64_t phase = 0; phase < phases_; ++phase) {
      member.phase([&](std::int64_t share) {
        std::int64_t sum = 1;
        for (std::int64_t s = 0; phase > 0 && s < shares_; ++s) sum += at(phase - 1, s) % 1000003;
        at(phase, share) += sum;
      });
    }
  }

  void check() const {
    std::int64_t expected = 1;
    for (std::int64_t phase = 0; phase < phases_; ++phase) {
      for (std::int64_t s = 0; s < shares_; ++s) {
        ASSERT_EQ(values_[static_cast<std::size_t>(phase * shares_ + s)], expected) << phase;
      }
      expected = 1 + shares_ * (expected % 1000003);
    }
  }

 private:
  std::int64_t& at(std::int64_t phase, std::int64_t share) {
    return values_[static_cast<std::size_t>(phase * shares_ + share)];
  }
  std::int64_t shares_, phases_;
  std::vector<std::int64_t> values_;
};

TEST(Team, PhasesAreCompleteBeforeTheNextBegin) {
  for (const std::int64_t members : {1, 2, 3, 4}) {
    Team team(members);
    Relay relay(members, 500);
    std::vector<std::thread> threads;
    for (std::int64_t i = 0; i < members; ++i) {
      threads.emplace_back([&, i] {
        Team::Member member(&team, i);
        relay.run(member);
      });
    }
    for (std::thread& thread : threads) thread.join();
    relay.check();
  }
}

TEST(Team, AMemberThatNeverComesIsNotWaitedFor) {
  Team team(3);
  Relay relay(3, 50);
  Team::Member only(&team, 1);
  relay.run(only);
  relay.check();
}

TEST(Team, AMemberThatComesLateFindsEverythingDone) {
  Team team(2);
  Relay relay(2, 50);
  Team::Member first(&team, 0);
  relay.run(first);
  Team::Member second(&team, 1);
  relay.run(second);
  relay.check();
}

TEST(Team, WorksInsideParallelFor) {
  for (int repetition = 0; repetition < 50; ++repetition) {
    Team team(3);
    Relay relay(3, 20);
    parallel_for(3, [&](std::int64_t index) {
      Team::Member member(&team, index);
      relay.run(member);
    });
    relay.check();
  }
}

TEST(Team, WhatABodyThrowsEndsThePhaseInEachMember) {
  for (int repetition = 0; repetition < 200; ++repetition) {
    constexpr std::int64_t kShares = 3;
    Team team(kShares);
    std::atomic<int> thrown{0};
    std::atomic<int> later{0};
    std::vector<std::thread> threads;
    for (std::int64_t i = 0; i < kShares; ++i) {
      threads.emplace_back([&, i] {
        Team::Member member(&team, i);
        try {
          member.phase([](std::int64_t) {});
          member.phase([&](std::int64_t share) {
            if (share != repetition % kShares || repetition % 2 == 0) {
              throw std::runtime_error("in a phase");
            }
          });
          member.phase([&](std::int64_t) { ++later; });
        } catch (const std::runtime_error&) {
          ++thrown;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(thrown, kShares);
    ASSERT_EQ(later, 0);
  }
}

TEST(Team, WhatABodyThrowsLeavesParallelFor) {
  Team team(3);
  EXPECT_THROW(parallel_for(3,
                            [&](std::int64_t index) {
                              Team::Member member(&team, index);
                              for (int phase = 0; phase < 5; ++phase) {
                                member.phase([&](std::int64_t share) {
                                  if (phase == 2 && share == 1) throw std::runtime_error("here");
                                });
                              }
                            }),
               std::runtime_error);
}

}  // namespace
}  // namespace riverrun
