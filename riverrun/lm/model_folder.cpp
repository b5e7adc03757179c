#include "riverrun/lm/model_folder.h"

#include <cerrno>
#include <charconv>
#include <cmath>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/core/number.h"
#include "riverrun/io/parameters.h"
#include "riverrun/io/safetensors.h"
#include "riverrun/lm/run_folder.h"

namespace riverrun::lm {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kModelType = "riverrun_lm";
constexpr const char* kStepKey = "riverrun_step";
constexpr const char* kValidNatsKey = "riverrun_valid_nats";

/// Nothing unless all of it is a number; a whole one, if T is std::int64_t.
template <class T>
std::optional<T> parsed(const io::Metadata& metadata, const char* key) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) return std::nullopt;
  const std::string& text = found->second;
  if constexpr (std::is_same_v<T, double>) {
    return parse_double(text);
  } else {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
  }
}

/// Typed access to config.json; a value that is not there or of another type is a FormatError.
class Config {
 public:
  explicit Config(std::string path) : path_(std::move(path)) {
    const std::string contents = read_file(path_);
    try {
      values_ = json::parse(contents);
    } catch (const json::parse_error& error) {
      throw FormatError(path_, error.byte, "not JSON");
    }
    if (!values_.is_object()) throw fail("must be a JSON object");
  }

  std::int64_t integer(const char* name) const {
    const json& value = at(name);
    if (!value.is_number_integer() || value.is_number_float()) {
      throw fail(fmt::format("{} must be a whole number", name));
    }
    if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) {
      throw fail(fmt::format("{} is too large", name));
    }
    return value.get<std::int64_t>();
  }
  float number(const char* name) const {
    const json& value = at(name);
    if (!value.is_number()) throw fail(fmt::format("{} must be a number", name));
    return value.get<float>();
  }
  std::string string(const char* name) const {
    const json& value = at(name);
    if (!value.is_string()) throw fail(fmt::format("{} must be a string", name));
    return value.get<std::string>();
  }
  FormatError fail(const std::string& what) const { return FormatError(path_, 0, what); }

 private:
  const json& at(const char* name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) throw fail(fmt::format("{} is missing", name));
    return *found;
  }

  std::string path_;
  json values_;
};

/// Before a model of the sizes that config.json claims is allocated: the weights must be there.
void check_sizes(const LanguageModelOptions& options, const io::SafetensorsFile& file) {
  const auto expect = [&](const char* name, std::int64_t rows, std::int64_t columns) {
    const io::TensorView& tensor = file.at(name);
    if (tensor.shape != std::vector<std::int64_t>{rows, columns}) {
      throw file.error(tensor, fmt::format("{} is {}; by {} it must be [{}, {}]", name,
                                           tensor.shape_string(), kConfigFile, rows, columns));
    }
  };
  expect("embedding.weight", options.vocab_size, options.embedding_size);
  expect("decoder.weight", options.vocab_size, options.hidden_size);
  if (options.num_layers > static_cast<std::int64_t>(file.tensors().size())) {
    throw FormatError(file.path(), 0,
                      fmt::format("{} tensors; too few for num_layers = {} of {}",
                                  file.tensors().size(), options.num_layers, kConfigFile));
  }
}

}  // namespace

void save_config(const std::filesystem::path& folder, const LanguageModelOptions& options,
                 const text::Tokenizer& tokenizer) {
  const nlohmann::ordered_json config = {
      {"model_type", kModelType},
      {"architectures", {"RiverrunLanguageModel"}},
      {"cell", options.cell},
      {"vocab_size", options.vocab_size},
      {"embedding_size", options.embedding_size},
      {"hidden_size", options.hidden_size},
      {"num_layers", options.num_layers},
      {"dropout", shortest(options.dropout)},
      {"tokens", text::to_string(tokenizer.kind())},
      {"torch_dtype", "float32"},
  };
  replace_file(folder / kConfigFile, config.dump(2) + "\n");
  tokenizer.save(folder / text::kTokenizerFile);
}

void save_weights(const std::filesystem::path& folder, LanguageModel& model,
                  const std::optional<Measured>& measured) {
  io::Metadata metadata{{"format", "pt"}};
  if (measured) {
    metadata[kStepKey] = fmt::format("{}", measured->step);
    metadata[kValidNatsKey] = fmt::format("{}", measured->valid_nats);
  }
  io::save_parameters(folder / kWeightsFile, model.parameters(), metadata);
}

std::optional<Measured> saved_measure(const std::filesystem::path& folder) {
  const io::SafetensorsFile file(folder / kWeightsFile);
  const auto step = parsed<std::int64_t>(file.metadata(), kStepKey);
  const auto nats = parsed<double>(file.metadata(), kValidNatsKey);
  if (!step || !nats || *step < 0 || !std::isfinite(*nats) || *nats < 0) return std::nullopt;
  return Measured{*step, *nats};
}

LanguageModelOptions load_config(const std::filesystem::path& folder) {
  struct stat file {};
  if (::stat((folder / kConfigFile).c_str(), &file) != 0) {
    throw IoError(folder.string(), errno, fmt::format("no model folder with a {}", kConfigFile));
  }
  const Config config((folder / kConfigFile).string());
  if (const std::string type = config.string("model_type"); type != kModelType) {
    throw config.fail(fmt::format("model_type is \"{}\"; it must be \"{}\"", type, kModelType));
  }
  LanguageModelOptions options;
  options.cell = config.string("cell");
  options.vocab_size = config.integer("vocab_size");
  options.embedding_size = config.integer("embedding_size");
  options.hidden_size = config.integer("hidden_size");
  options.num_layers = config.integer("num_layers");
  options.dropout = config.number("dropout");
  try {
    check(options);
  } catch (const ConfigError& error) {
    throw config.fail(error.what());
  }
  return options;
}

bool has_own_config(const std::filesystem::path& folder) {
  try {
    return Config((folder / kConfigFile).string()).string("model_type") == kModelType;
  } catch (const Error&) {
    return false;
  }
}

SavedModel load_model(const std::filesystem::path& folder) {
  const LanguageModelOptions options = load_config(folder);
  text::Tokenizer tokenizer = text::Tokenizer::load(folder / text::kTokenizerFile);
  if (tokenizer.size() != options.vocab_size) {
    throw FormatError((folder / text::kTokenizerFile).string(), 0,
                      fmt::format("{} tokens; {} says vocab_size = {}", tokenizer.size(),
                                  kConfigFile, options.vocab_size));
  }
  std::error_code code;
  if (!fs::exists(folder / kWeightsFile, code) && fs::exists(folder / kCheckpointFile, code)) {
    throw IoError((folder / kWeightsFile).string(), ENOENT,
                  "the run in this folder is unfinished, or its model was removed; train --resume "
                  "makes one");
  }
  const io::SafetensorsFile file(folder / kWeightsFile);
  check_sizes(options, file);
  LanguageModel model(options);
  io::load_parameters(file, model.parameters());
  return {std::move(model), std::move(tokenizer)};
}

}  // namespace riverrun::lm
