#pragma once

#include <cstddef>
#include <optional>

namespace riverrun::cli {

/// Whether `descriptor` (STDOUT_FILENO, STDERR_FILENO) is a terminal.
[[nodiscard]] bool is_terminal(int descriptor);

/// Whether it is one on which a line can be drawn anew: TERM is set, and not to "dumb", as an
/// editor's window has it.
[[nodiscard]] bool can_redraw(int descriptor);

/// Whether what is written to it may be coloured: it can redraw, and NO_COLOR (no-color.org) is not
/// set.
[[nodiscard]] bool can_colour(int descriptor);

/// The columns of a terminal, 80 if it does not say; nothing for what is none.
[[nodiscard]] std::optional<std::size_t> terminal_width(int descriptor);

}  // namespace riverrun::cli
