// What tagger.h and tagger_parts.h say of TaggerOptions.

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/random.h"
#include "riverrun/models/tagger.h"
#include "riverrun/models/tagger_parts.h"

namespace riverrun::models {
namespace {

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

std::int64_t count_of(const std::vector<std::string>& names) {
  return static_cast<std::int64_t>(names.size());
}

/// Adds the shapes of a part under its name.
void append(std::vector<NamedShape>& shapes, const char* part,
            const std::vector<NamedShape>& of_part) {
  for (const NamedShape& shape : of_part) {
    shapes.push_back({fmt::format("{}.{}", part, shape.name), shape.shape});
  }
}

std::vector<NamedShape> shapes_of(const TaggerOptions& options) {
  std::vector<NamedShape> shapes = {
      {"word_embedding.weight", {options.words, options.embedding_size}}};
  if (options.char_hidden_size > 0) {
    append(shapes, "char", parameter_shapes(character_options(options)));
  }
  const std::vector<NamedShape> of_model = parameter_shapes(model_options(options));
  shapes.insert(shapes.end(), of_model.begin(), of_model.end());
  if (options.crf) {
    const std::int64_t tags = count_of(options.tags);
    append(shapes, "crf",
           {{"start_transitions", {tags}},
            {"end_transitions", {tags}},
            {"transitions", {tags, tags}}});
  }
  return shapes;
}

}  // namespace

SequenceModelOptions character_options(const TaggerOptions& options) {
  SequenceModelOptions of_characters;
  of_characters.cell = options.cell;
  of_characters.num_embeddings = options.characters;
  of_characters.input_size = options.char_embedding_size;
  of_characters.hidden_size = options.char_hidden_size;
  of_characters.bidirectional = true;
  of_characters.readout = Readout::kLast;
  of_characters.seed = part_seed(options.seed, kTaggerCharacters);
  return of_characters;
}

SequenceModelOptions model_options(const TaggerOptions& options) {
  SequenceModelOptions of_model;
  of_model.cell = options.cell;
  of_model.input_size = options.embedding_size + 2 * options.char_hidden_size;
  of_model.hidden_size = options.hidden_size;
  of_model.num_layers = options.num_layers;
  of_model.bidirectional = options.bidirectional;
  of_model.output_size = count_of(options.tags);
  of_model.dropout = options.dropout;
  of_model.seed = part_seed(options.seed, kTaggerModel);
  return of_model;
}

void check(const TaggerOptions& options) {
  check_fields("Tagger", options);
  if (options.tags.size() < 2) {
    throw ConfigError(fmt::format("Tagger: the number of tags is {}; it must be at least 2",
                                  options.tags.size()));
  }
  std::set<std::string_view> names;
  for (const std::string& name : options.tags) {
    if (!names.insert(name).second) {
      throw ConfigError(fmt::format("Tagger: the tag \"{}\" is there twice", name));
    }
  }
  if (options.examples.size() != options.tags.size()) {
    throw ConfigError(
        fmt::format("Tagger: examples has {} elements; it must have one for each of the {} tags",
                    options.examples.size(), options.tags.size()));
  }
  if (std::ranges::all_of(options.examples, [](std::int64_t count) { return count == 0; })) {
    throw ConfigError("Tagger: examples are all 0; there must be something to learn from");
  }
  // A file may claim any sizes: refuse what could not be held before anything is allocated.
  constexpr double kMostParameters = 1e11;
  const double embedded =
      static_cast<double>(options.words) * static_cast<double>(options.embedding_size);
  if (embedded > kMostParameters) {
    throw ConfigError(fmt::format(
        "Tagger: words = {} and embedding_size = {} make about {:.0e} parameters; at most 1e11 are "
        "allowed",
        options.words, options.embedding_size, embedded));
  }
  if (options.crf && count_of(options.tags) > kMostTags) {
    throw ConfigError(
        fmt::format("Tagger: the number of tags is {}; a random field (crf) can have at most {}, "
                    "without one there may be more",
                    options.tags.size(), kMostTags));
  }
  if (options.char_hidden_size > 0) check(character_options(options));
  check(model_options(options));
}

std::vector<NamedShape> parameter_shapes(const TaggerOptions& options) {
  check(options);
  return shapes_of(options);
}

void describe(const data::TaggedSentences& data, std::span<const std::int64_t> learnt,
              const TaggerVocabulary& vocabulary, TaggerOptions& options) {
  options.tags = data.tags;
  options.examples.assign(data.tags.size(), 0);
  std::int64_t words = 0;
  std::int64_t usual = 0;
  for (const std::int64_t index : learnt) {
    const data::TaggedSentence& sentence = data.sentences[at(index)];
    for (std::size_t i = 0; i < sentence.tags.size(); ++i) {
      ++options.examples[at(sentence.tags[i])];
      ++words;
      const std::int32_t usual_tag = vocabulary.usual_tag(vocabulary.word(sentence.words[i]));
      usual += sentence.tags[i] == usual_tag ? 1 : 0;
    }
  }
  options.usual_share =
      words > 0 ? static_cast<float>(static_cast<double>(usual) / static_cast<double>(words)) : 0;
  options.words = count_of(vocabulary.words());
  options.characters = count_of(vocabulary.characters());
}

std::vector<std::int64_t> all_of(const data::TaggedSentences& data) {
  std::vector<std::int64_t> all(data.sentences.size());
  std::iota(all.begin(), all.end(), 0);
  return all;
}

}  // namespace riverrun::models
