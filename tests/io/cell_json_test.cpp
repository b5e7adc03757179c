// The cell of a model in its files.

#include "riverrun/io/cell_json.h"

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "riverrun/cell/runtime_cell.h"
#include "riverrun/core/error.h"
#include "riverrun/kernels/cell_kernels.h"
#include "riverrun/nn/cells.h"

#include "tests/cell/odd_cells.h"

namespace riverrun::io {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// An LSTM that forgets as much as it takes in, with a peephole, as a user may write it.
CellDescriptor coupled() {
  return make_cell(
      {.name = "coupled", .gates = {"f", "g", "o"}, .states = {"h", "c"}, .params = {"p_o"}},
      [](auto gates, auto states, auto params) {
        const Sym f = sigmoid(gates[0]);
        const Sym c = f * states[1] + (1.0 - f) * tanh(gates[1]);
        return std::vector<Sym>{sigmoid(gates[2] + params[0] * c) * tanh(c), c};
      },
      kernels::interpreter_kernels());
}

TEST(CellJson, OfAKnownCellIsItsName) {
  EXPECT_EQ(to_json("lstm").dump(), "\"lstm\"");
  EXPECT_EQ(to_json(find_cell("gru")).dump(), "\"gru\"");
  EXPECT_EQ(cell_from_json(Json("gru"), "cell"), "gru");
}

TEST(CellJson, OfAnotherIsAllOfIt) {
  const Json json = to_json(coupled());
  EXPECT_EQ(json["name"], "coupled");
  EXPECT_EQ(json["gates"].dump(), R"(["f","g","o"])");
  EXPECT_EQ(json["split_gates"].dump(), "[]");
  EXPECT_EQ(json["params"].dump(), R"(["p_o"])");
  EXPECT_EQ(json["recurrent"], true);
  EXPECT_EQ(json["step"][0].dump(), R"(["gate",0])");
  EXPECT_EQ(json["next_states"].size(), 2u);
}

TEST(CellJson, GivesEachCellBack) {
  std::vector<CellDescriptor> cells = {
      coupled(), describe<odd_cells::Everything>(kernels::interpreter_kernels()),
      describe<odd_cells::EachFunction>(kernels::interpreter_kernels()),
      describe<odd_cells::SLSTM>(kernels::interpreter_kernels())};
  for (const std::string& name : cell_names()) {
    CellDescriptor renamed = find_cell(name);
    renamed.name = "my_" + name;
    cells.push_back(std::move(renamed));
  }
  for (const CellDescriptor& cell : cells) {
    SCOPED_TRACE(cell.name);
    const std::string text = to_json(cell).dump();
    const CellChoice read = cell_from_json(Json::parse(text), "cell");
    EXPECT_TRUE(read.is_own());
    EXPECT_TRUE(is_same_cell(read.descriptor(), cell));
    EXPECT_EQ(read, CellChoice(cell));
    EXPECT_EQ(cell_from_json(nlohmann::json::parse(text), "cell"), read);
  }
}

TEST(CellJson, KnowsInfinities) {
  const CellDescriptor cell = make_cell(
      {.name = "bounded", .gates = {"a"}, .states = {"h", "m"}},
      [](auto gates, auto states, auto) {
        constexpr double kInf = std::numeric_limits<double>::infinity();
        return std::vector<Sym>{max(gates[0], -kInf), min(states[1], kInf)};
      },
      kernels::interpreter_kernels());
  const std::string text = to_json(cell).dump();
  EXPECT_THAT(text, AllOf(HasSubstr(R"(["constant","inf"])"), HasSubstr(R"(["constant","-inf"])")));
  EXPECT_TRUE(is_same_cell(cell_from_json(Json::parse(text), "cell").descriptor(), cell));
}

TEST(CellJson, OfACellThatIsKnownByNowIsRunByItsKernels) {
  CellDescriptor renamed = find_cell("lstm");
  renamed.name = "known_by_now";
  const Json json = to_json(renamed);
  EXPECT_TRUE(cell_from_json(json, "cell").is_own());
  static const CellDescriptor kept = renamed;
  register_cell(kept);
  const CellChoice read = cell_from_json(json, "cell");
  EXPECT_FALSE(read.is_own());
  EXPECT_EQ(&read.descriptor(), &kept);
}

TEST(CellJson, OfTheNameOfAnotherCellStaysApart) {
  CellDescriptor cell = coupled();
  cell.name = "gru";
  const CellChoice read = cell_from_json(to_json(cell), "cell");
  EXPECT_TRUE(read.is_own());
  EXPECT_FALSE(read == CellChoice("gru"));
  EXPECT_EQ(read.descriptor().states.size(), 2u);
}

/// The message for a file in which something was changed.
template <class Change>
std::string refusal(const Change& change) {
  Json json = to_json(coupled());
  change(json);
  try {
    static_cast<void>(cell_from_json(json, "cell"));
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "taken";
}

TEST(CellJson, RefusesWhatIsNoCell) {
  EXPECT_THAT(refusal([](Json& json) { json = 5; }),
              HasSubstr("cell is 5; it must be the name of a cell, or a cell"));
  for (const char* key :
       {"name", "gates", "split_gates", "states", "params", "recurrent", "step", "next_states"}) {
    EXPECT_EQ(refusal([&](Json& json) { json.erase(key); }),
              std::string("cell.") + key + " is missing");
    EXPECT_THAT(refusal([&](Json& json) { json[key] = 5; }),
                StartsWith(std::string("cell.") + key + " is 5; it must be "));
  }
  EXPECT_THAT(refusal([](Json& json) { json["gates"][1] = 1; }), HasSubstr("cell.gates is 1"));
  EXPECT_THAT(refusal([](Json& json) { json["split_gates"] = {"x"}; }),
              HasSubstr("cell.split_gates: \"x\" is none of the gates"));
  EXPECT_THAT(refusal([](Json& json) { json["next_states"] = {0}; }), HasSubstr("gives 1 states"));
  EXPECT_THAT(refusal([](Json& json) {
                json["next_states"] = {0, 4000};
              }),
              HasSubstr("is no node"));
  EXPECT_THAT(refusal([](Json& json) {
                json["next_states"] = {0, 1, 2, 3, 4};
              }),
              HasSubstr("5 states; at most 4"));
  EXPECT_THAT(refusal([](Json& json) { json["step"] = std::vector<Json>(300, json["step"][0]); }),
              HasSubstr("300 operations; at most 256"));
}

TEST(CellJson, RefusesWhatIsNoOperation) {
  const auto with = [](const char* operation) {
    return refusal([&](Json& json) { json["step"][3] = Json::parse(operation); });
  };
  EXPECT_EQ(with("5"), "cell.step[3]: 5 must be a list that begins with an operation");
  EXPECT_THAT(with("[]"), HasSubstr("must be a list"));
  EXPECT_THAT(with(R"(["sinh", 0])"), HasSubstr("cell.step[3]: \"sinh\" is no operation"));
  EXPECT_THAT(with(R"(["input", 0])"), HasSubstr("is no operation"));
  EXPECT_THAT(with(R"(["add", 0])"), HasSubstr("has 1 operands; it must have 2"));
  EXPECT_THAT(with(R"(["gate"])"), HasSubstr("it must have 1"));
  EXPECT_THAT(with(R"(["gate", 3])"), HasSubstr("reads an input that the cell does not have"));
  EXPECT_THAT(with(R"(["gate", -1])"), HasSubstr("reads an input that the cell does not have"));
  EXPECT_THAT(with(R"(["add", 0, 3])"), HasSubstr("uses a node that is not before it"));
  for (const char* number : {"1e300", "70000", "18446744073709551615", "null", "\"1\""}) {
    EXPECT_THAT(with((std::string("[\"add\", 0, ") + number + "]").c_str()),
                AllOf(StartsWith("cell.step[3] is "), HasSubstr("it must be a whole number")));
  }
  EXPECT_THAT(with(R"(["constant", "nan"])"), HasSubstr("it must be a number"));
  EXPECT_THAT(with(R"(["constant", 1e300])"), HasSubstr("that float32 can hold"));
}

}  // namespace
}  // namespace riverrun::io
