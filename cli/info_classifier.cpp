#include "cli/info_classifier.h"

#include <optional>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "riverrun/models/classifier_folder.h"
#include "riverrun/models/classifier_objective.h"

#include "cli/info_run.h"
#include "cli/kind.h"

namespace riverrun::cli {
namespace {

using Found = FoundRun<models::LoadedClassifier, models::ClassifierRun>;

nlohmann::ordered_json to_json(const std::filesystem::path& folder, const Found& found) {
  return info_json(Kind::kClassify, folder, found, "sequence", "nats_per_sequence");
}

std::string to_text(const std::filesystem::path& folder, const Found& found) {
  const models::ClassifierOptions& o = found.loaded.model.options();
  std::string text = fmt::format(
      "{}: a classifier\n"
      "  classes         {}: {}\n"
      "  reads           {}; missing values: {}\n",
      folder.string(), o.classes.size(), fmt::join(o.classes, ", "), counted(o.channels, "channel"),
      kMissingNames[static_cast<std::size_t>(o.missing)]);
  if (o.conv_channels > 0) {
    text += fmt::format("  convolution     {} of {} each {}\n", counted(o.conv_channels, "feature"),
                        counted(o.conv_kernel_size, "step"), counted(o.conv_stride, "step"));
  }
  text += fmt::format(
      "  cell            {}{}\n"
      "  layers          {} x {} units, dropout {}, readout {}\n",
      o.cell.name(), o.bidirectional ? ", in both directions" : "", o.num_layers, o.hidden_size, o.dropout,
      kReadouts[static_cast<std::size_t>(o.readout)]);
  std::string augmentation;
  if (found.checkpoint) {
    const models::ClassifierTraining& learning = found.checkpoint->run.learning;
    augmentation =
        fmt::format("  augmentation    shift {}, scaling {}, jitter {}; class weights {}\n",
                    learning.shift, learning.scaling, learning.jitter, learning.class_weights);
  }
  return text + run_text(found, "sequence", "nats per sequence", augmentation);
}

}  // namespace

ExitCode info_of_classifier(const std::filesystem::path& folder, bool json) {
  return print_info<models::ClassifierRun>(
      folder, json, [](const Folder& opened) { return models::load_classifier(opened); },
      models::saved_classifier_run, to_json, to_text);
}

}  // namespace riverrun::cli
