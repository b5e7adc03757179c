#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "riverrun/core/fields.h"
#include "riverrun/core/tensor.h"
#include "riverrun/data/labelled.h"
#include "riverrun/data/labelled_csv.h"
#include "riverrun/data/text/tokenizer.h"
#include "riverrun/data/word_vectors.h"
#include "riverrun/models/classifier_text.h"
#include "riverrun/nn/cells.h"
#include "riverrun/nn/parameter.h"
#include "riverrun/nn/sequence_model.h"
#include "riverrun/nn/tape.h"

namespace riverrun::models {

/// What a classifier is made of. The first part says what it reads and answers, and follows from
/// the data that it learns (describe()); the second one is its network.
struct ClassifierOptions {
  /// 0: it reads texts, as `text` says.
  std::int64_t channels = 0;
  /// At least two, all different.
  std::vector<std::string> classes;
  /// How many sequences of each class it learns from; not all 0.
  std::vector<std::int64_t> examples;
  /// It reads (x - mean)/scale of each channel, [channels].
  std::vector<float> mean;
  std::vector<float> scale;
  /// Of CSV files, which columns are what; `columns.channels` then names all channels. Empty, if it
  /// learnt from another format.
  data::SequenceColumns columns;
  /// What becomes of missing values. With kMask they are read as the mean, beside a 1 for each
  /// value that is there and a 0 for each that is not, as further channels.
  data::Missing missing = data::Missing::kError;
  ClassifierText text;

  CellChoice cell = "lstm";
  std::int64_t hidden_size = 64;
  std::int64_t num_layers = 1;
  bool bidirectional = true;
  /// kLast or kMean.
  Readout readout = Readout::kMean;
  /// Of the convolution in front of the recurrent layers; see SequenceModelOptions.
  std::int64_t conv_channels = 64;
  std::int64_t conv_kernel_size = 9;
  std::int64_t conv_stride = 1;
  float dropout = 0.3f;
  /// While training; as in RecurrentOptions.
  std::int64_t recompute_steps = 0;
  /// Of the initial parameters.
  std::uint64_t seed = 1;

  [[nodiscard]] bool reads_texts() const noexcept { return text.num_embeddings > 0; }

  friend bool operator==(const ClassifierOptions&, const ClassifierOptions&) = default;
};

}  // namespace riverrun::models

template <>
inline constexpr auto riverrun::kFields<riverrun::models::ClassifierOptions> = [] {
  using O = models::ClassifierOptions;
  return std::tuple{
      Field{"channels", &O::channels, from_to(0, kLargestSize)},
      Field{"classes", &O::classes},
      Field{"examples", &O::examples, from_to(0, 1e12)},
      Field{"mean", &O::mean},
      Field{"scale", &O::scale, greater_than(0)},
      Field{"columns", &O::columns},
      Field{"missing", &O::missing, any_value(),
            "What becomes of missing values: error, interpolate or mask"},
      Field{"text", &O::text},
      Field{"cell", &O::cell},
      Field{"hidden_size", &O::hidden_size, from_to(1, kLargestSize), "Units of a layer"},
      Field{"num_layers", &O::num_layers, from_to(1, kMostLayers), "Recurrent layers"},
      Field{"bidirectional", &O::bidirectional, any_value(),
            "Read the sequence from its end too: true or false"},
      Field{"readout", &O::readout, any_value(),
            "What the decoder reads: the last state of each direction, or the mean of all states"},
      Field{"conv_channels", &O::conv_channels, from_to(0, kLargestSize),
            "Features of the convolution in front of the recurrent layers; 0: none"},
      Field{"conv_kernel_size", &O::conv_kernel_size, from_to(1, kLargestSize),
            "Steps that each of these features covers; odd"},
      Field{"conv_stride", &O::conv_stride, from_to(1, kLargestSize),
            "Steps from one feature to the next; at most as many as it covers"},
      Field{"dropout", &O::dropout, from_below(0, 1),
            "Part of the units that is left out while training, in [0, 1)"},
      Field{"recompute_steps", &O::recompute_steps, at_least(kRecomputeAuto), "", kInitial},
      Field{"seed", &O::seed, any_value(), "", kInitial},
  };
}();

