#pragma once

// The cell of a model in its files. Not for users.

#include <string_view>

#include <nlohmann/json.hpp>

#include "riverrun/nn/cells.h"

namespace riverrun::io {

/// The name of a cell that is known by it. One of a user's own is an object: its name, gates (those
/// that are split once more in split_gates), states, params, whether it is recurrent, and its step:
/// a list of operations on the results of earlier ones, by their numbers, as ["mul", 2, 5], and the
/// numbers of the next states.
[[nodiscard]] nlohmann::ordered_json to_json(const CellChoice& cell);

/// The reverse; a cell of a user's own is run by the interpreter unless it is registered. Trusts
/// nothing. Throws ConfigError, which begins with `name`.
[[nodiscard]] CellChoice cell_from_json(const nlohmann::json& json, std::string_view name);
[[nodiscard]] CellChoice cell_from_json(const nlohmann::ordered_json& json, std::string_view name);

}  // namespace riverrun::io
