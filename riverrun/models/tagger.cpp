#include "riverrun/models/tagger.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <numeric>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/random.h"
#include "riverrun/models/classification.h"
#include "riverrun/models/tagger_parts.h"
#include "riverrun/nn/loss.h"
#include "riverrun/nn/ops.h"

namespace riverrun::models {
namespace {

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

const TaggerOptions& checked(const TaggerOptions& options) {
  check(options);
  return options;
}

std::int64_t count_of(const std::vector<std::string>& names) {
  return static_cast<std::int64_t>(names.size());
}

SequenceInput input_of(const TaggerBatch& batch) {
  return {.seq_len = batch.seq_len, .batch = batch.batch(), .lengths = batch.lengths};
}

SequenceInput characters_of(const TaggerBatch& batch) {
  return {.seq_len = batch.form_len,
          .batch = static_cast<std::int64_t>(batch.form_lengths.size()),
          .symbols = batch.characters,
          .lengths = batch.form_lengths};
}

/// Throws NumericError unless all that was said of the sentences' words is finite.
void require_finite(const data::TaggedSentences& data, std::span<const std::int64_t> which,
                    const TaggerBatch& batch, const Tensor& said) {
  const std::int64_t tags = said.size(2);
  for (std::int64_t b = 0; b < batch.batch(); ++b) {
    for (std::int64_t t = 0; t < batch.lengths[at(b)]; ++t) {
      const auto row = said.values().subspan(at((t * batch.batch() + b) * tags), at(tags));
      if (std::ranges::all_of(row, [](float x) { return std::isfinite(x); })) continue;
      throw NumericError(fmt::format(
          "Tagger: {}, line {}: what the network says is not finite; the weights are too large",
          data.path, data.sentences[at(which[at(b)])].line));
    }
  }
}

/// Of each step of [seq_len, batch, tags].
Tensor softmax_of(const Tensor& said) {
  const auto tags = at(said.size(2));
  Tensor probabilities(said.shape());
  for (std::size_t i = 0; i < at(said.elements()); i += tags) {
    softmax(said.values().subspan(i, tags), probabilities.values().subspan(i, tags));
  }
  return probabilities;
}

}  // namespace

Tagger::Tagger(const TaggerOptions& options, TaggerVocabulary vocabulary)
    : options_(checked(options)),
      vocabulary_(std::move(vocabulary)),
      words_({.num_embeddings = options.words,
              .embedding_dim = options.embedding_size,
              .seed = part_seed(options.seed, kTaggerWords)}),
      model_(model_options(options)) {
  if (count_of(vocabulary_.words()) != options.words ||
      count_of(vocabulary_.characters()) != options.characters) {
    throw ConfigError(fmt::format(
        "Tagger: the vocabulary has {} words and {} characters; the options say {} and {}",
        vocabulary_.words().size(), vocabulary_.characters().size(), options.words,
        options.characters));
  }
  // About as long as vectors that were learnt; with a variance of 1 in each number, rare words
  // would be mostly noise.
  const float scale = 1.0f / std::sqrt(static_cast<float>(options.embedding_size));
  for (float& number : words_.weight().mutable_value().values()) number *= scale;
  for (const std::string& tag : options_.tags) {
    tag_numbers_.emplace(tag, static_cast<std::int32_t>(tag_numbers_.size()));
  }
  if (options.char_hidden_size > 0) characters_.emplace(character_options(options));
  if (options.crf) {
    crf_.emplace(CrfOptions{.num_tags = count_of(options.tags),
                            .seed = part_seed(options.seed, kTaggerCrf)});
  }
}

void Tagger::set_vectors(const data::WordVectors& vectors) {
  if (vectors.dim != options_.embedding_size) {
    throw ConfigError(
        fmt::format("Tagger: the word vectors are of {} numbers; embedding_size is {}", vectors.dim,
                    options_.embedding_size));
  }
  Tensor& weight = words_.weight().mutable_value();
  for (std::size_t i = 0; i < vectors.words.size(); ++i) {
    const std::int32_t id = vocabulary_.word(vectors.words[i]);
    if (id == 0 || vocabulary_.words()[at(id)] != vectors.words[i]) continue;
    std::copy_n(vectors.values.data() + static_cast<std::int64_t>(i) * vectors.dim, vectors.dim,
                weight.data() + id * vectors.dim);
  }
}

std::vector<std::int32_t> Tagger::tags(const data::TaggedSentences& data,
                                       std::int64_t sentence) const {
  const data::TaggedSentence& read = data.sentences[at(sentence)];
  std::vector<std::int32_t> numbers;
  for (std::size_t i = 0; i < read.tags.size(); ++i) {
    const std::string& name = data.tags[at(read.tags[i])];
    const auto found = tag_numbers_.find(name);
    if (found == tag_numbers_.end()) {
      throw FormatError(
          data.path, fmt::format("word {} of the sentence from line {} on is tagged \"{}\", which "
                                 "the model does not know",
                                 i + 1, read.line, name));
    }
    numbers.push_back(found->second);
  }
  return numbers;
}

std::vector<std::int32_t> Tagger::tags(const data::TaggedSentences& data,
                                       std::span<const std::int64_t> which,
                                       const TaggerBatch& batch) const {
  std::vector<std::int32_t> numbers(batch.words.size());
  for (std::size_t b = 0; b < which.size(); ++b) {
    const std::vector<std::int32_t> of_sentence = tags(data, which[b]);
    for (std::size_t t = 0; t < of_sentence.size(); ++t) {
      numbers[t * which.size() + b] = of_sentence[t];
    }
  }
  return numbers;
}

TaggerBatch Tagger::batch(const data::TaggedSentences& data,
                          std::span<const std::int64_t> which) const {
  TaggerBatch batch;
  const auto count = static_cast<std::int64_t>(which.size());
  for (const std::int64_t index : which) {
    batch.lengths.push_back(count_of(data.sentences[at(index)].words));
    if (batch.lengths.back() == 0) {
      throw ConfigError(fmt::format("Tagger: sentence {} has no words", index));
    }
    batch.seq_len = std::max(batch.seq_len, batch.lengths.back());
  }
  batch.words.resize(at(batch.seq_len * count));
  batch.forms.resize(at(batch.seq_len * count));
  std::unordered_map<std::string_view, std::int64_t> forms;
  std::vector<std::int32_t> spelt;  // all forms, one after the other
  for (std::int64_t b = 0; b < count; ++b) {
    const std::vector<std::string>& words = data.sentences[at(which[at(b)])].words;
    for (std::size_t t = 0; t < words.size(); ++t) {
      const std::size_t place = t * at(count) + at(b);
      batch.words[place] = vocabulary_.word(words[t]);
      const auto [form, is_new] = forms.emplace(words[t], std::ssize(forms));
      batch.forms[place] = form->second;
      if (!is_new || !characters_) continue;
      const std::size_t before = spelt.size();
      vocabulary_.append_characters(words[t], spelt);
      batch.form_lengths.push_back(static_cast<std::int64_t>(spelt.size() - before));
    }
  }
  if (batch.form_lengths.empty()) return batch;
  batch.form_len = *std::ranges::max_element(batch.form_lengths);
  batch.characters.resize(at(batch.form_len) * batch.form_lengths.size());
  std::size_t from = 0;
  for (std::size_t form = 0; form < batch.form_lengths.size(); ++form) {
    for (std::size_t i = 0; i < at(batch.form_lengths[form]); ++i) {
      batch.characters[i * batch.form_lengths.size() + form] = spelt[from++];
    }
  }
  return batch;
}

Var Tagger::emissions(Tape& tape, const TaggerBatch& batch) {
  Var read = words_.forward(tape, batch.words, {batch.seq_len, batch.batch()});
  if (characters_) {
    const Var of_forms = characters_->forward(tape, characters_of(batch)).output;
    const Var spelt = reshape(index_select(of_forms, 0, batch.forms),
                              {batch.seq_len, batch.batch(), of_forms.shape()[1]});
    read = cat({read, spelt}, 2);
  }
  SequenceInput input = input_of(batch);
  input.computed = read;
  return model_.forward(tape, input).output;
}

Tensor Tagger::word_features(const TaggerBatch& batch) const {
  Tensor read = words_.forward(batch.words, {batch.seq_len, batch.batch()});
  if (characters_) {
    const Tensor of_forms = characters_->forward(characters_of(batch)).output;
    const std::int64_t of_word = options_.embedding_size;
    const std::int64_t of_form = of_forms.size(1);
    Tensor both({batch.seq_len, batch.batch(), of_word + of_form});
    float* to = both.data();
    for (std::int64_t i = 0; i < batch.seq_len * batch.batch(); ++i) {
      to = std::copy_n(read.data() + i * of_word, of_word, to);
      to = std::copy_n(of_forms.data() + batch.forms[at(i)] * of_form, of_form, to);
    }
    read = std::move(both);
  }
  return read;
}

Tensor Tagger::emissions(const TaggerBatch& batch) const {
  const Tensor read = word_features(batch);
  SequenceInput input = input_of(batch);
  input.numbers = &read;
  return model_.forward(input).output;
}

Var Tagger::loss(Tape& tape, const TaggerBatch& batch, std::span<const std::int32_t> tags) {
  return loss(tape, emissions(tape, batch), batch, tags);
}

Var Tagger::loss(Tape& tape, Var said, const TaggerBatch& batch,
                 std::span<const std::int32_t> tags) {
  if (crf_) {
    const auto words = std::accumulate(batch.lengths.begin(), batch.lengths.end(), std::int64_t{0});
    return multiply(sum(crf_->log_likelihood(tape, said, tags, batch.lengths)),
                    -1.0f / static_cast<float>(words));
  }
  constexpr CrossEntropyOptions kDefaults;
  std::vector<std::int32_t> targets(tags.begin(), tags.end());
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const std::int64_t step = static_cast<std::int64_t>(i) / batch.batch();
    if (step >= batch.lengths[i % batch.lengths.size()]) {
      targets[i] = kDefaults.ignore_index;
    } else if (targets[i] == kDefaults.ignore_index) {
      throw ConfigError(fmt::format("Tagger: the tag of step {} is {}; it must be in [0, {})", step,
                                    targets[i], options_.tags.size()));
    }
  }
  return cross_entropy(said, targets);
}

