#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "riverrun/core/fields.h"
#include "riverrun/core/tensor.h"
#include "riverrun/data/tagged.h"
#include "riverrun/data/word_vectors.h"
#include "riverrun/models/tagger_vocabulary.h"
#include "riverrun/nn/cells.h"
#include "riverrun/nn/crf.h"
#include "riverrun/nn/embedding.h"
#include "riverrun/nn/parameter.h"
#include "riverrun/nn/sequence_model.h"
#include "riverrun/nn/tape.h"

namespace riverrun::models {

/// What a tagger is made of. The first part says what it reads and answers, and follows from the
/// data that it learns (describe()); the second one is its network.
struct TaggerOptions {
  /// At least two, all different.
  std::vector<std::string> tags;
  /// How many words of each tag it learns from; not all 0.
  std::vector<std::int64_t> examples;
  /// The part of these words whose tag is the one that the word has most often.
  float usual_share = 0.0f;
  /// Which columns of a file are what.
  data::TagColumns columns;
  /// Of its vocabulary, with the one for all others.
  std::int64_t words = 1;
  std::int64_t characters = 1;

  CellChoice cell = "lstm";
  /// Of a word's vector.
  std::int64_t embedding_size = 100;
  /// Of a character's vector, and of each direction of the layer that reads a word's characters;
  /// with a char_hidden_size of 0 they are not read.
  std::int64_t char_embedding_size = 50;
  std::int64_t char_hidden_size = 50;
  std::int64_t hidden_size = 128;
  std::int64_t num_layers = 1;
  bool bidirectional = true;
  /// Whether a conditional random field chooses the tags of a sentence together; else each is
  /// chosen by itself.
  bool crf = true;
  float dropout = 0.33f;
  /// Of the initial parameters.
  std::uint64_t seed = 1;

  friend bool operator==(const TaggerOptions&, const TaggerOptions&) = default;
};

}  // namespace riverrun::models

template <>
inline constexpr auto riverrun::kFields<riverrun::models::TaggerOptions> = [] {
  using O = models::TaggerOptions;
  return std::tuple{
      Field{"tags", &O::tags},
      Field{"examples", &O::examples, from_to(0, 1e12)},
      Field{"usual_share", &O::usual_share, from_to(0, 1)},
      Field{"columns", &O::columns},
      Field{"words", &O::words, from_to(1, kLargestSize)},
      Field{"characters", &O::characters, from_to(1, kLargestSize)},
      Field{"cell", &O::cell},
      Field{"embedding_size", &O::embedding_size, from_to(1, kLargestSize),
            "Numbers of a word's vector"},
      Field{"char_embedding_size", &O::char_embedding_size, from_to(1, kLargestSize),
            "Numbers of a character's vector"},
      Field{"char_hidden_size", &O::char_hidden_size, from_to(0, kLargestSize),
            "Units, in each direction, that read a word's characters; 0: none"},
      Field{"hidden_size", &O::hidden_size, from_to(1, kLargestSize), "Units of a layer"},
      Field{"num_layers", &O::num_layers, from_to(1, kMostLayers), "Recurrent layers"},
      Field{"bidirectional", &O::bidirectional, any_value(),
            "Read the sentence from its end too: true or false"},
      Field{"crf", &O::crf, any_value(),
            "Choose the tags of a sentence together, by a conditional random field: true or false"},
      Field{"dropout", &O::dropout, from_below(0, 1),
            "Part of the units that is left out while training, in [0, 1)"},
      Field{"seed", &O::seed, any_value(), "", kInitial},
  };
}();

namespace riverrun::models {

/// Throws ConfigError if an option is out of range; the message names it. Allocates nothing of the
/// sizes that are asked for.
void check(const TaggerOptions& options);

/// The names and shapes that Tagger::parameters() will have. Throws ConfigError as check().
[[nodiscard]] std::vector<NamedShape> parameter_shapes(const TaggerOptions& options);

/// Puts what follows from the training data into `options`: tags, examples, their usual share, and
/// the sizes of the vocabulary. `learnt` are the numbers of the sentences that are learnt from,
/// each in [0, sentences).
void describe(const data::TaggedSentences& data, std::span<const std::int64_t> learnt,
              const TaggerVocabulary& vocabulary, TaggerOptions& options);

/// 0, 1, …: all sentences.
[[nodiscard]] std::vector<std::int64_t> all_of(const data::TaggedSentences& data);

/// Sentences side by side, as a tagger reads them. Each form of a word in them is spelt once.
struct TaggerBatch {
  std::int64_t seq_len = 0;           // of the longest, in words
  std::vector<std::int32_t> words;    // [seq_len, batch], 0 beyond a sentence's end
  std::vector<std::int64_t> lengths;  // [batch]
  std::vector<std::int64_t> forms;    // [seq_len, batch], which form a word has

