#include "riverrun/models/classifier_folder.h"

#include <cstdint>
#include <utility>

#include "riverrun/models/stored_model.h"

namespace riverrun::models {
namespace {

namespace fs = std::filesystem;

std::string digest(const ClassifierOptions& options,
                   const std::optional<text::Tokenizer>& tokenizer) {
  Fnv1a hash;
  add_options(hash, options, {"examples", "dropout"});
  for (std::int32_t id = 0; tokenizer && id < tokenizer->size(); ++id) {
    const std::string_view token = tokenizer->token(id);
    hash.add(fmt::format(" {}:", token.size()));
    hash.add(token);
  }
  return to_digest(hash);
}

/// That of a model of texts.
std::optional<text::Tokenizer> read_tokenizer(const Folder& folder,
                                              const ClassifierOptions& options) {
  if (!options.reads_texts()) return std::nullopt;
  constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30;
  const File file = folder.open(std::string(text::kTokenizerFile));
  text::Tokenizer tokenizer = text::Tokenizer::from_json(file.contents(kMostBytes), file.path());
  const std::string_view kind = text::to_string(tokenizer.kind());
  if (kind == options.text.tokens && tokenizer.size() == options.text.num_embeddings) {
    return tokenizer;
  }
  throw FormatError(
      file.path(),
      fmt::format("it has {} tokens, which are {}s; {} says {}, which are {}s", tokenizer.size(),
                  kind, kConfigFile, options.text.num_embeddings, options.text.tokens));
}

}  // namespace

void save_config(const fs::path& folder, const ClassifierOptions& options,
                 const std::optional<text::Tokenizer>& tokenizer) {
  write_config(folder, kClassifierType, "RiverrunClassifier", options, digest(options, tokenizer));
  if (tokenizer) tokenizer->save(folder / text::kTokenizerFile);
}

LoadedClassifier load_classifier(const Folder& folder) {
  const ModelConfig config(folder);
  const auto options = stored_options<ClassifierOptions>(config, kClassifierType);
  std::optional<text::Tokenizer> tokenizer = read_tokenizer(folder, options);
  const io::SafetensorsFile weights =
      stored_weights(folder, config, options, digest(options, tokenizer),
                     tokenizer ? fmt::format("{} or {}", kConfigFile, text::kTokenizerFile)
                               : std::string(kConfigFile));
  return with_weights<LoadedClassifier>(Classifier(options, std::move(tokenizer)), weights, config);
}

Classifier load_classifier(const fs::path& folder) {
  return load_from<Classifier>(folder,
                               [](const Folder& opened) { return load_classifier(opened); });
}

void check_classifier_config(const Folder& folder) {
  check_config<ClassifierOptions>(folder, kClassifierType, [&](const ClassifierOptions& options) {
    return digest(options, read_tokenizer(folder, options));
  });
}

std::optional<text::Tokenizer> load_classifier_tokenizer(const Folder& folder) {
  check_classifier_config(folder);
  const ModelConfig config(folder);
  return read_tokenizer(folder, stored_options<ClassifierOptions>(config, kClassifierType));
}

}  // namespace riverrun::models
