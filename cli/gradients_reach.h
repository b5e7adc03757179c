#pragma once

#include <cstdint>
#include <filesystem>

#include "cli/gradients_report.h"
#include "cli/kind.h"

namespace riverrun::cli {

/// What `gradients` is asked of a model that is no language model.
struct ReachFlags {
  std::filesystem::path model;
  std::filesystem::path data;  ///< empty: none is given
  std::int64_t steps = 0;      ///< the largest lag
  std::int64_t batch_size = 0;
  bool untrained = false;
  std::uint64_t seed = 1;
};

/// How far back, and of a bidirectional network ahead, an answer reaches into what was read; see
/// insight::input_reach(). Throws as open_inspectable().
[[nodiscard]] FlowReport measure_reach(Kind kind, const ReachFlags& flags);

}  // namespace riverrun::cli