  std::int64_t form_len = 0;               // of the longest form, in characters
  std::vector<std::int32_t> characters;    // [form_len, forms], 0 beyond a form's end
  std::vector<std::int64_t> form_lengths;  // [forms]

  [[nodiscard]] std::int64_t batch() const { return static_cast<std::int64_t>(lengths.size()); }
};

/// Calls each word of a sentence something: a part of speech, a part of a name. A bidirectional
/// recurrent network reads, of each word, a vector and the last states of another one that reads
/// its characters; a conditional random field chooses the tags (Lample et al. 2016, "Neural
/// Architectures for Named Entity Recognition").
///
/// Several threads may call const functions at once; changing parameters is for one alone.
class Tagger {
 public:
  /// Throws ConfigError as check(), or if the vocabulary has other sizes.
  Tagger(const TaggerOptions& options, TaggerVocabulary vocabulary);
  Tagger(Tagger&&) noexcept = default;
  Tagger& operator=(Tagger&&) noexcept = default;
  ~Tagger() = default;

  /// Gives the words of `vectors`, as far as the vocabulary has them, these vectors. Throws
  /// ConfigError unless they are of embedding_size numbers.
  void set_vectors(const data::WordVectors& vectors);

  /// The numbers that a sentence's tags have in the model. Throws FormatError for a tag that the
  /// model does not know.
  [[nodiscard]] std::vector<std::int32_t> tags(const data::TaggedSentences& data,
                                               std::int64_t sentence) const;
  /// The same of the sentences of a batch, [seq_len, batch]; 0 beyond a sentence's end.
  [[nodiscard]] std::vector<std::int32_t> tags(const data::TaggedSentences& data,
                                               std::span<const std::int64_t> which,
                                               const TaggerBatch& batch) const;
  [[nodiscard]] TaggerBatch batch(const data::TaggedSentences& data,
                                  std::span<const std::int64_t> which) const;

  /// The mean over all words of -log p, in nats, on a tape and with gradients of all parameters.
  /// `tags` is [seq_len, batch]; beyond a sentence's end anything. Throws ShapeError, and
  /// ConfigError for a tag that is none.
  Var loss(Tape& tape, const TaggerBatch& batch, std::span<const std::int32_t> tags);
  /// The same of what the network says of the words, [seq_len, batch, tags].
  Var loss(Tape& tape, Var said, const TaggerBatch& batch, std::span<const std::int32_t> tags);

  /// What is said of a sentence.
  struct Tagging {
    std::int64_t sentence = 0;
    /// [words]: of the most probable ones, together or, without a random field, each by itself.
    std::vector<std::int32_t> tags;
    /// [words, tags]: of each tag, given the sentence.
    std::vector<float> probabilities;
    /// log p of the true tags together, in nats, if they were given; without a random field, the
    /// sum over the words, each of which counts at most as surprise() has it.
    std::optional<double> log_likelihood;
  };
  /// Calls `take` for each of the sentences `which` as it is done, similar lengths together and so
  /// not in their order, without gradients or dropout. `labelled`: they have tags, whose
  /// probability is wanted. Throws as tags(), and NumericError if what the network says is not
  /// finite.
  void tag(const data::TaggedSentences& data, std::span<const std::int64_t> which, bool labelled,
           const std::function<void(const Tagging&)>& take) const;

  /// In a fixed order, under the names that a file gives them: word_embedding.weight, char.… and
  /// rnn.… as SequenceModel, crf.….
  [[nodiscard]] ParameterList parameters();
  [[nodiscard]] ConstParameterList parameters() const;
  [[nodiscard]] const TaggerOptions& options() const noexcept { return options_; }
  [[nodiscard]] const TaggerVocabulary& vocabulary() const noexcept { return vocabulary_; }

  /// For looking inside: the network that reads the words and says what the random field, or the
  /// softmax, chooses the tags from; and what it reads of each word, [seq_len, batch, its
  /// input_size]: embedding_size numbers of the word, then those of its characters.
  [[nodiscard]] const SequenceModel& network() const noexcept { return model_; }
  [[nodiscard]] Tensor word_features(const TaggerBatch& batch) const;

 private:
  [[nodiscard]] Var emissions(Tape& tape, const TaggerBatch& batch);
  [[nodiscard]] Tensor emissions(const TaggerBatch& batch) const;

  void tag_together(const data::TaggedSentences& data, std::span<const std::int64_t> which,
                    bool labelled, const std::function<void(const Tagging&)>& take) const;

  TaggerOptions options_;
  std::unordered_map<std::string, std::int32_t> tag_numbers_;
  TaggerVocabulary vocabulary_;
  Embedding words_;
  std::optional<SequenceModel> characters_;
  SequenceModel model_;
  std::optional<Crf> crf_;
};

}  // namespace riverrun::models
