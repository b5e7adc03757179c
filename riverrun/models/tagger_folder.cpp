#include "riverrun/models/tagger_folder.h"

#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "riverrun/core/error.h"
#include "riverrun/core/fields.h"
#include "riverrun/core/file.h"
#include "riverrun/io/parameters.h"
#include "riverrun/train/model_config.h"

namespace riverrun::models {
namespace {

/// What vocabulary.json has.
struct StoredVocabulary {
  std::vector<std::string> words;
  std::vector<std::int32_t> word_tags;
  std::vector<std::string> characters;
};

}  // namespace
}  // namespace riverrun::models

template <>
inline constexpr auto riverrun::kFields<riverrun::models::StoredVocabulary> = [] {
  using V = models::StoredVocabulary;
  return std::tuple{Field{"words", &V::words}, Field{"word_tags", &V::word_tags},
                    Field{"characters", &V::characters}};
}();

namespace riverrun::models {
namespace {

namespace fs = std::filesystem;

/// See kDigestKey.
std::string digest(const TaggerOptions& options, const TaggerVocabulary& vocabulary) {
  Fnv1a hash;
  for_each_field<TaggerOptions>([&](const auto& field) {
    const std::string_view name = field.name;
    if (field.initial || name == "examples" || name == "usual_share" || name == "dropout") return;
    hash.add(fmt::format("{}: {}\n", name, io::value_to_json(options.*field.member).dump()));
  });
  for (const std::vector<std::string>* names : {&vocabulary.words(), &vocabulary.characters()}) {
    for (const std::string& name : *names) hash.add(name + "\n");
  }
  for (const std::int32_t tag : vocabulary.word_tags()) hash.mix(static_cast<std::uint64_t>(tag));
  return to_digest(hash);
}

TaggerOptions options_of(const ModelConfig& config) {
  config.require_type(kTaggerType);
  auto options = config.read_options<TaggerOptions>();
  try {
    check(options);
  } catch (const ConfigError& error) {
    throw config.fail(error.what());
  }
  return options;
}

TaggerVocabulary read_vocabulary(const Folder& folder, const TaggerOptions& options) {
  const File file = folder.open(kVocabularyFile);
  const ModelConfig json(file);
  StoredVocabulary stored = json.read_options<StoredVocabulary>();
  try {
    TaggerVocabulary vocabulary(std::move(stored.words), std::move(stored.word_tags),
                                std::move(stored.characters));
    if (std::ssize(vocabulary.words()) != options.words ||
        std::ssize(vocabulary.characters()) != options.characters) {
      throw ConfigError(fmt::format("it has {} words and {} characters; {} says {} and {}",
                                    vocabulary.words().size(), vocabulary.characters().size(),
                                    kConfigFile, options.words, options.characters));
    }
    if (vocabulary.word_tags().front() == TaggerVocabulary::kNoTag) {
      throw ConfigError("the tag of all words together is -1; it must be one of the tags");
    }
    for (const std::int32_t tag : vocabulary.word_tags()) {
      if (tag >= TaggerVocabulary::kNoTag && tag < std::ssize(options.tags)) continue;
      throw ConfigError(
          fmt::format("a tag of a word is {}; it must be in [-1, {})", tag, options.tags.size()));
    }
    return vocabulary;
  } catch (const ConfigError& error) {
    throw json.fail(error.what());
  }
}

}  // namespace

void save_config(const fs::path& folder, const TaggerOptions& options,
                 const TaggerVocabulary& vocabulary) {
  nlohmann::ordered_json config = config_json(kTaggerType, "RiverrunTagger", options);
  config["torch_dtype"] = "float32";
  config[kDigestKey] = digest(options, vocabulary);
  replace_file(folder / kConfigFile, config.dump(2) + "\n");
  const StoredVocabulary stored{.words = vocabulary.words(),
                                .word_tags = vocabulary.word_tags(),
                                .characters = vocabulary.characters()};
  replace_file(folder / kVocabularyFile, io::fields_to_json(stored).dump(0) + "\n");
}

LoadedTagger load_tagger(const Folder& folder) {
  const ModelConfig config(folder);
  const TaggerOptions options = options_of(config);
  TaggerVocabulary vocabulary = read_vocabulary(folder, options);
  const io::SafetensorsFile weights = open_weights(folder);
  io::check_shapes(weights, parameter_shapes(options), kConfigFile);
  check_digests(config, weights, digest(options, vocabulary),
                fmt::format("{} or {}", kConfigFile, kVocabularyFile));
  Tagger model(options, std::move(vocabulary));
  io::load_parameters(weights, model.parameters());
  return {.model = std::move(model), .measured = measure_of(weights), .digest = config.digest()};
}

Tagger load_tagger(const fs::path& folder) {
  std::optional<Tagger> model;
  read_model_folder(folder, [&](const Folder& opened) { model = load_tagger(opened).model; });
  return std::move(*model);
}

TaggerVocabulary load_tagger_vocabulary(const Folder& folder) {
  return read_vocabulary(folder, options_of(ModelConfig(folder)));
}

}  // namespace riverrun::models
