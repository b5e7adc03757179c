#include "cli/tagging_report.h"

#include <algorithm>
#include <cstddef>

#include "riverrun/models/classification.h"
#include "riverrun/models/entities.h"

#include "cli/progress.h"

namespace riverrun::cli {

std::vector<std::string> names_of(std::span<const std::int32_t> tags,
                                  const std::vector<std::string>& names) {
  std::vector<std::string> of;
  of.reserve(tags.size());
  for (const std::int32_t tag : tags) of.push_back(names[static_cast<std::size_t>(tag)]);
  return of;
}

namespace {

/// That of the usual tag is its share; the other tags have the rest as they share the words.
std::vector<float> naive_probabilities(const models::TaggerOptions& options, std::int32_t usual) {
  double others = 0;
  for (const std::int64_t count : options.examples) others += static_cast<double>(count);
  others -= static_cast<double>(options.examples[static_cast<std::size_t>(usual)]);
  std::vector<float> probabilities;
  for (const std::int64_t count : options.examples) {
    probabilities.push_back(static_cast<float>((1.0 - static_cast<double>(options.usual_share)) *
                                               static_cast<double>(count) / std::max(others, 1.0)));
  }
  probabilities[static_cast<std::size_t>(usual)] = options.usual_share;
  return probabilities;
}

}  // namespace

ClassificationReport measure(const models::Tagger& model, const data::TaggedSentences& data,
                             std::span<const std::int64_t> which) {
  const models::TaggerOptions& options = model.options();
  const std::size_t tags = options.tags.size();
  models::ClassificationCounter counter(std::ssize(options.tags));
  models::ClassificationCounter naive(std::ssize(options.tags));
  const bool has_entities = models::are_entity_tags(options.tags);
  models::EntityCounter entities;
  models::EntityCounter naive_entities;
  ReadCounter read(std::ssize(which), "sentences");
  std::int64_t done = 0;
  model.tag(data, which, true, [&](const models::Tagger::Tagging& tagging) {
    const std::vector<std::int32_t> labels = model.tags(data, tagging.sentence);
    std::vector<std::int32_t> usual;
    for (const std::string& word :
         data.sentences[static_cast<std::size_t>(tagging.sentence)].words) {
      usual.push_back(model.vocabulary().usual_tag(model.vocabulary().word(word)));
    }
    for (std::size_t i = 0; i < labels.size(); ++i) {
      counter.add(std::span(tagging.probabilities).subspan(i * tags, tags), labels[i],
                  tagging.tags[i]);
      naive.add(naive_probabilities(options, usual[i]), labels[i], usual[i]);
    }
    if (has_entities) {
      const std::vector<std::string> wanted = names_of(labels, options.tags);
      entities.add(wanted, names_of(tagging.tags, options.tags));
      naive_entities.add(wanted, names_of(usual, options.tags));
    }
    read.show(++done);
  });
  read.finish();
  ClassificationReport report{
      .nouns = kOfWords, .classes = options.tags, .score = counter.score(), .naive = naive.score()};
  if (has_entities) {
    report.entities = entities.scores();
    report.naive_entities = naive_entities.scores();
  }
  return report;
}

std::int64_t words_of(const data::TaggedSentences& data, std::span<const std::int64_t> which) {
  std::int64_t words = 0;
  for (const std::int64_t index : which) {
    words += std::ssize(data.sentences[static_cast<std::size_t>(index)].words);
  }
  return words;
}

}  // namespace riverrun::cli
