#include "riverrun/lm/saved_training.h"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/io/fields_json.h"
#include "riverrun/io/parameters.h"

namespace riverrun {

template <>
inline constexpr auto kFields<lm::Fingerprint> = std::tuple{
    Field{"tokens", &lm::Fingerprint::tokens, at_least(0)}, Field{"hash", &lm::Fingerprint::hash}};

template <>
inline constexpr auto kFields<lm::RunDescription> = [] {
  using R = lm::RunDescription;
  return std::tuple{Field{"model", &R::model}, Field{"text", &R::text}, Field{"from", &R::from},
                    Field{"train_text", &R::train_text}, Field{"valid_text", &R::valid_text}};
}();

}  // namespace riverrun

namespace riverrun::lm {

using Json = nlohmann::ordered_json;

std::string to_json(const RunDescription& run) {
  // A folder's name need not be UTF-8, which JSON is.
  return io::fields_to_json(run).dump(-1, ' ', false, Json::error_handler_t::replace);
}

RunDescription parse_run_description(const std::string& json, const std::string& path) {
  Json object = Json::parse(json);  // which a checkpoint's reader made
  if (object.is_object() && !object.contains("from")) object["from"] = "";  // not in older ones
  try {
    RunDescription run;
    io::read_value(object, "objective", run);
    check(run.model);
    check_fields("text", run);
    return run;
  } catch (const ConfigError& error) {
    throw FormatError(path, 0, fmt::format("not a valid checkpoint: {}", error.what()));
  }
}

RunOptions checkpoint_options(const std::filesystem::path& folder) {
  return read_training(io::SafetensorsFile(folder / kCheckpointFile)).options;
}

SavedTraining read_training(const io::SafetensorsFile& file) {
  CheckpointHeader header = checkpoint_header(file);
  RunDescription run = parse_run_description(header.objective, file.path());
  io::check_shapes(file, parameter_shapes(sequence_options(run.model)), "its metadata");
  return {.options = {.model = std::move(run.model),
                      .trainer = std::move(header.options),
                      .text = run.text,
                      .from = std::move(run.from)},
          .texts = {.train = run.train_text, .valid = run.valid_text},
          .state = std::move(header.state)};
}

}  // namespace riverrun::lm
