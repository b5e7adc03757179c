#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "riverrun/cell/descriptor.h"
#include "riverrun/cell/runtime_cell.h"

namespace riverrun {

/// The cell of that name: "lstm", "gru", "rnn_tanh", "rnn_relu", "memoryless", or one that
/// register_cell added. Throws ConfigError, which lists the names there are.
[[nodiscard]] const CellDescriptor& find_cell(std::string_view name);
[[nodiscard]] std::vector<std::string> cell_names();

/// Makes a compiled cell of one's own known by its name, so that a model that was saved with it is
/// run by its kernels again, and not by the interpreter. The descriptor must live as long as the
/// program, which one that is about to go does not. Throws ConfigError if the name is taken.
void register_cell(const CellDescriptor& cell);
void register_cell(const CellDescriptor&& cell) = delete;

/// The cell of a model, as its options say it: `.cell = "gru"`, or one of your own,
/// `.cell = riverrun::cell<CoupledLSTM>()`. The latter is saved with the model as its program, so
/// that the model can be loaded where nobody knows the cell.
class CellChoice {
 public:
  // NOLINTBEGIN(google-explicit-constructor): an option is written as what it is
  /// A name that find_cell knows.
  CellChoice(std::string name) : name_(std::move(name)) {}
  CellChoice(const char* name) : name_(name) {}
  CellChoice(CellDescriptor own);
  // NOLINTEND(google-explicit-constructor)
  /// One of your own that the interpreter runs, unless it is registered. It may come from a file.
  /// Throws ConfigError for what make_cell does not take.
  CellChoice(const CellDefinition& definition, const Program& step);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// Whether it is one that find_cell does not know, or knows as another.
  [[nodiscard]] bool is_own() const noexcept { return own_ != nullptr; }
  /// Throws ConfigError as find_cell.
  [[nodiscard]] const CellDescriptor& descriptor() const;

  /// Whether both are the same cell, by name and program.
  friend bool operator==(const CellChoice& a, const CellChoice& b);

 private:
  std::string name_;
  std::shared_ptr<const CellDescriptor> own_;
};

}  // namespace riverrun
