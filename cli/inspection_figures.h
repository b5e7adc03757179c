#pragma once

#include <cstddef>
#include <string_view>

#include "riverrun/report/figure.h"
#include "riverrun/report/html.h"

#include "cli/inspection.h"

namespace riverrun::cli {

/// All over the tokens. How far each layer's gates are open, means over the units; for a cell
/// without gates that open, the size of its state.
[[nodiscard]] report::Figure gates_figure(const Inspection& inspection);
[[nodiscard]] report::Figure surprise_figure(const Inspection& inspection);
/// What the inspection's units remember: the cell state of each, or h of a cell that has no other.
[[nodiscard]] report::Figure memories_figure(const Inspection& inspection);
/// The gates and states of one of the inspection's units.
[[nodiscard]] report::Figure unit_figure(const Inspection& inspection, std::size_t unit);
/// The series of all of these in one figure: for a CSV file, whose lines name their series.
[[nodiscard]] report::Figure all_series(const Inspection& inspection);

/// A piece of text on a background that says how large a number is, in [-1, 1]: blue below 0,
/// orange above.
[[nodiscard]] report::Html coloured_piece(std::string_view text, double value,
                                          std::string_view title);
/// The text on a background that says how a unit's memory stands: blue below 0, orange above.
[[nodiscard]] report::Html coloured_html(const Inspection& inspection, std::size_t unit);

}  // namespace riverrun::cli
