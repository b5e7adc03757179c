#pragma once

#include <cstdint>
#include <optional>

#include "riverrun/train/objective.h"

namespace riverrun::models {

/// What a checkpoint says of a run: a ClassifierRun, a TaggerRun.
template <class Run>
struct SavedRun {
  Run run;
  std::int64_t train_examples = 0;
  std::int64_t valid_examples = 0;  ///< 0: it validates on nothing
  std::int64_t step = 0;
  std::optional<Validation> best;
};

}  // namespace riverrun::models
