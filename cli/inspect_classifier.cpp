#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "riverrun/core/error.h"
#include "riverrun/models/classifier.h"
#include "riverrun/nn/loss.h"
#include "riverrun/nn/ops.h"

#include "cli/classification_report.h"
#include "cli/inspectable.h"
#include "cli/model.h"
#include "cli/sequences.h"

namespace riverrun::cli {
namespace {

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

class InspectableClassifier final : public Inspectable {
 public:
  InspectableClassifier(models::Classifier model,
                        std::shared_ptr<const data::LabelledSequences> data)
      : model_(std::move(model)), network_(model_.network().clone()), data_(std::move(data)) {
    model_.require_readable(*data_, models::all_of(*data_));
  }

  [[nodiscard]] About about() const override {
    const models::ClassifierOptions& options = model_.options();
    const bool is_mean = options.readout == Readout::kMean;
    About about{.example = nouns_of(model_).example,
                .step = options.reads_texts() ? options.text.tokens : "step",
                .read_step = {},
                .loss = fmt::format(
                    "the cross-entropy of the label, by way of {}",
                    is_mean ? "the state of the step in the middle alone" : "the last states"),
                .baseline = options.missing == data::Missing::kMask
                                ? "a sequence of which nothing is known"
                                : "a sequence that has the mean of each channel throughout",
                .channels = data_->channel_names.empty() ? numbered(data_->channels, "channel ")
                                                         : data_->channel_names};
    if (about.step == "char") about.step = "character";
    if (options.reads_texts()) {
      about.channels = {about.step};
      about.baseline = fmt::format("{}s whose vectors are 0", about.step);
    }
    about.read_step = options.conv_stride > 1
                          ? fmt::format("stride of {} {}s", options.conv_stride, about.step)
                          : about.step;
    return about;
  }
  [[nodiscard]] std::int64_t size() const override { return std::ssize(data_->sequences); }

  [[nodiscard]] InspectedExample example(std::int64_t n, const WantedAnswer& wanted) override {
    const data::LabelledSequence& sequence = data_->sequences[at(n)];
    const std::vector<std::string>& classes = model_.options().classes;
    const Tensor probabilities = model_.probabilities(*data_, std::span(&n, 1));
    const auto largest = std::ranges::max_element(probabilities.values());
    const auto predicted = largest - probabilities.values().begin();
    const std::int64_t looked_at = wanted.name.empty() ? predicted : class_called(wanted.name);
    std::string said =
        fmt::format("class \"{}\" with probability {:.3f}", classes[at(predicted)], *largest);
    if (sequence.label >= 0) {
      said += fmt::format("; its label is \"{}\"", data_->classes[at(sequence.label)]);
    }
    const char* const noun = nouns_of(model_).example;
    std::vector<std::string> steps = numbered(sequence.seq_len);
    for (std::size_t t = 0; t < sequence.symbols.size(); ++t) {
      steps[t] = model_.tokenizer()->display(sequence.symbols[t]);
    }
    return {.name = sequence.name.empty()
                        ? fmt::format("{} {} (line {})", noun, n + 1, sequence.line)
                        : fmt::format("{} {} (\"{}\")", noun, n + 1, sequence.name),
            .said = std::move(said),
            .target = fmt::format("the logit of \"{}\"", classes[at(looked_at)]),
            .steps = std::move(steps),
            .answered = model_.options().readout == Readout::kMean
                            ? std::nullopt
                            : std::optional(at(sequence.seq_len) - 1),
            .x = numbers_of(model_.batch(*data_, std::span(&n, 1))),
            .answer = [this, looked_at](Tape& tape, Var x) {
              return select(network_.forward(tape, computed_input(x)).output, 1, looked_at);
            }};
  }
  /// A value, and behind all values whether it is there.
  [[nodiscard]] Place place(std::size_t step, std::size_t input) const override {
    return {.step = step, .channel = data_->are_texts() ? 0 : input % at(data_->channels)};
  }

  [[nodiscard]] const Recurrent& stack() const override { return network_.rnn(); }
  [[nodiscard]] Tensor read(std::int64_t n) override {
    Tape tape(/*training=*/false);
    const Var x = tape.input(numbers_of(model_.batch(*data_, std::span(&n, 1))));
    return network_.features(tape, computed_input(x)).read.value();
  }
  [[nodiscard]] insight::StackGradient gradient(std::span<const std::int64_t> which,
                                                std::int64_t /*steps*/) override {
    const std::vector<std::int32_t> labels = model_.labels(*data_, which);
    if (std::ranges::count(labels, data::LabelledSequence::kNoLabel) > 0) {
      throw FormatError(data_->path, "it has no labels; the loss that is looked at needs them");
    }
    const models::ClassifierBatch batch = model_.batch(*data_, which);
    Tape tape(/*training=*/false);
    SequenceInput input = computed_input(tape.input(numbers_of(batch)));
    input.lengths = batch.lengths;
    const SequenceModel::VarOutput said = network_.forward(tape, input);
    std::vector<std::int64_t> lengths;
    std::vector<std::int64_t> middles;
    for (const std::int64_t length : batch.lengths) {
      lengths.push_back(network_.steps_of(length));
      if (model_.options().readout == Readout::kMean) middles.push_back((lengths.back() - 1) / 2);
    }
    const Var loss =
        multiply(cross_entropy(said.output, labels), static_cast<float>(batch.batch()));
    return stack_gradient(loss, said.read, said.hidden, said.state, std::move(lengths),
                          std::move(middles));
  }
  [[nodiscard]] std::unique_ptr<Inspectable> untrained(std::uint64_t seed) const override {
    models::ClassifierOptions options = model_.options();
    options.seed = seed;
    return std::make_unique<InspectableClassifier>(models::Classifier(options, model_.tokenizer()),
                                                   data_);
  }

 private:
  /// Of texts, the vectors of their symbols.
  [[nodiscard]] Tensor numbers_of(const models::ClassifierBatch& batch) const {
    if (!model_.options().reads_texts()) return batch.numbers;
    return network_.embedding().forward(batch.symbols, {batch.seq_len, batch.batch()});
  }
  [[nodiscard]] std::int64_t class_called(const std::string& name) const {
    const std::vector<std::string>& classes = model_.options().classes;
    const auto found = std::ranges::find(classes, name);
    if (found != classes.end()) return found - classes.begin();
    throw ConfigError(fmt::format("inspect: the model knows no class \"{}\"; its classes are {}",
                                  name, fmt::join(classes, ", ")));
  }

  models::Classifier model_;
  SequenceModel network_;
  std::shared_ptr<const data::LabelledSequences> data_;
};

}  // namespace

std::unique_ptr<Inspectable> open_classifier(const InspectableSource& source) {
  models::Classifier model = load_finite_classifier(source.model, source.verb);
  auto data = std::make_shared<const data::LabelledSequences>(read_sequences(source.data, model));
  return std::make_unique<InspectableClassifier>(std::move(model), std::move(data));
}

}  // namespace riverrun::cli
