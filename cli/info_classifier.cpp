#include "cli/info_classifier.h"

#include <optional>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/number.h"
#include "riverrun/io/fields_json.h"
#include "riverrun/models/classifier_folder.h"
#include "riverrun/models/classifier_objective.h"

#include "cli/kind.h"
#include "cli/parameters_report.h"
#include "cli/run_report.h"

namespace riverrun::cli {
namespace {

using Json = nlohmann::ordered_json;
using models::SavedClassifierRun;

/// All that a folder holds.
struct Found {
  models::LoadedClassifier loaded;
  std::optional<SavedClassifierRun> checkpoint;
  std::string checkpoint_problem;  // why there is none that can be gone on from
};

Found read(const Folder& folder) {
  Found found{
      .loaded = models::load_classifier(folder), .checkpoint = {}, .checkpoint_problem = {}};
  if (!folder.contains(kCheckpointFile)) return found;
  try {
    found.checkpoint = models::checkpoint_run(folder);
  } catch (const Error& error) {
    found.checkpoint_problem = error.what();
  }
  return found;
}

Json training_json(const SavedClassifierRun& saved) {
  Json json = {{"steps", saved.step},
               {"train_sequences", saved.train_sequences},
               {"valid_sequences", saved.valid_sequences}};
  json.update(io::fields_to_json(saved.run.learning));
  json.update(io::fields_to_json(saved.run.trainer));
  json.erase("seq_len");  // of language models
  if (saved.best) {
    json["best"] = {{"step", saved.best->step},
                    {"epoch", saved.best->epoch},
                    {"train_nats_per_sequence", saved.best->train_loss},
                    {"valid_nats_per_sequence",
                     saved.valid_sequences > 0 ? Json(saved.best->valid.loss) : Json()}};
  }
  return json;
}

Json to_json(const std::filesystem::path& folder, const Found& found) {
  const models::Classifier& model = found.loaded.model;
  const ConstParameterList parameters = model.parameters();
  const std::string damaged = damage(parameters);
  const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  Json json = {{"kind", name(Kind::kClassify)}, {"model", folder.string()}};
  json.update(io::fields_to_json(model.options()));
  json.erase("seed");  // which a model's folder does not know
  json["parameters"] = parameter_count(parameters);
  json["bytes"] = parameter_count(parameters) * 4;
  json["step"] = found.loaded.measured ? Json(found.loaded.measured->step) : Json();
  // With a score, it was measured on what was learnt.
  const bool validated = found.loaded.measured && !found.loaded.measured->valid.score;
  json["valid_nats_per_sequence"] = validated ? Json(found.loaded.measured->valid.loss) : Json();
  json["weights_problem"] = or_null(damaged);
  json["resumable"] = found.checkpoint.has_value();
  json["checkpoint_problem"] = or_null(found.checkpoint_problem);
  json["training"] = found.checkpoint ? training_json(*found.checkpoint) : Json();
  json["tensors"] = tensors_json(parameters);
  return json;
}

/// How it was trained, a name and a value a line.
std::string described(const SavedClassifierRun& saved) {
  const models::ClassifierTraining& learning = saved.run.learning;
  return fmt::format(
      "  data            {} to learn from, {} to validate on\n"
      "  run             {} so far, of {} in batches of {}\n"
      "  optimiser       {}\n"
      "  augmentation    shift {}, scaling {}, jitter {}; class weights {}\n"
      "  seed            {}\n",
      counted(saved.train_sequences, "sequence"), grouped(saved.valid_sequences),
      counted(saved.step, "step"), counted(saved.run.trainer.epochs, "epoch"),
      saved.run.trainer.batch_size, cli::described(saved.run.trainer), learning.shift,
      learning.scaling, learning.jitter, learning.class_weights, saved.run.model.seed);
}

std::string to_text(const std::filesystem::path& folder, const Found& found) {
  const models::Classifier& model = found.loaded.model;
  const models::ClassifierOptions& o = model.options();
  const std::int64_t count = parameter_count(model.parameters());
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
      "  layers          {} x {} units, dropout {}, readout {}\n"
      "  parameters      {} ({})\n",
      o.cell, o.bidirectional ? ", in both directions" : "", o.num_layers, o.hidden_size, o.dropout,
      kReadouts[static_cast<std::size_t>(o.readout)], grouped(count), byte_size(count * 4));
  if (const std::string damaged = damage(model.parameters()); !damaged.empty()) {
    text += fmt::format("  damaged         {}; all verbs but info end with status {}\n", damaged,
                        static_cast<int>(kNumericError));
  }
  if (const auto& measured = found.loaded.measured) {
    text += fmt::format("  {}      {:.4f} nats per sequence, after {}\n",
                        measured->valid.score ? "training  " : "validation", measured->valid.loss,
                        counted(measured->step, "step"));
  }
  if (found.checkpoint) text += described(*found.checkpoint);
  text += fmt::format("  training state  {}\n\n", found.checkpoint
                                                      ? "there: train --resume goes on from it"
                                                  : found.checkpoint_problem.empty()
                                                      ? "none, so how it was trained is not known"
                                                      : "damaged: " + found.checkpoint_problem);
  return text + tensor_table(model.parameters());
}

}  // namespace

ExitCode info_of_classifier(const std::filesystem::path& folder, bool json) {
  std::optional<Found> found;
  read_model_folder(folder, [&](const Folder& opened) { found = read(opened); });
  if (json) {
    print_json(to_json(folder, *found));
  } else {
    print(to_text(folder, *found));
  }
  return kOk;
}

}  // namespace riverrun::cli
