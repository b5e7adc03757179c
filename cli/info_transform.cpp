#include "cli/info_transform.h"

#include <optional>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/models/signal_folder.h"
#include "riverrun/models/signal_objective.h"

#include "cli/info_run.h"
#include "cli/kind.h"

namespace riverrun::cli {

template <>
inline constexpr bool kHasChunks<models::SignalRun> = true;

namespace {

using Found = FoundRun<models::LoadedSignalModel, models::SignalRun>;

nlohmann::ordered_json to_json(const std::filesystem::path& folder, const Found& found) {
  return info_json(Kind::kTransform, folder, found, "sample", "loss");
}

std::string to_text(const std::filesystem::path& folder, const Found& found) {
  const models::SignalOptions& o = found.loaded.model.options();
  std::string text = fmt::format(
      "{}: a signal model\n"
      "  signal          {} a second, {}\n"
      "  cell            {}\n"
      "  layers          {} x {} units\n"
      "  errors          with a pre-emphasis of {}\n"
      "  naive answer    the dry signal times {:.4g}\n",
      folder.string(), counted(o.sample_rate, "sample"),
      o.residual ? "to which the network adds its output" : "replaced by the network's output",
      o.cell.name(), o.num_layers, o.hidden_size, o.pre_emphasis, o.gain);
  std::string stretches;
  if (found.checkpoint) {
    const models::SignalTraining& learning = found.checkpoint->run.learning;
    stretches =
        fmt::format("  stretches       about {}, learnt by {} at a time, after {} to lead in\n",
                    counted(learning.stretch, "sample"),
                    grouped(found.checkpoint->run.trainer.seq_len), grouped(learning.lead_in));
  }
  return text + run_text(found, "sample", "error to signal", stretches);
}

}  // namespace

ExitCode info_of_signal_model(const std::filesystem::path& folder, bool json) {
  return print_info<models::SignalRun>(
      folder, json, [](const Folder& opened) { return models::load_signal_model(opened); },
      models::saved_signal_run, to_json, to_text);
}

}  // namespace riverrun::cli
