#include "riverrun/models/classifier.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/models/classification.h"

namespace riverrun::models {
namespace {

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

const ClassifierOptions& checked(const ClassifierOptions& options) {
  check(options);
  return options;
}

std::int64_t inputs_of(const ClassifierOptions& options) {
  return options.missing == data::Missing::kMask ? 2 * options.channels : options.channels;
}

void require_length(const char* name, std::size_t length, const char* of, std::int64_t wanted) {
  if (static_cast<std::int64_t>(length) == wanted) return;
  throw ConfigError(
      fmt::format("Classifier: {} has {} elements; it must have one for each of the "
                  "{} {}",
                  name, length, wanted, of));
}

/// For each class of the data, its number in the model; kNoLabel if the model has none such.
std::vector<std::int32_t> labels_in_model(const data::LabelledSequences& data,
                                          const ClassifierOptions& options) {
  std::map<std::string_view, std::int32_t> known;
  for (const std::string& name : options.classes) {
    known.emplace(name, static_cast<std::int32_t>(known.size()));
  }
  std::vector<std::int32_t> labels;
  for (const std::string& name : data.classes) {
    const auto found = known.find(name);
    labels.push_back(found == known.end() ? data::LabelledSequence::kNoLabel : found->second);
  }
  return labels;
}

/// Calls `take(channel, value)` for each value that is there.
template <class Take>
void for_each_value(const data::LabelledSequences& data, std::span<const std::int64_t> which,
                    Take take) {
  for (const std::int64_t index : which) {
    const data::LabelledSequence& sequence = data.sequences[at(index)];
    for (std::size_t i = 0; i < sequence.values.size(); ++i) {
      if (std::isnan(sequence.values[i])) continue;
      take(i % at(data.channels), static_cast<double>(sequence.values[i]));
    }
  }
}

float standardised(const ClassifierOptions& options, std::size_t channel, float value) {
  return (value - options.mean[channel]) / options.scale[channel];
}

SequenceInput input_of(const ClassifierBatch& batch) {
  const bool of_texts = !batch.symbols.empty();
  return {.seq_len = batch.seq_len,
          .batch = batch.batch(),
          .symbols = batch.symbols,
          .numbers = of_texts ? nullptr : &batch.numbers,
          .lengths = batch.lengths};
}

/// "it has 2 channels", "it has texts": what of the two the data are.
std::string content(std::int64_t channels) {
  return channels == 0 ? std::string("texts")
                       : fmt::format("{} channel{}", channels, channels == 1 ? "" : "s");
}

}  // namespace

void check(const ClassifierOptions& options) {
  check_fields("Classifier", options);
  if (options.classes.size() < 2) {
    throw ConfigError(fmt::format("Classifier: the number of classes is {}; it must be at least 2",
                                  options.classes.size()));
  }
  std::set<std::string_view> names;
  for (const std::string& name : options.classes) {
    if (!names.insert(name).second) {
      throw ConfigError(fmt::format("Classifier: the class \"{}\" is there twice", name));
    }
  }
  require_length("examples", options.examples.size(), "classes",
                 static_cast<std::int64_t>(options.classes.size()));
  if (std::ranges::all_of(options.examples, [](std::int64_t count) { return count == 0; })) {
    throw ConfigError("Classifier: examples are all 0; there must be something to learn from");
  }
  if (options.reads_texts() == (options.channels > 0)) {
    throw ConfigError(
        fmt::format("Classifier: channels is {} and text.num_embeddings {}; one of them must be 0, "
                    "and the other not",
                    options.channels, options.text.num_embeddings));
  }
  require_length("mean", options.mean.size(), "channels", options.channels);
  require_length("scale", options.scale.size(), "channels", options.channels);
  if (!options.columns.channels.empty()) {
    require_length("columns.channels", options.columns.channels.size(), "channels",
                   options.channels);
  }
  if (options.conv_channels > 0 && options.conv_stride > options.conv_kernel_size) {
    throw ConfigError(
        fmt::format("Classifier: conv_stride is {} and conv_kernel_size {}; the steps between "
                    "would not be read",
                    options.conv_stride, options.conv_kernel_size));
  }
  if (options.readout != Readout::kLast && options.readout != Readout::kMean) {
    throw ConfigError(fmt::format("Classifier: readout is {}; it must be last or mean",
                                  kReadouts[static_cast<std::size_t>(options.readout)]));
  }
  check(sequence_options(options));
}

SequenceModelOptions sequence_options(const ClassifierOptions& options) {
  SequenceModelOptions of_model;
  of_model.cell = options.cell;
  of_model.num_embeddings = options.text.num_embeddings;
  of_model.input_size = options.reads_texts() ? options.text.embedding_size : inputs_of(options);
  of_model.conv_channels = options.conv_channels;
  of_model.conv_kernel_size = options.conv_kernel_size;
  of_model.conv_stride = options.conv_stride;
  of_model.hidden_size = options.hidden_size;
  of_model.num_layers = options.num_layers;
  of_model.bidirectional = options.bidirectional;
  of_model.readout = options.readout;
  of_model.output_size = static_cast<std::int64_t>(options.classes.size());
  of_model.dropout = options.dropout;
  of_model.recompute_steps = options.recompute_steps;
  of_model.seed = options.seed;
  return of_model;
}

std::vector<NamedShape> parameter_shapes(const ClassifierOptions& options) {
  check(options);
  return parameter_shapes(sequence_options(options));
}

void describe(const data::LabelledSequences& data, std::span<const std::int64_t> learnt,
              ClassifierOptions& options) {
  options.channels = data.channels;
  options.classes = data.classes;
  options.examples.assign(data.classes.size(), 0);
  for (const std::int64_t index : learnt) {
    if (const auto label = data.sequences[at(index)].label; label >= 0)
      ++options.examples[at(label)];
  }
  // In two passes, as the mean may be large beside the deviation.
  const std::size_t channels = at(data.channels);
  std::vector<double> sums(channels);
  std::vector<double> squares(channels);
  std::vector<std::int64_t> counts(channels);
  for_each_value(data, learnt, [&](std::size_t channel, double value) {
    sums[channel] += value;
    ++counts[channel];
  });
  for (std::size_t c = 0; c < channels; ++c) {
    sums[c] /= static_cast<double>(std::max<std::int64_t>(counts[c], 1));
  }
  for_each_value(data, learnt, [&](std::size_t channel, double value) {
    squares[channel] += (value - sums[channel]) * (value - sums[channel]);
  });
  options.mean.assign(sums.begin(), sums.end());
  options.scale.assign(channels, 1.0f);
  for (const std::int64_t c : constant_channels(data, learnt)) squares[at(c)] = 0;
  for (std::size_t c = 0; c < channels; ++c) {
    if (squares[c] == 0) continue;
    options.scale[c] = static_cast<float>(std::sqrt(squares[c] / static_cast<double>(counts[c])));
    if (options.scale[c] == 0) options.scale[c] = 1.0f;  // less than any float
  }
}

std::vector<std::int64_t> all_of(const data::LabelledSequences& data) {
  std::vector<std::int64_t> all(data.sequences.size());
  std::iota(all.begin(), all.end(), 0);
  return all;
}

std::vector<std::int64_t> constant_channels(const data::LabelledSequences& data,
                                            std::span<const std::int64_t> learnt) {
  constexpr double kNone = std::numeric_limits<double>::infinity();
  std::vector<double> least(at(data.channels), kNone);
  std::vector<double> most(at(data.channels), -kNone);
  for_each_value(data, learnt, [&](std::size_t channel, double value) {
    least[channel] = std::min(least[channel], value);
    most[channel] = std::max(most[channel], value);
  });
  std::vector<std::int64_t> constant;
  for (std::int64_t c = 0; c < data.channels; ++c) {
    if (most[at(c)] == least[at(c)]) constant.push_back(c);
  }
  return constant;
}

Classifier::Classifier(const ClassifierOptions& options, std::optional<text::Tokenizer> tokenizer)
    : options_(options),
      tokenizer_(std::move(tokenizer)),
      model_(sequence_options(checked(options))) {
  const std::int64_t tokens = tokenizer_ ? tokenizer_->size() : 0;
  if (tokens != options_.text.num_embeddings) {
    throw ConfigError(
        fmt::format("Classifier: the tokenizer has {} tokens; text.num_embeddings is {}", tokens,
                    options_.text.num_embeddings));
  }
  // An Embedding begins with deviations of 1. Most words are rare, so that their vectors hardly
  // change, and would be noise to learn by heart.
  constexpr float kDeviation = 0.1f;
  if (!tokenizer_) return;
  for (float& value : model_.embedding().weight().mutable_value().values()) value *= kDeviation;
}

void Classifier::set_vectors(const data::WordVectors& vectors) {
  if (!tokenizer_ || vectors.dim != options_.text.embedding_size) {
    throw ConfigError(
        fmt::format("Classifier: the word vectors are of {} numbers; embedding_size is {}",
                    vectors.dim, tokenizer_ ? options_.text.embedding_size : 0));
  }
  Tensor& weight = model_.embedding().weight().mutable_value();
  for (std::size_t i = 0; i < vectors.words.size(); ++i) {
    const std::int32_t id = tokenizer_->find(vectors.words[i]);
    if (id < 0) continue;
    std::copy_n(vectors.values.data() + static_cast<std::int64_t>(i) * vectors.dim, vectors.dim,
                weight.data() + id * vectors.dim);
  }
}

std::vector<std::int32_t> Classifier::labels(const data::LabelledSequences& data,
                                             std::span<const std::int64_t> which) const {
  const std::vector<std::int32_t> in_model = labels_in_model(data, options_);
  std::vector<std::int32_t> labels;
  for (const std::int64_t index : which) {
    const data::LabelledSequence& sequence = data.sequences[at(index)];
    labels.push_back(sequence.label < 0 ? sequence.label : in_model[at(sequence.label)]);
    if (sequence.label >= 0 && labels.back() < 0) {
      throw FormatError(data.path,
                        fmt::format("line {}: the label is \"{}\"; the model knows no such class",
                                    sequence.line, data.classes[at(sequence.label)]));
    }
  }
  return labels;
}

void Classifier::require_readable(const data::LabelledSequences& data,
                                  std::span<const std::int64_t> which) const {
  const std::int64_t channels = options_.channels;
  if (data.channels != channels) {
    throw FormatError(data.path,
                      fmt::format("it has {}; the model reads {}", content(data.channels),
                                  channels == 0 ? content(0) : fmt::format("{}", channels)));
  }
  const bool may_lack = options_.missing == data::Missing::kMask;
  for (const std::int64_t index : which) {
    const data::LabelledSequence& sequence = data.sequences[at(index)];
    for (std::size_t i = 0; i < sequence.values.size(); ++i) {
      const float value = sequence.values[i];
      const std::size_t c = i % at(channels);
      if (std::isnan(value) ? may_lack : std::isfinite(standardised(options_, c, value))) continue;
      throw FormatError(
          data.path,
          fmt::format("{}: {}",
                      data::place_of(data, sequence, static_cast<std::int64_t>(c),
                                     static_cast<std::int64_t>(i) / channels),
                      std::isnan(value)
                          ? std::string("a value is missing; the model reads no sequences "
                                        "with missing values")
                          : fmt::format("{} is too large for the model", value)));
    }
  }
}

ClassifierBatch Classifier::batch(const data::LabelledSequences& data,
                                  std::span<const std::int64_t> which) const {
  require_readable(data, which);
  ClassifierBatch batch;
  for (const std::int64_t index : which) {
    batch.lengths.push_back(data.sequences[at(index)].seq_len);
    batch.seq_len = std::max(batch.seq_len, batch.lengths.back());
  }
  if (options_.reads_texts()) {
    batch.symbols.assign(at(batch.seq_len * batch.batch()), 0);
    for (std::int64_t b = 0; b < batch.batch(); ++b) {
      const std::vector<std::int32_t>& symbols = data.sequences[at(which[at(b)])].symbols;
      for (std::size_t t = 0; t < symbols.size(); ++t) {
        batch.symbols[t * at(batch.batch()) + at(b)] = symbols[t];
      }
    }
    return batch;
  }
  const std::int64_t channels = options_.channels;
  const std::int64_t inputs = inputs_of(options_);
  batch.numbers = Tensor({batch.seq_len, batch.batch(), inputs});
  for (std::int64_t b = 0; b < batch.batch(); ++b) {
    const data::LabelledSequence& sequence = data.sequences[at(which[at(b)])];
    const float* value = sequence.values.data();
    for (std::int64_t t = 0; t < sequence.seq_len; ++t) {
      float* const step = batch.numbers.data() + (t * batch.batch() + b) * inputs;
      for (std::int64_t c = 0; c < channels; ++c, ++value) {
        if (std::isnan(*value)) continue;  // read as the mean
        step[c] = standardised(options_, at(c), *value);
        if (inputs > channels) step[channels + c] = 1.0f;
      }
    }
  }
  return batch;
}

Var Classifier::logits(Tape& tape, const ClassifierBatch& batch) {
  return model_.forward(tape, input_of(batch)).output;
}

Tensor Classifier::probabilities(const data::LabelledSequences& data,
                                 std::span<const std::int64_t> which,
                                 const std::function<void(std::int64_t)>& progress) const {
  const auto count = static_cast<std::int64_t>(which.size());
  const auto classes = static_cast<std::int64_t>(options_.classes.size());
  const auto length = [&](std::int64_t place) {
    return data.sequences[at(which[at(place)])].seq_len;
  };
  // Of similar lengths side by side, so that little is padding.
  std::vector<std::int64_t> order(at(count));
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::greater{}, length);
  constexpr std::int64_t kMostSequences = 64;
  constexpr std::int64_t kMostNumbers = std::int64_t{1} << 22;
  Tensor probabilities({count, classes});
  std::vector<std::int64_t> together;
  for (std::int64_t first = 0; first < count; first += std::ssize(together)) {
    const std::int64_t numbers =
        length(order[at(first)]) *
        std::max({data.channels, options_.text.embedding_size, options_.hidden_size});
    const std::int64_t fit = std::clamp<std::int64_t>(kMostNumbers / numbers, 1, kMostSequences);
    together.clear();
    for (std::int64_t i = first; i < std::min(first + fit, count); ++i) {
      together.push_back(which[at(order[at(i)])]);
    }
    const ClassifierBatch read = batch(data, together);
    const Tensor logits = model_.forward(input_of(read)).output;
    for (std::int64_t b = 0; b < read.batch(); ++b) {
      const std::span<const float> row = logits.values().subspan(at(b * classes), at(classes));
      if (!std::ranges::all_of(row, [](float logit) { return std::isfinite(logit); })) {
        throw NumericError(fmt::format(
            "Classifier: {}, line {}: the logits are not finite; the values or the weights are too "
            "large",
            data.path, data.sequences[at(together[at(b)])].line));
      }
      softmax(row, probabilities.values().subspan(at(order[at(first + b)] * classes), at(classes)));
    }
    if (progress) progress(first + read.batch());
  }
  return probabilities;
}

}  // namespace riverrun::models
