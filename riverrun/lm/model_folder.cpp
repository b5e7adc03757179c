#include "riverrun/lm/model_folder.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/core/folder.h"
#include "riverrun/io/parameters.h"
#include "riverrun/io/safetensors.h"
#include "riverrun/train/model_config.h"

namespace riverrun::lm {
namespace {

constexpr const char* kTokensKey = "tokens";

/// Far beyond what is written; a sparse file takes no disk, but all of it would be read.
constexpr std::uint64_t kMostTokenizerBytes = std::uint64_t{1} << 30;

LanguageModelOptions options_of(const ModelConfig& config) {
  config.require_type(kModelType);
  LanguageModelOptions options = config.read_options<LanguageModelOptions>();
  try {
    check(options);
  } catch (const ConfigError& error) {
    throw config.fail(error.what());
  }
  return options;
}

/// See kDigestKey.
std::string digest(const LanguageModelOptions& options, const text::Tokenizer& tokenizer) {
  Fnv1a hash;
  const std::string cell =
      options.cell.is_own() ? io::to_json(options.cell).dump() : options.cell.name();
  hash.add(fmt::format("{} {} {} {} {} {}", cell, options.vocab_size, options.embedding_size,
                       options.hidden_size, options.num_layers, text::to_string(tokenizer.kind())));
  for (std::int64_t id = 0; id < tokenizer.size(); ++id) {
    const std::string_view token = tokenizer.token(static_cast<std::int32_t>(id));
    hash.add(fmt::format(" {}:", token.size()));
    hash.add(token);
  }
  return to_digest(hash);
}

void check_size(const text::Tokenizer& tokenizer, const std::string& path, std::int64_t vocab_size,
                std::string_view said_by) {
  if (tokenizer.size() == vocab_size) return;
  throw FormatError(
      path, 0,
      fmt::format("{} tokens; {} says vocab_size = {}", tokenizer.size(), said_by, vocab_size));
}

}  // namespace

void save_config(const std::filesystem::path& folder, const LanguageModelOptions& options,
                 const text::Tokenizer& tokenizer) {
  nlohmann::ordered_json config = config_json(kModelType, "RiverrunLanguageModel", options);
  config[kTokensKey] = text::to_string(tokenizer.kind());
  config["torch_dtype"] = "float32";
  config[kDigestKey] = digest(options, tokenizer);
  replace_file(folder / kConfigFile, config.dump(2) + "\n");
  tokenizer.save(folder / text::kTokenizerFile);
}

LanguageModelOptions load_config(const std::filesystem::path& folder) {
  return options_of(ModelConfig(open_model_folder(folder)));
}

LoadedModel load_model(const Folder& folder) {
  // All are open before the larger two are read, which may take a while.
  const ModelConfig config(folder);
  const LanguageModelOptions options = options_of(config);
  const File tokenizer_file = folder.open(std::string(text::kTokenizerFile));
  const io::SafetensorsFile weights = open_weights(folder);

  text::Tokenizer tokenizer = text::Tokenizer::from_json(
      tokenizer_file.contents(kMostTokenizerBytes), tokenizer_file.path());
  check_size(tokenizer, tokenizer_file.path(), options.vocab_size, kConfigFile);
  if (const std::string_view kind = text::to_string(tokenizer.kind());
      config.has(kTokensKey) && config.string(kTokensKey) != kind) {
    throw config.fail(fmt::format("{} is \"{}\"; by {} it must be \"{}\"", kTokensKey,
                                  config.string(kTokensKey), text::kTokenizerFile, kind));
  }
  io::check_shapes(weights, parameter_shapes(sequence_options(options)), kConfigFile);
  check_digests(config, weights, digest(options, tokenizer),
                fmt::format("{} or {}", kConfigFile, text::kTokenizerFile));
  LanguageModel model(options);
  io::load_parameters(weights, model.parameters());
  return {.saved = {std::move(model), std::move(tokenizer)},
          .measured = measure_of(weights),
          .digest = config.digest()};
}

SavedModel load_model(const std::filesystem::path& folder) {
  std::optional<SavedModel> saved;
  read_model_folder(folder, [&](const Folder& opened) { saved = load_model(opened).saved; });
  return std::move(*saved);
}

text::Tokenizer load_tokenizer(const std::filesystem::path& folder,
                               const LanguageModelOptions& options) {
  const Folder opened(folder);
  const ModelConfig config(opened);
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
