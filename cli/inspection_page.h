#pragma once

#include <string>

#include "riverrun/insight/figure.h"

#include "cli/comparison.h"
#include "cli/inspection.h"

namespace riverrun::cli {

/// How far each layer's gates are open over the tokens, means over the units; for a cell without
/// gates that open, the size of its states.
[[nodiscard]] insight::Figure gates_figure(const Inspection& inspection);
/// All that is drawn, in one figure: for a CSV file, whose lines name their series.
[[nodiscard]] insight::Figure all_series(const Inspection& inspection);
[[nodiscard]] std::string to_html(const Inspection& inspection);

/// The likeliest tokens after the word, in both texts.
[[nodiscard]] insight::Figure predictions_figure(const Comparison& comparison);
[[nodiscard]] std::string to_html(const Comparison& comparison);

}  // namespace riverrun::cli
