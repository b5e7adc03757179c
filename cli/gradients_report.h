#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "riverrun/insight/gradient_flow.h"
#include "riverrun/report/figure.h"
#include "riverrun/report/page.h"

namespace riverrun::cli {

/// A curve of `riverrun gradients`.
struct FlowCurve {
  std::string network;  // "lstm:forget=1", or the model's folder
  std::string state;    // "h"; empty for the Jacobian's largest singular value
  std::int64_t layer = 0;
  std::string name;  // of all curves no two are the same
  /// ln, at lag lags[i].
  std::vector<std::int64_t> lags;
  std::vector<double> log_norms;
  insight::MemoryHorizon horizon;
};

struct FlowReport {
  std::string loss;   // what L is
  std::string input;  // what the networks read
  std::int64_t steps = 0;
  std::int64_t batch_size = 0;
  std::vector<std::int64_t> shown;  // the lags of the table
  std::vector<FlowCurve> curves;
};

[[nodiscard]] std::string to_text(const FlowReport& report);
[[nodiscard]] nlohmann::ordered_json to_json(const FlowReport& report);
[[nodiscard]] report::Figure to_figure(const FlowReport& report);
/// Throws ConfigError if this build has no charts.
[[nodiscard]] report::Page to_page(const FlowReport& report);

}  // namespace riverrun::cli
