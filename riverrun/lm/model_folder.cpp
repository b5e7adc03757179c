#include "riverrun/lm/model_folder.h"

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/core/folder.h"
#include "riverrun/io/fields_json.h"
#include "riverrun/io/parameters.h"
#include "riverrun/io/safetensors.h"
#include "riverrun/lm/parameter_shapes.h"
#include "riverrun/train/model_config.h"

namespace riverrun::lm {
namespace {

namespace fs = std::filesystem;

constexpr const char* kModelType = "riverrun_lm";
constexpr const char* kTokensKey = "tokens";

/// Far beyond what is written; a sparse file takes no disk, but all of it would be read.
constexpr std::uint64_t kMostTokenizerBytes = std::uint64_t{1} << 30;

LanguageModelOptions options_of(const ModelConfig& config) {
  if (const std::string type = config.string(kModelTypeKey); type != kModelType) {
    throw config.fail(fmt::format("model_type is \"{}\"; it must be \"{}\"", type, kModelType));
  }
  LanguageModelOptions options;
  for_each_field<LanguageModelOptions>([&](const auto& field) {
    if (!field.initial) config.read(field.name, options.*field.member);
  });
  try {
    check(options);
  } catch (const ConfigError& error) {
    throw config.fail(error.what());
  }
  return options;
}

File open_config(const Folder& folder) {
  if (!folder.contains(kConfigFile)) {
    throw IoError(folder.path().string(), ENOENT,
                  fmt::format("not a model folder: there is no {}", kConfigFile));
  }
  return folder.open(kConfigFile);
}

Folder open_model_folder(const fs::path& path) {
  try {
    return Folder(path);
  } catch (const IoError& error) {
    throw IoError(path.string(), error.code(),
                  fmt::format("not a model folder: there is no {}", kConfigFile));
  }
}

/// See kDigestKey.
std::string digest(const LanguageModelOptions& options, const text::Tokenizer& tokenizer) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  const auto add = [&hash](std::string_view text) {
    for (const char c : text) {
      hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    }
  };
  add(fmt::format("{} {} {} {} {} {}", options.cell, options.vocab_size, options.embedding_size,
                  options.hidden_size, options.num_layers, text::to_string(tokenizer.kind())));
  for (std::int64_t id = 0; id < tokenizer.size(); ++id) {
    const std::string_view token = tokenizer.token(static_cast<std::int32_t>(id));
    add(fmt::format(" {}:", token.size()));
    add(token);
  }
  return fmt::format("{:016x}", hash);
}

void check_size(const text::Tokenizer& tokenizer, const std::string& path, std::int64_t vocab_size,
                std::string_view said_by) {
  if (tokenizer.size() == vocab_size) return;
  throw FormatError(
      path, 0,
      fmt::format("{} tokens; {} says vocab_size = {}", tokenizer.size(), said_by, vocab_size));
}

/// Throws FormatError unless the digests in both files, as far as there are any, are `actual`.
void check_digests(const ModelConfig& config, const io::SafetensorsFile& weights,
                   const std::string& actual) {
  const std::optional<std::string> said = config.digest();
  const auto found = weights.metadata().find(kDigestKey);
  if (found == weights.metadata().end()) {
    if (!said) return;  // both are of an early version
    throw FormatError(weights.path(), 0,
                      fmt::format("its metadata lack the {} that {} has; the files of a model "
                                  "belong together",
                                  kDigestKey, kConfigFile));
  }
  if (found->second != actual) {
    throw FormatError(weights.path(), 0,
                      fmt::format("these weights were made with another {} or {} than those beside "
                                  "them; the files of a model belong together",
                                  kConfigFile, text::kTokenizerFile));
  }
  if (said && *said != actual) {
    throw config.fail(
        fmt::format("{} is \"{}\"; of this model it is \"{}\"", kDigestKey, *said, actual));
  }
}

}  // namespace

