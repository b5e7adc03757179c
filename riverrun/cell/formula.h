#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "riverrun/cell/program.h"

// Programs written as mathematics, in UTF-8. For explain.cpp.

namespace riverrun::formula {

/// Columns of text of which no character is wide or combining.
[[nodiscard]] std::size_t width(std::string_view text);
[[nodiscard]] std::string padded(std::string text, std::size_t columns);
[[nodiscard]] std::string padded_left(const std::string& text, std::size_t columns);

/// A formula, and how tightly its outermost operation binds.
struct Formula {
  enum Binding { kCompares, kAdds, kMultiplies, kAtom };
  std::string text;
  Binding binding = kAtom;

  [[nodiscard]] std::string within(Binding context) const;
};

/// The node applied to operands[0 .. operands(node.op)), or its constant; not for inputs.
[[nodiscard]] Formula formula_of(const Node& node, const std::array<Formula, 3>& operand);

[[nodiscard]] bool is_operation(const Node& node);

/// Name and formula of each value.
using Lines = std::vector<std::pair<std::string, std::string>>;

/// "c' = σ(f)·c", with the equals signs below each other.
[[nodiscard]] std::vector<std::string> aligned(const Lines& lines);

/// A program whose values have names.
class NamedProgram {
 public:
  /// `names` are those of the nodes; an operation that is an output gets the output's name.
  NamedProgram(const Program& program, std::vector<std::string> names,
               std::vector<std::string> output_names);

  [[nodiscard]] const std::string& name(int node) const;
  [[nodiscard]] bool is_output(int node) const;
  /// The formula of an operation on its operands' names.
  [[nodiscard]] std::string right_side(int node) const;

  /// One line for each operation, and for each output that is an input or another output.
  [[nodiscard]] Lines operations() const;
  /// A value that is used once stands where it is used, unless `has_line[node]`; the others and the
  /// outputs have a line of their own.
  [[nodiscard]] Lines equations(const std::vector<bool>& has_line) const;

 private:
  [[nodiscard]] Formula named(int node) const;
  Formula within_width(const Node& node, const std::vector<Formula>& formulas, Lines& lines) const;
  void add_other_outputs(Lines& lines) const;

  Program program_;
  std::vector<std::string> names_;
  std::vector<std::string> output_names_;
};

}  // namespace riverrun::formula
