#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/models/tagger.h"

// What a tagger says of a sentence, computed from its parts in a simpler way.

namespace riverrun::test {

/// Those of the tagger whose names begin with the prefix.
inline void copy_parameters(const models::Tagger& from, const std::string& prefix,
                            const ParameterList& to) {
  for (const NamedParameter& named : to) {
    const ConstParameterList list = from.parameters();
    const auto found = std::ranges::find(list, prefix + named.name, &NamedConstParameter::name);
    ASSERT_NE(found, list.end()) << prefix + named.name;
    named.parameter->set_value(found->parameter->value());
  }
}

/// What the network says of one sentence, from its parts and a word at a time: [words, 1, tags].
inline Tensor said_of(const models::Tagger& model, const std::vector<std::string>& words) {
  const models::TaggerOptions& o = model.options();
  const Tensor& vectors = model.parameters().front().parameter->value();
  const auto length = std::ssize(words);
  const std::int64_t of_form = 2 * o.char_hidden_size;
  Tensor read({length, 1, o.embedding_size + of_form});
  float* to = read.data();
  for (const std::string& word : words) {
    const std::int64_t row = model.vocabulary().word(word) * o.embedding_size;
    to = std::copy_n(vectors.data() + row, o.embedding_size, to);
    if (of_form == 0) continue;
    SequenceModel of_characters({.cell = o.cell,
                                 .num_embeddings = o.characters,
                                 .input_size = o.char_embedding_size,
                                 .hidden_size = o.char_hidden_size,
                                 .bidirectional = true,
                                 .readout = Readout::kLast});
    copy_parameters(model, "char.", of_characters.parameters());
    std::vector<std::int32_t> spelt;
    model.vocabulary().append_characters(word, spelt);
    const SequenceInput input{.seq_len = std::ssize(spelt), .batch = 1, .symbols = spelt};
    const Tensor form = std::as_const(of_characters).forward(input).output;
    to = std::copy_n(form.data(), of_form, to);
  }
  SequenceModel network({.cell = o.cell,
                         .input_size = o.embedding_size + of_form,
                         .hidden_size = o.hidden_size,
                         .num_layers = o.num_layers,
                         .bidirectional = o.bidirectional,
                         .output_size = std::ssize(o.tags)});
  copy_parameters(model, "", network.parameters());
  return std::as_const(network).forward({.seq_len = length, .batch = 1, .numbers = &read}).output;
}

/// Of a sentence, by a list of all sequences of tags and their scores.
struct ListedTags {
  double log_p = 0;                   ///< of the true tags
  std::vector<double> probabilities;  ///< [words, tags]
  std::vector<std::int32_t> best;
};
inline ListedTags listed_tags(const models::Tagger& model, const data::TaggedSentences& data,
                              std::int64_t sentence) {
  const Tensor said = said_of(model, data.sentences[static_cast<std::size_t>(sentence)].words);
  const std::int64_t n = said.size(2);
  Crf crf({.num_tags = n});
  for (const NamedParameter& named : crf.parameters()) {
    named.parameter->mutable_value().fill(0.0f);
  }
  if (model.options().crf) copy_parameters(model, "crf.", crf.parameters());
  const auto score = [&](const std::vector<std::int32_t>& tags) {
    double sum = crf.start_transitions().value().data()[tags.front()];
    sum += crf.end_transitions().value().data()[tags.back()];
    for (std::size_t t = 0; t < tags.size(); ++t) {
      sum += said.data()[static_cast<std::int64_t>(t) * n + tags[t]];
      if (t > 0) sum += crf.transitions().value().data()[tags[t - 1] * n + tags[t]];
    }
    return sum;
  };
  ListedTags result;
  result.probabilities.resize(static_cast<std::size_t>(said.elements()));
  double all = 0;
  double most = -1;
  std::vector<std::int32_t> tags(static_cast<std::size_t>(said.size(0)));
  for (bool more = true; more;) {
    const double p = std::exp(score(tags));
    all += p;
    for (std::size_t t = 0; t < tags.size(); ++t) {
      result.probabilities[t * static_cast<std::size_t>(n) + static_cast<std::size_t>(tags[t])] +=
          p;
    }
    if (p > most) result.best = tags;
    most = std::max(most, p);
    more = false;  // until one can be raised
    for (std::int32_t& tag : tags) {
      more = ++tag < n;
      if (more) break;
      tag = 0;
    }
  }
  for (double& p : result.probabilities) p /= all;
  result.log_p = score(model.tags(data, sentence)) - std::log(all);
  return result;
}

}  // namespace riverrun::test
