#include "riverrun/lm/model_folder.h"

#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/io/parameters.h"
#include "riverrun/io/safetensors.h"

namespace riverrun::lm {
namespace {

using nlohmann::json;

constexpr const char* kModelType = "riverrun_lm";

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
      {"dropout", options.dropout},
      {"tokens", text::to_string(tokenizer.kind())},
      {"torch_dtype", "float32"},
  };
  replace_file(folder / kConfigFile, config.dump(2) + "\n");
  tokenizer.save(folder / text::kTokenizerFile);
}

void save_weights(const std::filesystem::path& folder, LanguageModel& model) {
  io::save_parameters(folder / kWeightsFile, model.parameters(), {{"format", "pt"}});
}

LanguageModelOptions load_config(const std::filesystem::path& folder) {
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
  const io::SafetensorsFile file(folder / kWeightsFile);
  check_sizes(options, file);
  LanguageModel model(options);
  io::load_parameters(file, model.parameters());
  return {std::move(model), std::move(tokenizer)};
}

}  // namespace riverrun::lm