void Tagger::tag(const data::TaggedSentences& data, std::span<const std::int64_t> which,
                 bool labelled, const std::function<void(const Tagging&)>& take) const {
  const auto length = [&](std::int64_t sentence) {
    return count_of(data.sentences[at(sentence)].words);
  };
  // Of similar lengths side by side, so that little is padding.
  std::vector<std::int64_t> order(which.begin(), which.end());
  std::ranges::stable_sort(order, std::greater{}, length);
  constexpr std::int64_t kMostSentences = 128;
  constexpr std::int64_t kMostWords = 4096;
  for (std::span<const std::int64_t> left = order; !left.empty();) {
    const std::int64_t fit =
        std::clamp<std::int64_t>(kMostWords / std::max<std::int64_t>(length(left.front()), 1), 1,
                                 std::min(kMostSentences, std::ssize(left)));
    tag_together(data, left.first(at(fit)), labelled, take);
    left = left.subspan(at(fit));
  }
}

void Tagger::tag_together(const data::TaggedSentences& data, std::span<const std::int64_t> which,
                          bool labelled, const std::function<void(const Tagging&)>& take) const {
  const TaggerBatch read = batch(data, which);
  const std::vector<std::int32_t> labels =
      labelled ? tags(data, which, read) : std::vector<std::int32_t>();
  const Tensor said = emissions(read);
  require_finite(data, which, read, said);
  const Tensor probabilities = crf_ ? crf_->marginals(said, read.lengths) : softmax_of(said);
  std::vector<std::int32_t> chosen;
  std::vector<double> log_likelihood(which.size());
  if (crf_) chosen = crf_->decode(said, read.lengths);
  if (crf_ && labelled) log_likelihood = crf_->log_likelihood(said, labels, read.lengths);
  const auto tags_of_model = at(count_of(options_.tags));
  Tagging tagging;
  for (std::size_t b = 0; b < which.size(); ++b) {
    tagging.sentence = which[b];
    tagging.tags.clear();
    tagging.probabilities.clear();
    for (std::size_t t = 0; t < at(read.lengths[b]); ++t) {
      const std::size_t place = t * which.size() + b;
      const std::span<const float> row =
          probabilities.values().subspan(place * tags_of_model, tags_of_model);
      tagging.probabilities.insert(tagging.probabilities.end(), row.begin(), row.end());
      tagging.tags.push_back(
          crf_ ? chosen[place]
               : static_cast<std::int32_t>(std::ranges::max_element(row) - row.begin()));
      if (labelled && !crf_) log_likelihood[b] -= surprise(row[at(labels[place])]);
    }
    if (labelled) tagging.log_likelihood = log_likelihood[b];
    take(tagging);
  }
}

ParameterList Tagger::parameters() {
  ParameterList list = prefixed("word_embedding", words_.parameters());
  if (characters_) list += prefixed("char", characters_->parameters());
  list += model_.parameters();
  if (crf_) list += prefixed("crf", crf_->parameters());
  return list;
}

ConstParameterList Tagger::parameters() const {
  ConstParameterList list = prefixed("word_embedding", words_.parameters());
  if (characters_) list += prefixed("char", std::as_const(*characters_).parameters());
  list += model_.parameters();
  if (crf_) list += prefixed("crf", std::as_const(*crf_).parameters());
  return list;
}

}  // namespace riverrun::models
