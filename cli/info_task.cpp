#include "cli/info_task.h"

#include <optional>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/io/fields_json.h"
#include "riverrun/tasks/task_folder.h"
#include "riverrun/train/checkpoint.h"

#include "cli/kind.h"
#include "cli/parameters_report.h"

namespace riverrun::cli {
namespace {

/// Why the checkpoint cannot be gone on from; empty if it can.
std::string checkpoint_problem(const Folder& folder) {
  try {
    const io::SafetensorsFile file(folder.open(kCheckpointFile));
    check_digest(checkpoint_header(file), config_digest(folder), file.path());
    check_checkpoint_numbers(file);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace

ExitCode info_of_task_network(const std::filesystem::path& folder, bool json) {
  using Json = nlohmann::ordered_json;
  std::optional<tasks::LoadedTaskNetwork> found;
  bool has_checkpoint = false;
  std::string problem;  // of the checkpoint
  read_model_folder(folder, [&](const Folder& opened) {
    found = tasks::load_task_network(opened);
    has_checkpoint = opened.contains(kCheckpointFile);
    if (has_checkpoint) problem = checkpoint_problem(opened);
  });
  const bool resumable = has_checkpoint && problem.empty();
  const auto& [config, network, measured] = *found;
  const ConstParameterList parameters = network.parameters();
  const std::int64_t count = parameter_count(parameters);
  const std::string damaged = damage(parameters);
  if (json) {
    Json object = {{"kind", name(Kind::kTask)}, {"model", folder.string()}};
    object.update(io::fields_to_json(config));
    object["parameters"] = count;
    object["bytes"] = count * 4;
    object["step"] = measured ? Json(measured->step) : Json();
    object["valid_loss"] = measured ? Json(measured->valid.loss) : Json();
    object["weights_problem"] = damaged.empty() ? Json() : Json(damaged);
    object["resumable"] = resumable;
    object["checkpoint_problem"] = problem.empty() ? Json() : Json(problem);
    object["tensors"] = tensors_json(parameters);
    print_json(object);
    return kOk;
  }
  const SequenceModelOptions& o = config.network;
  std::string text = fmt::format(
      "{}: {}\n"
      "  task            {}{}, seed {}\n"
      "  cell            {}{}\n"
      "  layers          {} x {} units, dropout {}\n"
      "  parameters      {} ({})\n",
      folder.string(), noun(Kind::kTask), config.task,
      config.length > 0 ? fmt::format(", length {}", config.length) : "", config.seed,
      o.cell.name(), o.bidirectional ? ", in both directions" : "", o.num_layers, o.hidden_size,
      o.dropout, grouped(count), byte_size(count * 4));
  if (!damaged.empty()) text += fmt::format("  damaged         {}\n", damaged);
  if (measured) {
    text += fmt::format("  validation      loss {:.6g}, after {}\n", measured->valid.loss,
                        counted(measured->step, "step"));
  }
  text += fmt::format("  training state  {}\n\n", resumable ? "there: task --resume goes on from it"
                                                  : problem.empty() ? "none"
                                                                    : "damaged: " + problem);
  print(text + tensor_table(parameters));
  return kOk;
}

}  // namespace riverrun::cli
