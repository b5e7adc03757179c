#include "riverrun/cell/formula.h"

#include <algorithm>
#include <charconv>

namespace riverrun::formula {
namespace {

// Equations longer than this are split by giving their longest operand a name.
constexpr std::size_t kEquationWidth = 72;

std::string shortest(double value) {
  std::array<char, 32> digits{};
  const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  return {digits.data(), result.ptr};
}

std::array<int, 3> operands_of(const Node& node) { return {node.a, node.b, node.c}; }

}  // namespace

std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) >> 6) != 2; }));
}

std::string padded(std::string text, std::size_t columns) {
  const std::size_t used = width(text);
  return used < columns ? text.append(columns - used, ' ') : text;
}

std::string padded_left(const std::string& text, std::size_t columns) {
  const std::size_t used = width(text);
  return used < columns ? std::string(columns - used, ' ') + text : text;
}

std::string Formula::within(Binding context) const {
  return binding < context ? "(" + text + ")" : text;
}

Formula formula_of(const Node& node, const std::array<Formula, 3>& operand) {
  // Names of their own, as clang lets a lambda capture a structured binding only since 16.
  const Formula& a = operand[0];
  const Formula& b = operand[1];
  const Formula& c = operand[2];
  const auto function = [&](const std::string& name) { return Formula{name + "(" + a.text + ")"}; };
  const auto infix = [&](const char* sign, Formula::Binding left, Formula::Binding right) {
    return Formula{a.within(left) + sign + b.within(right), left};
  };
  switch (node.op) {
    case Op::kInput:
      break;
    case Op::kConstant:
      return {shortest(node.constant), node.constant < 0 ? Formula::kAdds : Formula::kAtom};
    case Op::kAdd:
      return infix(" + ", Formula::kAdds, Formula::kAdds);
    case Op::kSub:
      return infix(" - ", Formula::kAdds, Formula::kMultiplies);
    case Op::kMul:
      if (node.a == node.b && a.binding == Formula::kAtom) return {a.text + "²"};
      return infix("·", Formula::kMultiplies, Formula::kMultiplies);
    case Op::kDiv:
      return infix("/", Formula::kMultiplies, Formula::kAtom);
    case Op::kNeg:
      return {"-" + a.within(Formula::kMultiplies), Formula::kAdds};
    case Op::kExp:
      return function("exp");
    case Op::kLog:
      return function("ln");
    case Op::kTanh:
      return function("tanh");
    case Op::kSigmoid:
      return function("σ");
    case Op::kLogSigmoid:
      return {"ln(σ(" + a.text + "))"};
    case Op::kSqrt:
      return function("√");
    case Op::kAbs:
      return {"|" + a.text + "|"};
    case Op::kRelu:
      return {"max(" + a.text + ", 0)"};
    case Op::kMax:
      return {"max(" + a.text + ", " + b.text + ")"};
    case Op::kMin:
      return {"min(" + a.text + ", " + b.text + ")"};
    case Op::kLess:
      return {a.within(Formula::kAdds) + " < " + b.within(Formula::kAdds), Formula::kCompares};
    case Op::kSelect:
      return {"select(" + a.text + ", " + b.text + ", " + c.text + ")"};
  }
  return {};
}

bool is_operation(const Node& node) { return node.op != Op::kInput && node.op != Op::kConstant; }

std::vector<std::string> aligned(const Lines& lines) {
  std::size_t columns = 0;
  for (const auto& [name, formula] : lines) columns = std::max(columns, width(name));
  std::vector<std::string> result;
  for (const auto& [name, formula] : lines) {
    result.push_back(padded(name, columns) + " = " + formula);
  }
  return result;
}

NamedProgram::NamedProgram(const Program& program, std::vector<std::string> names,
                           std::vector<std::string> output_names)
    : program_(program), names_(std::move(names)), output_names_(std::move(output_names)) {
  // Backwards, so that a value which is two outputs has the name of the first.
  for (int i = program.output_count - 1; i >= 0; --i) {
    const int node = program.output(i);
    if (is_operation(program[node])) {
      names_[static_cast<std::size_t>(node)] = output_names_[static_cast<std::size_t>(i)];
    }
  }
}

const std::string& NamedProgram::name(int node) const {
  return names_[static_cast<std::size_t>(node)];
}

bool NamedProgram::is_output(int node) const {
  const auto* end = program_.outputs.begin() + program_.output_count;
  return std::find(program_.outputs.begin(), end, node) != end;
}

std::string NamedProgram::right_side(int node) const {
  const auto operand = operands_of(program_[node]);
  std::array<Formula, 3> parts;
  for (std::size_t k = 0; k < static_cast<std::size_t>(operands(program_[node].op)); ++k) {
    parts[k] = named(operand[k]);
  }
  return formula_of(program_[node], parts).text;
}

Lines NamedProgram::operations() const {
  Lines lines;
  for (int i = 0; i < program_.size; ++i) {
    if (is_operation(program_[i])) lines.emplace_back(name(i), right_side(i));
  }
  add_other_outputs(lines);
  return lines;
}

Lines NamedProgram::equations(const std::vector<bool>& has_line) const {
  Lines lines;
  const auto uses = program_.uses();
  std::vector<Formula> formulas(static_cast<std::size_t>(program_.size));
  for (int i = 0; i < program_.size; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (!is_operation(program_[i])) {
      formulas[at] = named(i);
      continue;
    }
    formulas[at] = within_width(program_[i], formulas, lines);
    if (uses[at] > 1 || is_output(i) || has_line[at]) {
      lines.emplace_back(name(i), formulas[at].text);
      formulas[at] = named(i);
    }
  }
  add_other_outputs(lines);
  return lines;
}

Formula NamedProgram::named(int node) const {
  return program_[node].op == Op::kConstant ? formula_of(program_[node], {}) : Formula{name(node)};
}

Formula NamedProgram::within_width(const Node& node, const std::vector<Formula>& formulas,
                                   Lines& lines) const {
  const auto operand = operands_of(node);
  std::array<Formula, 3> parts;
  for (std::size_t k = 0; k < static_cast<std::size_t>(operands(node.op)); ++k) {
    parts[k] = formulas[static_cast<std::size_t>(operand[k])];
  }
  Formula result = formula_of(node, parts);
  while (width(result.text) > kEquationWidth) {
    const auto longest = std::max_element(
        parts.begin(), parts.end(),
        [](const Formula& x, const Formula& y) { return width(x.text) < width(y.text); });
    const Formula short_form = named(operand[static_cast<std::size_t>(longest - parts.begin())]);
    if (short_form.text == longest->text) break;
    lines.emplace_back(short_form.text, longest->text);
    *longest = short_form;
    result = formula_of(node, parts);
  }
  return result;
}

void NamedProgram::add_other_outputs(Lines& lines) const {
  for (int i = 0; i < program_.output_count; ++i) {
    const std::string& output = output_names_[static_cast<std::size_t>(i)];
    const Formula value = named(program_.output(i));
    if (value.text != output) lines.emplace_back(output, value.text);
  }
}

}  // namespace riverrun::formula
