#include "riverrun/cell/explain.h"

#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "riverrun/nn/cells.h"

#include "cli/command.h"
#include "cli/options.h"

namespace riverrun::cli {
namespace {

constexpr const char* kExample = R"(
Example: the equations of an LSTM, its derived backward, and what a step costs
  riverrun explain lstm --hidden-size 512)";

struct ExplainFlags {
  std::string cell;
  std::int64_t input_size = 256;
  std::int64_t hidden_size = 256;
  bool json = false;
};

ExitCode run(const ExplainFlags& flags) {
  const CellDescriptor& cell = find_cell(flags.cell);
  if (!flags.json) {
    print(explain(cell, flags.input_size, flags.hidden_size));
    return kOk;
  }
  const CellExplanation parts = explain_parts(cell);
  const CellCost cost = cell_cost(cell, flags.input_size, flags.hidden_size);
  print_json({{"cell", cell.name},
              {"states", cell.states},
              {"params", cell.params},
              {"gates", parts.gates},
              {"equations", parts.equations},
              {"gradients", parts.gradients},
              {"forward", parts.forward},
              {"backward", parts.backward},
              {"saved", parts.saved},
              {"recomputed", parts.recomputed},
              {"input_size", flags.input_size},
              {"hidden_size", flags.hidden_size},
              {"cost",
               {{"parameters", cost.parameters},
                {"forward_products", cost.forward_products},
                {"backward_products", cost.backward_products},
                {"forward_operations", cost.forward_operations},
                {"forward_functions", cost.forward_functions},
                {"backward_operations", cost.backward_operations},
                {"backward_functions", cost.backward_functions},
                {"saved_bytes", cost.saved_bytes},
                {"state_bytes", cost.state_bytes}}}});
  return kOk;
}

}  // namespace

void add_explain(CLI::App& program, Verb& chosen) {
  CLI::App* app = program.add_subcommand("explain", "Print a cell's equations, programs and cost");
  auto flags = std::make_shared<ExplainFlags>();
  app->footer(kExample);
  app->add_option("CELL", flags->cell, known_cells())->required();
  // The largest layer that a cost is still a 64-bit number for.
  const CLI::Validator size = whole_number(1, 1 << 28);
  app->add_option("--input-size", flags->input_size, "Of the layer whose cost is given")
      ->capture_default_str()
      ->check(size);
  app->add_option("--hidden-size", flags->hidden_size, "Of the layer whose cost is given")
      ->capture_default_str()
      ->check(size);
  app->add_flag("--json", flags->json, "Print the answer as one JSON object");
  app->callback([&chosen, flags] { chosen = [flags] { return run(*flags); }; });
}

}  // namespace riverrun::cli
