#include "riverrun/models/classifier_run.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/number.h"
#include "riverrun/data/csv_columns.h"
#include "riverrun/models/classifier_folder.h"
#include "riverrun/models/run_description_json.h"

namespace riverrun::models {
namespace {

ConfigError wrong_weights(const std::string& how, const std::string& rule) {
  return ConfigError(fmt::format("ClassifierTraining: class_weights is \"{}\"; {}", how, rule));
}

bool names_classes(const std::string& how) { return how.find('=') != std::string::npos; }

std::vector<float> balanced_weights(const ClassifierOptions& model) {
  std::vector<float> weights(model.classes.size(), 1.0f);
  std::int64_t all = 0;
  for (const std::int64_t examples : model.examples) all += examples;
  const double share = static_cast<double>(all) / static_cast<double>(weights.size());
  for (std::size_t c = 0; c < weights.size(); ++c) {
    if (model.examples[c] > 0) {
      weights[c] = static_cast<float>(share / static_cast<double>(model.examples[c]));
    }
  }
  return weights;
}

/// "rare=5,common=1"; the names of classes are known, and so may have commas and equals signs.
std::vector<float> listed_weights(const ClassifierOptions& model, const std::string& how) {
  std::vector<std::optional<float>> given(model.classes.size());
  for (std::string_view rest = how; !rest.empty();) {
    std::optional<std::size_t> found;
    for (std::size_t c = 0; c < model.classes.size(); ++c) {
      const std::string& name = model.classes[c];
      if (rest.starts_with(name + "=") && (!found || name.size() > model.classes[*found].size())) {
        found = c;
      }
    }
    if (!found) {
      throw wrong_weights(
          how, fmt::format("\"{}\" must be one of the classes {}", rest.substr(0, rest.find('=')),
                           data::listed(model.classes)));
    }
    rest.remove_prefix(model.classes[*found].size() + 1);
    const std::string_view text = rest.substr(0, rest.find(','));
    const std::optional<double> weight = parse_double(text);
    if (!weight || !(*weight > 0) || !std::isfinite(static_cast<float>(*weight))) {
      throw wrong_weights(how, fmt::format("\"{}\" must be a number greater than 0", text));
    }
    if (given[*found]) {
      throw wrong_weights(
          how, fmt::format("the class \"{}\" must be there once", model.classes[*found]));
    }
    given[*found] = static_cast<float>(*weight);
    const bool goes_on = text.size() < rest.size();
    rest.remove_prefix(goes_on ? text.size() + 1 : text.size());
    if (goes_on && rest.empty()) throw wrong_weights(how, "there must be a class behind a comma");
  }
  std::vector<float> weights(given.size());
  std::ranges::transform(given, weights.begin(),
                         [](std::optional<float> weight) { return weight.value_or(1.0f); });
  return weights;
}

}  // namespace

void check(const ClassifierTraining& learning) {
  check_fields("ClassifierTraining", learning);
  const std::string& how = learning.class_weights;
  if (how == "none" || how == "balanced" || names_classes(how)) return;
  throw wrong_weights(how, "it must be none, balanced, or weights of classes such as rare=5");
}

std::vector<float> class_weights(const ClassifierOptions& model, const std::string& how) {
  if (how == "balanced") return balanced_weights(model);
  if (names_classes(how)) return listed_weights(model, how);
  return std::vector<float>(model.classes.size(), 1.0f);
}

ClassifierRun text_classifier_run() {
  ClassifierRun run;
  run.model.conv_channels = 0;
  run.model.dropout = 0.5f;
  return run;
}

TrainerOptions classifier_trainer_options() {
  TrainerOptions options;
  options.lr = 2e-3;
  options.weight_decay = 0.01;
  options.warmup = 50;
  return options;
}

ClassifierRun suggested_run(const data::LabelledSequences& data,
                            std::span<const std::int64_t> learnt, ClassifierRun run) {
  describe(data, learnt, run.model);
  std::int64_t longest = 1;
  for (const std::int64_t index : learnt) {
    longest = std::max(longest, data.sequences[static_cast<std::size_t>(index)].seq_len);
  }
  if (run.model.conv_channels == 0) {
    run.model.conv_kernel_size = 1;
    run.model.conv_stride = 1;
  } else {
    // Some 32 steps are enough to tell short sequences apart; a kernel covers those between.
    constexpr std::int64_t kSteps = 32;
    constexpr std::int64_t kLargestStride = 8;
    const std::int64_t most =
        std::min(kLargestStride, std::max<std::int64_t>(run.model.conv_kernel_size, 1));
    run.model.conv_stride = std::clamp<std::int64_t>((longest + kSteps / 2) / kSteps, 1, most);
  }
  // Few sequences are learnt often, in small batches; many, at least some times. Texts, of which
  // words tell more at once and are learnt by heart, less often.
  const std::int64_t least_updates = data.are_texts() ? 600 : 1000;
  const std::int64_t least_epochs = data.are_texts() ? 4 : 20;
  const auto count = static_cast<std::int64_t>(learnt.size());
  std::int64_t& batch_size = run.trainer.batch_size;
  if (batch_size == 0) batch_size = count < 2000 ? 16 : count < 20000 ? 32 : 64;
  const std::int64_t updates = std::max<std::int64_t>(count - 1, 0) / batch_size + 1;
  run.trainer.epochs = std::max(least_epochs, (least_updates - 1) / updates + 1);
  // An LSTM keeps some eight numbers a unit and step: beyond half a gigabyte of them, recompute.
  constexpr double kMostUnitSteps = 1 << 24;
  const double unit_steps =
      static_cast<double>(longest) / static_cast<double>(run.model.conv_stride) *
      static_cast<double>(std::min(batch_size, count)) *
      static_cast<double>(run.model.hidden_size) * static_cast<double>(run.model.num_layers) *
      (run.model.bidirectional ? 2 : 1);
  if (unit_steps > kMostUnitSteps) run.model.recompute_steps = kRecomputeAuto;
  return run;
}

SavedRun<ClassifierRun> saved_classifier_run(const Folder& folder) {
  check_classifier_config(folder);
  return read_saved_run<ClassifierRun>(folder);
}

template std::string to_json(const RunDescription<ClassifierRun>&);
template RunDescription<ClassifierRun> parse_description(const std::string&, const std::string&);

}  // namespace riverrun::models