void save_config(const std::filesystem::path& folder, const LanguageModelOptions& options,
                 const text::Tokenizer& tokenizer) {
  nlohmann::ordered_json config = {{kModelTypeKey, kModelType},
                                   {"architectures", {"RiverrunLanguageModel"}}};
  for_each_field<LanguageModelOptions>([&](const auto& field) {
    if (!field.initial) config[field.name] = io::value_to_json(options.*field.member);
  });
  config[kTokensKey] = text::to_string(tokenizer.kind());
  config["torch_dtype"] = "float32";
  config[kDigestKey] = digest(options, tokenizer);
  replace_file(folder / kConfigFile, config.dump(2) + "\n");
  tokenizer.save(folder / text::kTokenizerFile);
}

LanguageModelOptions load_config(const std::filesystem::path& folder) {
  return options_of(ModelConfig(open_config(open_model_folder(folder))));
}

LoadedModel load_model(const Folder& folder) {
  // All are open before the larger two are read, which may take a while.
  const ModelConfig config(open_config(folder));
  const LanguageModelOptions options = options_of(config);
  const File tokenizer_file = folder.open(std::string(text::kTokenizerFile));
  if (!folder.contains(kWeightsFile) && folder.contains(kCheckpointFile)) {
    throw IoError((folder.path() / kWeightsFile).string(), ENOENT,
                  "the run in this folder is unfinished, or its model was removed; resuming it "
                  "makes one");
  }
  const io::SafetensorsFile weights(folder.open(kWeightsFile));

  text::Tokenizer tokenizer = text::Tokenizer::from_json(
      tokenizer_file.contents(kMostTokenizerBytes), tokenizer_file.path());
  check_size(tokenizer, tokenizer_file.path(), options.vocab_size, kConfigFile);
  if (const std::string_view kind = text::to_string(tokenizer.kind());
      config.has(kTokensKey) && config.string(kTokensKey) != kind) {
    throw config.fail(fmt::format("{} is \"{}\"; by {} it must be \"{}\"", kTokensKey,
                                  config.string(kTokensKey), text::kTokenizerFile, kind));
  }
  check_parameter_shapes(weights, options, kConfigFile);
  check_digests(config, weights, digest(options, tokenizer));
  LanguageModel model(options);
  io::load_parameters(weights, model.parameters());
  return {.saved = {std::move(model), std::move(tokenizer)},
          .measured = measure_of(weights),
          .digest = config.digest()};
}

void read_model_folder(const std::filesystem::path& folder,
                       const std::function<void(const Folder&)>& read) {
  // A run that overwrites a model removes the old folder's files, once the new one has its name.
  constexpr int kAttempts = 10;
  for (int attempt = 1;; ++attempt) {
    const Folder opened = open_model_folder(folder);
    try {
      return read(opened);
    } catch (const IoError&) {
      if (attempt == kAttempts || opened.has_its_name()) throw;
    }
  }
}

SavedModel load_model(const std::filesystem::path& folder) {
  std::optional<SavedModel> saved;
  read_model_folder(folder, [&](const Folder& opened) { saved = load_model(opened).saved; });
  return std::move(*saved);
}

text::Tokenizer load_tokenizer(const std::filesystem::path& folder,
                               const LanguageModelOptions& options) {
  const Folder opened(folder);
  const ModelConfig config(open_config(opened));
  const File file = opened.open(std::string(text::kTokenizerFile));
  text::Tokenizer tokenizer =
      text::Tokenizer::from_json(file.contents(kMostTokenizerBytes), file.path());
  check_size(tokenizer, file.path(), options.vocab_size, kCheckpointFile);
  if (const auto said = config.digest(); said && *said != digest(options, tokenizer)) {
    throw config.fail(
        fmt::format("it is of another model than {} and {} beside it; the files of a "
                    "run belong together",
                    kCheckpointFile, text::kTokenizerFile));
  }
  return tokenizer;
}

}  // namespace riverrun::lm
