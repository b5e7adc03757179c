#pragma once

#include <algorithm>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/fields.h"
#include "riverrun/nn/cells.h"

namespace riverrun::cli {

/// "--hidden-size" for the field hidden_size.
[[nodiscard]] inline std::string flag_of(const char* field) {
  std::string flag = std::string("--") + field;
  std::ranges::replace(flag, '_', '-');
  return flag;
}

/// An option of that name for `value`, which CLI11 keeps a reference to.
template <class Options, class T>
CLI::Option* add_field_option(CLI::App& app, const Field<Options, T>& field, T& value) {
  return app.add_option(flag_of(field.name), value, field.help)->capture_default_str();
}

/// A cell is chosen by its name.
template <class Options>
CLI::Option* add_field_option(CLI::App& app, const Field<Options, CellChoice>& field,
                              CellChoice& value) {
  return app
      .add_option_function<std::string>(
          flag_of(field.name), [&value](const std::string& name) { value = name; }, field.help)
      ->default_str(value.name());
}

/// What `train --resume` says of an option that may not change.
[[nodiscard]] inline ConfigError differs_from_run(const std::string& flag) {
  return ConfigError(
      fmt::format("train: {} differs from that of the run that is resumed; omit it, or begin anew "
                  "with --overwrite or another --out",
                  flag));
}

}  // namespace riverrun::cli
