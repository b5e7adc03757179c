#pragma once

#include "riverrun/report/figure.h"
#include "riverrun/report/page.h"

#include "cli/train_report.h"

namespace riverrun::cli {

/// The memory horizon at each measurement; where the gradient reaches further than it flows, the
/// steps that it flows through.
[[nodiscard]] report::Figure reach_figure(const EndedRun& run);
/// Losses, memory horizons, and the last measurement's norms. Throws ConfigError if this build has
/// no charts.
[[nodiscard]] report::Page to_page(const EndedRun& run);

}  // namespace riverrun::cli
