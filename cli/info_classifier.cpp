#include "cli/info_classifier.h"

#include <optional>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "riverrun/models/classifier_folder.h"
#include "riverrun/models/classifier_objective.h"

#include "cli/classification_report.h"
#include "cli/info_run.h"
#include "cli/kind.h"

namespace riverrun::cli {
namespace {

using Found = FoundRun<models::LoadedClassifier, models::ClassifierRun>;

nlohmann::ordered_json as_json(const std::filesystem::path& folder, const Found& found) {
  const char* const example = nouns_of(found.loaded.model).example;
  return info_json(Kind::kClassify, folder, found, example,
                   fmt::format("nats_per_{}", example).c_str());
}

std::string as_text(const std::filesystem::path& folder, const Found& found) {
  const models::ClassifierOptions& o = found.loaded.model.options();
  const char* const example = nouns_of(found.loaded.model).example;
  std::string text = fmt::format(
      "{}: a classifier\n"
      "  classes         {}: {}\n"
      "  reads           {}\n",
      folder.string(), o.classes.size(), fmt::join(o.classes, ", "),
      o.reads_texts() ? fmt::format("texts, the first {} of each; {}, a vector of {} for each",
                                    counted(o.text.max_tokens, "token"),
                                    counted(o.text.num_embeddings, o.text.tokens == "char"
                                                                       ? "known character"
                                                                       : "known " + o.text.tokens),
                                    counted(o.text.embedding_size, "number"))
                      : fmt::format("{}; missing values: {}", counted(o.channels, "channel"),
                                    kMissingNames[static_cast<std::size_t>(o.missing)]));
  if (o.conv_channels > 0) {
    text += fmt::format("  convolution     {} of {} each {}\n", counted(o.conv_channels, "feature"),
                        counted(o.conv_kernel_size, "step"), counted(o.conv_stride, "step"));
  }
  text += fmt::format(
      "  cell            {}{}\n"
      "  layers          {} x {} units, dropout {}, readout {}\n",
      o.cell.name(), o.bidirectional ? ", in both directions" : "", o.num_layers, o.hidden_size,
      o.dropout, kReadouts[static_cast<std::size_t>(o.readout)]);
  std::string augmentation;
  if (found.checkpoint) {
    const models::ClassifierTraining& learning = found.checkpoint->run.learning;
    augmentation =
        fmt::format("  augmentation    {}; class weights {}\n",
                    o.reads_texts() ? fmt::format("token dropout {}", learning.token_dropout)
                                    : fmt::format("shift {}, scaling {}, jitter {}", learning.shift,
                                                  learning.scaling, learning.jitter),
                    learning.class_weights);
  }
  return text + run_text(found, example, fmt::format("nats per {}", example).c_str(), augmentation);
}

}  // namespace

ExitCode info_of_classifier(const std::filesystem::path& folder, bool json) {
  return print_info<models::ClassifierRun>(
      folder, json, [](const Folder& opened) { return models::load_classifier(opened); },
      models::saved_classifier_run, as_json, as_text);
}

}  // namespace riverrun::cli
