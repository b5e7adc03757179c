#pragma once

#include <cstddef>

#include "riverrun/insight/figure.h"
#include "riverrun/insight/html.h"

#include "cli/inspection.h"

namespace riverrun::cli {

/// All over the tokens. How far each layer's gates are open, means over the units; for a cell
/// without gates that open, the size of its state.
[[nodiscard]] insight::Figure gates_figure(const Inspection& inspection);
[[nodiscard]] insight::Figure surprise_figure(const Inspection& inspection);
/// What the inspection's units remember: the cell state of each, or h of a cell that has no other.
[[nodiscard]] insight::Figure memories_figure(const Inspection& inspection);
/// The gates and states of one of the inspection's units.
[[nodiscard]] insight::Figure unit_figure(const Inspection& inspection, std::size_t unit);
/// The series of all of these in one figure: for a CSV file, whose lines name their series.
[[nodiscard]] insight::Figure all_series(const Inspection& inspection);

/// The text on a background that says how a unit's memory stands: blue below 0, orange above.
[[nodiscard]] insight::Html coloured_html(const Inspection& inspection, std::size_t unit);

}  // namespace riverrun::cli
