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
  std::string state;    // "h"; "x", what is read; empty for the Jacobian's largest singular value
  std::int64_t layer = 0;
  std::string name;  // of all curves no two are the same
  /// ln, at lag lags[i].
  std::vector<std::int64_t> lags;
  std::vector<double> log_norms;
  insight::MemoryHorizon horizon;
  /// Lags are counted to later steps, of which a bidirectional network knows too.
  bool ahead = false;
  /// A norm of 0 may also be below float32's range.
  bool may_underflow = false;
};

struct FlowReport {
  std::string loss;   // what L is
  std::string input;  // what the networks read
  std::int64_t steps = 0;
  std::int64_t batch_size = 0;
  std::vector<std::int64_t> shown;  // the lags of the table
  std::vector<FlowCurve> curves;
  /// Whether the gradients are those by what the recurrent layers read, root mean squares in
  /// float32, rather than by states, means in double precision.
  bool by_input = false;
  std::string unit = "step";  // that lags are counted in: "segment of 24 rows"
};

[[nodiscard]] std::string to_text(const FlowReport& report);
[[nodiscard]] nlohmann::ordered_json to_json(const FlowReport& report);
[[nodiscard]] report::Figure to_figure(const FlowReport& report);
/// Throws ConfigError if this build has no charts.
[[nodiscard]] report::Page to_page(const FlowReport& report);

}  // namespace riverrun::cli
