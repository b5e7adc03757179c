#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "riverrun/lm/language_objective.h"
#include "riverrun/train/progress.h"

namespace riverrun::cli {

/// What a training run tells of its gradients: how large they are, how far back they reach, and,
/// each once, that they vanish, and that they explode, with what can be done about the latter.
class ReachReport {
 public:
  /// Keeps a reference to the options.
  explicit ReachReport(const lm::RunOptions& options) : options_(options) {}

  /// After each update. Returns a line for the user if there is reason for one.
  [[nodiscard]] std::optional<std::string> take(const Progress& progress);
  /// After each measurement; the same.
  [[nodiscard]] std::optional<std::string> take(const lm::Reach& reach);

  /// For a line of progress: "gradient 0.41  reaches 23 of 128 steps"; empty before the first
  /// update.
  [[nodiscard]] std::string figures() const;
  /// Of all updates and measurements so far.
  [[nodiscard]] nlohmann::ordered_json to_json() const;

  struct Measured {
    std::int64_t step = 0;     // updates before it
    std::int64_t seq_len = 0;  // steps that the gradient flows through
    insight::MemoryHorizon horizon;
  };
  [[nodiscard]] const std::vector<Measured>& measured() const noexcept { return measured_; }
  /// The last measurement; empty if there was none.
  [[nodiscard]] const std::vector<lm::StateGradient>& last() const noexcept { return last_; }

 private:
  [[nodiscard]] std::string against_exploding(std::int64_t step) const;

  const lm::RunOptions& options_;
  std::vector<Measured> measured_;
  std::vector<lm::StateGradient> last_;
  std::int64_t updates_ = 0;
  double sum_of_norms_ = 0;
  double largest_norm_ = 0;
  std::int64_t largest_step_ = 0;
  double shown_norm_ = 0;
  int in_a_row_ = 0;  // measurements whose gradient vanished
  bool told_of_vanishing_ = false;
  bool warned_of_exploding_ = false;
};

}  // namespace riverrun::cli