namespace riverrun::models {

/// Throws ConfigError if an option is out of range; the message names it. Allocates nothing of the
/// sizes that are asked for.
void check(const ClassifierOptions& options);

/// The network inside.
[[nodiscard]] SequenceModelOptions sequence_options(const ClassifierOptions& options);

/// The names and shapes that Classifier::parameters() will have. Throws ConfigError as check().
[[nodiscard]] std::vector<NamedShape> parameter_shapes(const ClassifierOptions& options);

/// Puts what follows from the training data into `options`: channels, classes, examples, mean and
/// scale; of texts, the size of the vocabulary does not. The scale of a channel that is constant
/// is 1. `learnt` are the numbers of the sequences that are learnt from, each in [0, sequences).
/// Values that are missing do not count.
void describe(const data::LabelledSequences& data, std::span<const std::int64_t> learnt,
              ClassifierOptions& options);

/// 0, 1, …: all sequences.
[[nodiscard]] std::vector<std::int64_t> all_of(const data::LabelledSequences& data);

/// The channels, from 0, that have the same value wherever they have one in the sequences that are
/// learnt from.
[[nodiscard]] std::vector<std::int64_t> constant_channels(const data::LabelledSequences& data,
                                                          std::span<const std::int64_t> learnt);

/// Sequences side by side, as a classifier reads them.
struct ClassifierBatch {
  std::int64_t seq_len = 0;           // of the longest
  Tensor numbers;                     // [seq_len, batch, inputs], 0 beyond a sequence's end
  std::vector<std::int32_t> symbols;  // of texts, instead: [seq_len, batch], the same
  std::vector<std::int64_t> lengths;  // [batch]

  [[nodiscard]] std::int64_t batch() const { return static_cast<std::int64_t>(lengths.size()); }
};

/// Tells which class a sequence of numbers or a text is of: a SequenceModel with one logit for each
/// class.
///
/// Several threads may call const functions at once; changing parameters is for one alone.
class Classifier {
 public:
  /// Texts are encoded by the tokenizer. Throws ConfigError as check(), or unless there is a
  /// tokenizer if and only if it reads texts, of as many tokens as the options say.
  explicit Classifier(const ClassifierOptions& options,
                      std::optional<text::Tokenizer> tokenizer = {});
  Classifier(Classifier&&) noexcept = default;
  Classifier& operator=(Classifier&&) noexcept = default;
  ~Classifier() = default;

  /// Gives the words of `vectors`, as far as the vocabulary has them, these vectors. Throws
  /// ConfigError unless it reads texts and they are of embedding_size numbers.
  void set_vectors(const data::WordVectors& vectors);

  /// The numbers that the sequences' labels have in the model's classes; kNoLabel where there is no
  /// label. Throws FormatError for a label that the model does not know.
  [[nodiscard]] std::vector<std::int32_t> labels(const data::LabelledSequences& data,
                                                 std::span<const std::int64_t> which) const;
  /// Throws FormatError, which says where, unless the model can read the sequences: if they are
  /// texts and it reads numbers, or the reverse, have another number of channels, lack values that
  /// the model must read, or if a value is so large that it has no place among float32's once it is
  /// standardised.
  void require_readable(const data::LabelledSequences& data,
                        std::span<const std::int64_t> which) const;
  /// The sequences, standardised, or the symbols of texts, which must have been encoded. Throws as
  /// require_readable().
  [[nodiscard]] ClassifierBatch batch(const data::LabelledSequences& data,
                                      std::span<const std::int64_t> which) const;

  /// [batch, classes], on a tape and with gradients of all parameters. Throws ShapeError.
  Var logits(Tape& tape, const ClassifierBatch& batch);
  /// The classes' probabilities of the sequences `which`, [which, classes], without gradients or
  /// dropout. `progress` is called now and then with the number of sequences done. Throws as
  /// batch(), and NumericError if the logits of a sequence are not finite.
  [[nodiscard]] Tensor probabilities(const data::LabelledSequences& data,
                                     std::span<const std::int64_t> which,
                                     const std::function<void(std::int64_t)>& progress = {}) const;

  /// In a fixed order, under the names that a file gives them.
  [[nodiscard]] ParameterList parameters() { return model_.parameters(); }
  [[nodiscard]] ConstParameterList parameters() const { return model_.parameters(); }
  [[nodiscard]] const ClassifierOptions& options() const noexcept { return options_; }
  /// Of texts; of numbers it has none.
  [[nodiscard]] const std::optional<text::Tokenizer>& tokenizer() const noexcept {
    return tokenizer_;
  }
  /// The network inside.
  [[nodiscard]] const SequenceModel& network() const noexcept { return model_; }

 private:
  ClassifierOptions options_;
  std::optional<text::Tokenizer> tokenizer_;
  SequenceModel model_;
};

}  // namespace riverrun::models
