#include "riverrun/models/tagger_folder.h"

#include <tuple>
#include <utility>
#include <vector>

#include "riverrun/core/fields.h"
#include "riverrun/models/stored_model.h"

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

std::string digest(const TaggerOptions& options, const TaggerVocabulary& vocabulary) {
  Fnv1a hash;
  add_options(hash, options, {"examples", "usual_share", "dropout"});
  for (const std::vector<std::string>* names : {&vocabulary.words(), &vocabulary.characters()}) {
    for (const std::string& name : *names) hash.add(name + "\n");
  }
  for (const std::int32_t tag : vocabulary.word_tags()) hash.mix(static_cast<std::uint64_t>(tag));
  return to_digest(hash);
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
  write_config(folder, kTaggerType, "RiverrunTagger", options, digest(options, vocabulary));
  const StoredVocabulary stored{.words = vocabulary.words(),
                                .word_tags = vocabulary.word_tags(),
                                .characters = vocabulary.characters()};
  replace_file(folder / kVocabularyFile, io::fields_to_json(stored).dump(0) + "\n");
}

LoadedTagger load_tagger(const Folder& folder) {
  const ModelConfig config(folder);
  const auto options = stored_options<TaggerOptions>(config, kTaggerType);
  TaggerVocabulary vocabulary = read_vocabulary(folder, options);
  const io::SafetensorsFile weights =
      stored_weights(folder, config, options, digest(options, vocabulary),
                     fmt::format("{} or {}", kConfigFile, kVocabularyFile));
  return with_weights<LoadedTagger>(Tagger(options, std::move(vocabulary)), weights, config);
}

Tagger load_tagger(const fs::path& folder) {
  return load_from<Tagger>(folder, [](const Folder& opened) { return load_tagger(opened); });
}

TaggerVocabulary load_tagger_vocabulary(const Folder& folder) {
  const ModelConfig config(folder);
  const auto options = stored_options<TaggerOptions>(config, kTaggerType);
  TaggerVocabulary vocabulary = read_vocabulary(folder, options);
  if (const auto said = config.digest(); said && *said != digest(options, vocabulary)) {
    throw config.fail(
        fmt::format("it is of another model than {} beside it; the files of a run "
                    "belong together",
                    kVocabularyFile));
  }
  return vocabulary;
}

}  // namespace riverrun::models
