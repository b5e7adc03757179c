#pragma once

#include <array>
#include <cstddef>
#include <stdexcept>

#include "riverrun/cell/fail.h"

namespace riverrun {

/// Neighbouring gates whose values lie side by side: gates [gate, gate + count) are the gate values
/// [slot, slot + count).
struct GateRun {
  int gate = 0;
  int slot = 0;
  int count = 0;
};

/// Where each gate stands among the gate values, in which a split gate has two places.
struct GateLayout {
  static constexpr int kMaxGates = 16;

  int gates = 0;
  int values = 0;
  std::array<int, kMaxGates> input_slot{};      // of W_ih·x, or of the sum
  std::array<int, kMaxGates> recurrent_slot{};  // of W_hh·h; of the sum, if the gate is not split
  std::array<GateRun, kMaxGates> input_runs{};
  std::array<GateRun, kMaxGates> recurrent_runs{};
  int input_run_count = 0;
  int recurrent_run_count = 0;

  constexpr void add_gate(bool is_split) {
    if (gates == kMaxGates) fail<std::length_error>("a cell has more than 16 gates");
    const auto gate = static_cast<std::size_t>(gates);
    input_slot[gate] = values++;
    recurrent_slot[gate] = is_split ? values++ : input_slot[gate];
    extend(input_runs, input_run_count, gates, input_slot[gate]);
    extend(recurrent_runs, recurrent_run_count, gates, recurrent_slot[gate]);
    ++gates;
  }

  [[nodiscard]] constexpr bool is_split(int gate) const {
    return input_slot[static_cast<std::size_t>(gate)] !=
           recurrent_slot[static_cast<std::size_t>(gate)];
  }

 private:
  static constexpr void extend(std::array<GateRun, kMaxGates>& runs, int& count, int gate,
                               int slot) {
    if (count > 0) {
      GateRun& last = runs[static_cast<std::size_t>(count - 1)];
      if (last.slot + last.count == slot) {
        ++last.count;
        return;
      }
    }
    runs[static_cast<std::size_t>(count++)] = {gate, slot, 1};
  }
};

}  // namespace riverrun
