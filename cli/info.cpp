#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/number.h"
#include "riverrun/lm/model_folder.h"
#include "riverrun/lm/run_folder.h"

#include "cli/command.h"

namespace riverrun::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExample = R"(
Example: what is in a model folder?
  riverrun info model)";

ExitCode run(const fs::path& folder, bool json) {
  lm::SavedModel saved = lm::load_model(folder);
  const lm::LanguageModelOptions& o = saved.model.options();
  const std::int64_t count = saved.model.parameter_count();
  const bool resumable = fs::exists(folder / lm::kCheckpointFile);
  const ParameterList parameters = saved.model.parameters();

  if (json) {
    nlohmann::ordered_json table = nlohmann::ordered_json::array();
    for (const NamedParameter& named : parameters) {
      nlohmann::ordered_json shape = nlohmann::ordered_json::array();
      const Shape& extents = named.parameter->value().shape();
      for (int i = 0; i < extents.rank(); ++i) shape.push_back(extents[i]);
      table.push_back({{"name", named.name},
                       {"shape", shape},
                       {"elements", named.parameter->value().elements()}});
    }
    print_json({{"model", folder.string()},
                {"cell", o.cell},
                {"vocab_size", o.vocab_size},
                {"embedding_size", o.embedding_size},
                {"hidden_size", o.hidden_size},
                {"num_layers", o.num_layers},
                {"dropout", shortest(o.dropout)},
                {"tokens", text::to_string(saved.tokenizer.kind())},
                {"parameters", count},
                {"bytes", count * 4},
                {"resumable", resumable},
                {"tensors", table}});
    return kOk;
  }

  std::string text = fmt::format(
      "{}\n"
      "  cell            {}\n"
      "  layers          {} x {} units, dropout {}\n"
      "  tokens          {} different, by {}, {} numbers each\n"
      "  parameters      {} ({})\n"
      "  training state  {}\n\n",
      folder.string(), o.cell, o.num_layers, o.hidden_size, o.dropout, grouped(o.vocab_size),
      text::to_string(saved.tokenizer.kind()), o.embedding_size, grouped(count),
      byte_size(count * 4), resumable ? "there: train --resume goes on from it" : "none");
  std::size_t name_width = 0;
  for (const NamedParameter& named : parameters) {
    name_width = std::max(name_width, named.name.size());
  }
  for (const NamedParameter& named : parameters) {
    const Tensor& value = named.parameter->value();
    text += fmt::format("  {:<{}}  {:<14} {:>12}\n", named.name, name_width,
                        value.shape().to_string(), grouped(value.elements()));
  }
  print(text);
  return kOk;
}

}  // namespace

void add_info(CLI::App& program, Verb& chosen) {
  CLI::App* app = program.add_subcommand("info", "Say what is in a model folder");
  struct Flags {
    fs::path model;
    bool json = false;
  };
  auto flags = std::make_shared<Flags>();
  app->footer(kExample);
  app->add_option("MODEL", flags->model, "Folder of a trained model")->required();
  app->add_flag("--json", flags->json, "Print the answer as one JSON object");
  app->callback([&chosen, flags] { chosen = [flags] { return run(flags->model, flags->json); }; });
}

}  // namespace riverrun::cli
