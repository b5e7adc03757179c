#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "riverrun/models/signal_model.h"
#include "riverrun/models/signal_run.h"
#include "riverrun/models/signal_score.h"
#include "riverrun/report/figure.h"
#include "riverrun/report/page.h"

namespace riverrun::cli {

/// How near a signal model comes to its device.
struct SignalReport {
  models::SignalScore score;
  /// Of the dry signal times the gain that the model keeps.
  models::SignalScore naive;
  std::int64_t sample_rate = 0;
  double seconds = 0;          ///< that the model took
  std::int64_t processed = 0;  ///< samples in that time, with those that do not count
  /// The power of consecutive windows of the signal, and of the errors in them.
  struct Window {
    double wet = 0;
    double error = 0;
    double naive_error = 0;
  };
  std::vector<Window> windows;
  double window_seconds = 0;

  [[nodiscard]] double samples_per_second() const noexcept;
  /// How much faster than it is heard the signal was computed.
  [[nodiscard]] double real_time_factor() const noexcept;
};

/// Runs the model over a signal from its beginning; its first `lead_in` samples do not count. Shows
/// on a terminal how far it is. Throws NumericError if what the model says is not finite.
[[nodiscard]] SignalReport measure(const models::SignalModel& model, const models::SignalPart& part,
                                   std::int64_t lead_in = 0);

/// "error to signal 0.00123 (-29.1 dB; naive: 0.42)"
[[nodiscard]] std::string summary(const SignalReport& report);
[[nodiscard]] std::string to_text(const SignalReport& report);
[[nodiscard]] nlohmann::ordered_json to_json(const SignalReport& report);
/// The level of the signal and of the errors over time.
[[nodiscard]] report::Figure levels_figure(const SignalReport& report);
void add_to(report::Page& page, const SignalReport& report);

}  // namespace riverrun::cli
