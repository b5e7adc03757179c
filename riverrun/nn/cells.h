#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "riverrun/cell/descriptor.h"

namespace riverrun {

/// The cell of that name: "lstm", "gru", "rnn_tanh", "rnn_relu", "memoryless", or one that
/// register_cell added. Throws ConfigError, which lists the names there are.
[[nodiscard]] const CellDescriptor& find_cell(std::string_view name);
[[nodiscard]] std::vector<std::string> cell_names();

/// Makes a cell of one's own known by its name, so that a model that uses it can be loaded from a
/// file. The descriptor must live as long as the program, which one that is about to go does not.
/// Throws ConfigError if the name is taken.
void register_cell(const CellDescriptor& cell);
void register_cell(const CellDescriptor&& cell) = delete;

}  // namespace riverrun
