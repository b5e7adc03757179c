#pragma once

// What `info` says of any model of sequences and of its run.

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/folder.h"
#include "riverrun/core/number.h"
#include "riverrun/io/fields_json.h"
#include "riverrun/models/epoch_order.h"
#include "riverrun/models/saved_run.h"
#include "riverrun/train/model_files.h"

#include "cli/command.h"
#include "cli/kind.h"
#include "cli/parameters_report.h"
#include "cli/run_report.h"

namespace riverrun::cli {

/// All that a folder holds: a LoadedClassifier and a ClassifierRun, say.
template <class Loaded, class Run>
struct FoundRun {
  Loaded loaded;
  std::optional<models::SavedRun<Run>> checkpoint = {};
  std::string problem = {};  // why there is no checkpoint that can be gone on from
};

/// Whether a run learns in chunks of seq_len steps: of one long sequence.
template <class Run>
inline constexpr bool kHasChunks = false;

/// `read_saved` reads the checkpoint's SavedRun.
template <class Run, class Loaded, class ReadSaved>
FoundRun<Loaded, Run> find_run(const Folder& folder, Loaded&& loaded, ReadSaved read_saved) {
  FoundRun<Loaded, Run> found{.loaded = std::forward<Loaded>(loaded)};
  if (!folder.contains(kCheckpointFile)) return found;
  try {
    found.checkpoint = read_saved(folder);
  } catch (const Error& error) {
    found.problem = error.what();
  }
  return found;
}

/// The members about the weights, what was measured and the run. `example`: "sequence", what is
/// counted; `loss`: "nats_per_word".
template <class Loaded, class Run>
nlohmann::ordered_json run_json(const FoundRun<Loaded, Run>& found, const char* example,
                                const char* loss) {
  using Json = nlohmann::ordered_json;
  const ConstParameterList parameters = found.loaded.model.parameters();
  const std::optional<Measured>& measured = found.loaded.measured;
  const bool validated = measured && !models::is_of_learnt(measured->valid);
  const std::string damaged = damage(parameters);
  const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  const std::string train_loss = fmt::format("train_{}", loss);
  const std::string valid_loss = fmt::format("valid_{}", loss);
  Json training;
  if (const auto& saved = found.checkpoint) {
    training = {{"steps", saved->step},
                {fmt::format("train_{}s", example), saved->train_examples},
                {fmt::format("valid_{}s", example), saved->valid_examples}};
    training.update(io::fields_to_json(saved->run.learning));
    training.update(io::fields_to_json(saved->run.trainer));
    if (!kHasChunks<Run>) training.erase("seq_len");
    if (saved->best) {
      training["best"] = {
          {"step", saved->best->step},
          {"epoch", saved->best->epoch},
          {train_loss, saved->best->train_loss},
          {valid_loss, saved->valid_examples > 0 ? Json(saved->best->valid.loss) : Json()}};
    }
  }
  return {{"parameters", parameter_count(parameters)},
          {"bytes", parameter_count(parameters) * 4},
          {"step", measured ? Json(measured->step) : Json()},
          {valid_loss, validated ? Json(measured->valid.loss) : Json()},
          {"weights_problem", or_null(damaged)},
          {"resumable", found.checkpoint.has_value()},
          {"checkpoint_problem", or_null(found.problem)},
          {"training", std::move(training)},
          {"tensors", tensors_json(parameters)}};
}

/// The same for people, a name and a value a line, and the table of tensors. `learning` says what
/// is special to the kind, as such a line or none.
template <class Loaded, class Run>
std::string run_text(const FoundRun<Loaded, Run>& found, const char* example, const char* unit,
                     const std::string& learning) {
  const ConstParameterList parameters = found.loaded.model.parameters();
  const std::int64_t count = parameter_count(parameters);
  std::string text =
      fmt::format("  parameters      {} ({})\n", grouped(count), byte_size(count * 4));
  if (const std::string damaged = damage(parameters); !damaged.empty()) {
    text += fmt::format("  damaged         {}; all verbs but info end with status {}\n", damaged,
                        static_cast<int>(kNumericError));
  }
  if (const auto& measured = found.loaded.measured) {
    text += fmt::format("  {}      {} {}, after {}\n",
                        models::is_of_learnt(measured->valid) ? "training  " : "validation",
                        loss_text(measured->valid.loss), unit, counted(measured->step, "step"));
  }
  if (const auto& saved = found.checkpoint) {
    const TrainerOptions& trainer = saved->run.trainer;
    text += fmt::format(
        "  data            {} to learn from, {} to validate on\n"
        "  run             {} so far, of {} in batches of {}\n"
        "  optimiser       {}\n"
        "{}"
        "  seed            {}\n",
        counted(saved->train_examples, example), grouped(saved->valid_examples),
        counted(saved->step, "step"), counted(trainer.epochs, "epoch"), trainer.batch_size,
        described(trainer), learning, saved->run.model.seed);
  }
  text += fmt::format("  training state  {}\n\n",
                      found.checkpoint        ? "there: train --resume goes on from it"
                      : found.problem.empty() ? "none, so how it was trained is not known"
                                              : "damaged: " + found.problem);
  return text + tensor_table(parameters);
}

/// What a folder says of its model, as JSON or as text.
template <class Run, class Load, class ReadSaved, class ToJson, class ToText>
ExitCode print_info(const std::filesystem::path& folder, bool json, Load load, ReadSaved read_saved,
                    ToJson to_json, ToText to_text) {
  using Found = decltype(find_run<Run>(std::declval<const Folder&>(),
                                       load(std::declval<const Folder&>()), read_saved));
  std::optional<Found> found;
  read_model_folder(folder, [&](const Folder& opened) {
    found = find_run<Run>(opened, load(opened), read_saved);
  });
  if (json) {
    print_json(to_json(folder, *found));
  } else {
    print(to_text(folder, *found));
  }
  return kOk;
}

/// What every kind's object has: its name, the folder and its options, then run_json().
template <class Loaded, class Run>
nlohmann::ordered_json info_json(Kind kind, const std::filesystem::path& folder,
                                 const FoundRun<Loaded, Run>& found, const char* example,
                                 const char* loss) {
  nlohmann::ordered_json json = {{"kind", name(kind)}, {"model", folder.string()}};
  json.update(io::fields_to_json(found.loaded.model.options()));
  json.erase("seed");  // which a model's folder does not know
  json.update(run_json(found, example, loss));
  return json;
}

}  // namespace riverrun::cli
