#include "cli/kind.h"

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/lm/model_folder.h"
#include "riverrun/models/classifier_folder.h"
#include "riverrun/models/forecaster_folder.h"
#include "riverrun/models/signal_folder.h"
#include "riverrun/models/tagger_folder.h"
#include "riverrun/tasks/task_folder.h"

namespace riverrun::cli {
namespace {

struct KindEntry {
  Kind kind;
  const char* name;
  const char* noun;
  const char* model_type;
};
constexpr KindEntry kKinds[] = {
    {Kind::kLanguage, "language", "a language model", lm::kModelType},
    {Kind::kClassify, "classify", "a classifier", models::kClassifierType},
    {Kind::kTag, "tag", "a tagger", models::kTaggerType},
    {Kind::kForecast, "forecast", "a forecaster", models::kForecasterType},
    {Kind::kTransform, "transform", "a signal model", models::kSignalType},
    {Kind::kTask, "task", "a network of `riverrun task`", tasks::kTaskType},
};

const KindEntry& entry(Kind kind) { return kKinds[static_cast<int>(kind)]; }

}  // namespace

const char* name(Kind kind) { return entry(kind).name; }
const char* noun(Kind kind) { return entry(kind).noun; }

Kind parse_kind(const std::string& text) {
  for (const KindEntry& entry : kKinds) {
    if (text == entry.name) return entry.kind;
  }
  throw ConfigError(fmt::format(
      "train: --kind is \"{}\"; it must be language, classify, tag, forecast or transform", text));
}

Kind kind_of(const std::filesystem::path& folder) {
  const std::string type = model_type(folder);
  for (const KindEntry& entry : kKinds) {
    if (type == entry.model_type) return entry.kind;
  }
  throw FormatError(
      (folder / kConfigFile).string(), 0,
      fmt::format("{} is \"{}\"; the program knows {}, {}, {}, {}, {} and {}", kModelTypeKey, type,
                  lm::kModelType, models::kClassifierType, models::kTaggerType,
                  models::kForecasterType, models::kSignalType, tasks::kTaskType));
}

void require_kind(Kind kind, const std::filesystem::path& folder, const char* verb) {
  const Kind found = kind_of(folder);
  if (found == kind) return;
  throw ConfigError(
      fmt::format("{}: {} is {}; it must be {}", verb, folder.string(), noun(found), noun(kind)));
}

}  // namespace riverrun::cli
