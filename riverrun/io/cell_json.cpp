#include "riverrun/io/cell_json.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "riverrun/cell/runtime_cell.h"
#include "riverrun/core/error.h"
#include "riverrun/io/fields_json.h"

namespace riverrun::io {
namespace {

using Json = nlohmann::ordered_json;

/// In the order of Op.
constexpr std::array<std::string_view, 19> kOps = {
    "input",   "constant",    "add",  "sub", "mul",  "div", "neg", "exp",  "log",   "tanh",
    "sigmoid", "log_sigmoid", "sqrt", "abs", "relu", "max", "min", "less", "select"};
static_assert(kOps.size() == static_cast<std::size_t>(Op::kSelect) + 1);

/// Of a forward program, in the order of Input.
constexpr std::array<std::string_view, 3> kInputs = {"gate", "state", "param"};

constexpr const char* kInfinity = "inf";
constexpr const char* kMinusInfinity = "-inf";

Json node_to_json(const Node& node) {
  switch (node.op) {
    case Op::kInput:
      return {kInputs.at(static_cast<std::size_t>(node.input)), node.a};
    case Op::kConstant:
      if (std::isinf(node.constant))
        return {"constant", node.constant > 0 ? kInfinity : kMinusInfinity};
      return {"constant", node.constant};
    default: {
      Json json = {kOps.at(static_cast<std::size_t>(node.op))};
      const std::array<int, 3> operand = {node.a, node.b, node.c};
      for (int i = 0; i < operands(node.op); ++i)
        json.push_back(operand.at(static_cast<std::size_t>(i)));
      return json;
    }
  }
}

/// Reads one cell; its errors begin with the name that it has in the file.
class Reader {
 public:
  explicit Reader(std::string_view name) : name_(name) {}

  [[nodiscard]] CellChoice read(const Json& json) const {
    CellDefinition definition{.name = get<std::string>(json, "name"),
                              .gates = {},
                              .states = get<std::vector<std::string>>(json, "states"),
                              .params = get<std::vector<std::string>>(json, "params"),
                              .recurrent = get<bool>(json, "recurrent")};
    const auto gates = get<std::vector<std::string>>(json, "gates");
    const auto split = get<std::vector<std::string>>(json, "split_gates");
    const auto contains = [](const std::vector<std::string>& list, const std::string& gate) {
      return std::ranges::find(list, gate) != list.end();
    };
    for (const std::string& gate : gates)
      definition.gates.emplace_back(gate, contains(split, gate));
    for (const std::string& gate : split) {
      if (!contains(gates, gate))
        fail("split_gates", fmt::format("\"{}\" is none of the gates", gate));
    }
    const Program step = program(json);
    try {
      return {definition, step};
    } catch (const ConfigError& error) {
      throw ConfigError(fmt::format("{}: {}", name_, error.what()));
    }
  }

 private:
  [[noreturn]] void fail(std::string_view key, const std::string& what) const {
    throw ConfigError(fmt::format("{}.{}: {}", name_, key, what));
  }

  template <class T>
  [[nodiscard]] T get(const Json& json, const char* key) const {
    const auto found = json.find(key);
    if (found == json.end()) throw ConfigError(fmt::format("{}.{} is missing", name_, key));
    return value_of<T>(*found, key);
  }
  template <class T>
  [[nodiscard]] T value_of(const Json& json, std::string_view key) const {
    T value{};
    read_value(json, fmt::format("{}.{}", name_, key), value);
    return value;
  }

  [[nodiscard]] double constant(const Json& json, std::string_view place) const {
    if (json == kInfinity) return std::numeric_limits<double>::infinity();
    if (json == kMinusInfinity) return -std::numeric_limits<double>::infinity();
    return value_of<double>(json, place);
  }

  /// Whether there are the operands that it names is checked with the program.
  [[nodiscard]] Node node(const Json& json, std::string_view place) const {
    if (!json.is_array() || json.empty() || !json.front().is_string()) {
      fail(place, fmt::format("{} must be a list that begins with an operation", json.dump()));
    }
    const auto name = json.front().get<std::string>();
    Node node;
    int count = 1;
    const auto input = std::ranges::find(kInputs, name);
    if (input != kInputs.end()) {
      node.op = Op::kInput;
      node.input = static_cast<Input>(input - kInputs.begin());
    } else {
      const auto op = std::ranges::find(kOps, name);
      if (op == kOps.end() || op == kOps.begin()) {
        fail(place, fmt::format("\"{}\" is no operation", name));
      }
      node.op = static_cast<Op>(op - kOps.begin());
      if (node.op != Op::kConstant) count = operands(node.op);
    }
    if (std::ssize(json) != count + 1) {
      fail(place,
           fmt::format("{} has {} operands; it must have {}", json.dump(), json.size() - 1, count));
    }
    if (node.op == Op::kConstant) {
      node.constant = constant(json[1], place);
      return node;
    }
    const std::array<std::int16_t*, 3> operand = {&node.a, &node.b, &node.c};
    for (std::size_t o = 0; o + 1 < json.size(); ++o) {
      *operand.at(o) = value_of<std::int16_t>(json[o + 1], place);
    }
    return node;
  }

  [[nodiscard]] Program program(const Json& json) const {
    const auto step = get<std::vector<Json>>(json, "step");
    const auto next = get<std::vector<std::int16_t>>(json, "next_states");
    if (step.size() > Program::kMaxNodes) {
      fail("step",
           fmt::format("{} operations; at most {} are possible", step.size(), Program::kMaxNodes));
    }
    if (next.size() > CellDescriptor::kMaxStates) {
      fail("next_states", fmt::format("{} states; at most {} are possible", next.size(),
                                      CellDescriptor::kMaxStates));
    }
    Program program;
    for (std::size_t i = 0; i < step.size(); ++i) {
      program.nodes.at(i) = node(step[i], fmt::format("step[{}]", i));
    }
    program.size = static_cast<int>(step.size());
    for (const std::int16_t output : next) program.add_output(output);
    return program;
  }

  std::string_view name_;
};

}  // namespace

Json to_json(const CellChoice& cell) {
  if (!cell.is_own()) return cell.name();
  const CellDescriptor& own = cell.descriptor();
  const Program program = step_of(own);
  Json split = Json::array(), step = Json::array(), next = Json::array();
  for (std::size_t g = 0; g < own.gates.size(); ++g) {
    if (own.layout.is_split(static_cast<int>(g))) split.push_back(own.gates[g]);
  }
  for (int i = 0; i < program.size; ++i) step.push_back(node_to_json(program[i]));
  for (int i = 0; i < program.output_count; ++i) next.push_back(program.output(i));
  return {{"name", own.name},
          {"gates", own.gates},
          {"split_gates", std::move(split)},
          {"states", own.states},
          {"params", own.params},
          {"recurrent", own.recurrent},
          {"step", std::move(step)},
          {"next_states", std::move(next)}};
}

CellChoice cell_from_json(const Json& json, std::string_view name) {
  if (json.is_string()) return json.get<std::string>();
  if (!json.is_object()) {
    throw ConfigError(
        fmt::format("{} is {}; it must be the name of a cell, or a cell", name, json.dump()));
  }
  return Reader(name).read(json);
}

CellChoice cell_from_json(const nlohmann::json& json, std::string_view name) {
  return cell_from_json(Json(json), name);
}

}  // namespace riverrun::io
