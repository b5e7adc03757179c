#include <algorithm>
#include <cstddef>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "riverrun/core/error.h"
#include "riverrun/data/tagged.h"
#include "riverrun/models/tagger.h"
#include "riverrun/nn/ops.h"

#include "cli/inspectable.h"
#include "cli/model.h"

namespace riverrun::cli {
namespace {

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

class InspectableTagger final : public Inspectable {
 public:
  InspectableTagger(models::Tagger model, std::shared_ptr<const data::TaggedSentences> data)
      : model_(std::move(model)), network_(model_.network().clone()), data_(std::move(data)) {}

  [[nodiscard]] About about() const override {
    About about{.example = "sentence",
                .step = "word",
                .read_step = "word",
                .loss =
                    "minus the log-likelihood of a sentence's tags, by way of the state of the "
                    "word in the middle alone",
                .baseline = "words whose vectors are 0",
                .channels = {"word"}};
    if (model_.options().char_hidden_size > 0) about.channels.emplace_back("spelling");
    return about;
  }
  [[nodiscard]] std::int64_t size() const override { return std::ssize(data_->sentences); }

  [[nodiscard]] InspectedExample example(std::int64_t n, const WantedAnswer& wanted) override {
    const data::TaggedSentence& sentence = data_->sentences[at(n)];
    const auto words = std::ssize(sentence.words);
    const std::int64_t word = wanted.word ? *wanted.word - 1 : (words - 1) / 2;
    if (word >= words) {
      throw ConfigError(
          fmt::format("inspect: --word is {}; sentence {} has {} words", word + 1, n + 1, words));
    }
    const std::vector<std::string>& tags = model_.options().tags;
    std::int64_t tag = 0;
    std::string said;
    model_.tag(*data_, std::span(&n, 1), false, [&](const models::Tagger::Tagging& tagging) {
      tag = tagging.tags[at(word)];
      said = fmt::format("word {}, \"{}\", is \"{}\" with probability {:.3f}", word + 1,
                         sentence.words[at(word)], tags[at(tag)],
                         tagging.probabilities[at(word) * tags.size() + at(tag)]);
    });
    if (!sentence.tags.empty()) {
      said += fmt::format("; its tag is \"{}\"", data_->tags[at(sentence.tags[at(word)])]);
    }
    if (!wanted.name.empty()) tag = tag_called(wanted.name);
    return {
        .name = fmt::format("sentence {} (from line {} on)", n + 1, sentence.line),
        .said = std::move(said),
        .target = fmt::format("what the network scores \"{}\" with there, before {}", tags[at(tag)],
                              model_.options().crf ? "the random field" : "the softmax"),
        .steps = sentence.words,
        .answered = at(word),
        .x = read(n),
        .answer = [this, word, tag](Tape& tape, Var x) {
          const Var scores = network_.forward(tape, computed_input(x)).output;
          return select(select(scores, 0, word), 1, tag);
        }};
  }
  [[nodiscard]] Place place(std::size_t step, std::size_t input) const override {
    return {.step = step, .channel = input < at(model_.options().embedding_size) ? 0u : 1u};
  }

  [[nodiscard]] const Recurrent& stack() const override { return network_.rnn(); }
  [[nodiscard]] Tensor read(std::int64_t n) override {
    return model_.word_features(model_.batch(*data_, std::span(&n, 1)));
  }
  [[nodiscard]] insight::StackGradient gradient(std::span<const std::int64_t> which,
                                                std::int64_t /*steps*/) override {
    if (data_->tags.empty()) {
      throw FormatError(data_->path, "it has no tags; the loss that is looked at needs them");
    }
    const models::TaggerBatch batch = model_.batch(*data_, which);
    Tape tape(/*training=*/false);
    SequenceInput input = computed_input(tape.input(model_.word_features(batch)));
    input.lengths = batch.lengths;
    const SequenceModel::VarOutput said = network_.forward(tape, input);
    const Var mean = model_.loss(tape, said.output, batch, model_.tags(*data_, which, batch));
    const auto words = std::accumulate(batch.lengths.begin(), batch.lengths.end(), std::int64_t{0});
    std::vector<std::int64_t> middles;
    for (const std::int64_t length : batch.lengths) middles.push_back((length - 1) / 2);
    return stack_gradient(multiply(mean, static_cast<float>(words)), said.read, said.hidden,
                          said.state, batch.lengths, std::move(middles));
  }
  [[nodiscard]] std::unique_ptr<Inspectable> untrained(std::uint64_t seed) const override {
    models::TaggerOptions options = model_.options();
    options.seed = seed;
    const models::TaggerVocabulary& of_model = model_.vocabulary();
    models::TaggerVocabulary vocabulary(of_model.words(), of_model.word_tags(),
                                        of_model.characters());
    return std::make_unique<InspectableTagger>(models::Tagger(options, std::move(vocabulary)),
                                               data_);
  }

 private:
  [[nodiscard]] std::int64_t tag_called(const std::string& name) const {
    const std::vector<std::string>& tags = model_.options().tags;
    const auto found = std::ranges::find(tags, name);
    if (found != tags.end()) return found - tags.begin();
    throw ConfigError(fmt::format("inspect: the model knows no tag \"{}\"; its tags are {}", name,
                                  fmt::join(tags, ", ")));
  }

  models::Tagger model_;
  SequenceModel network_;
  std::shared_ptr<const data::TaggedSentences> data_;
};

}  // namespace

std::unique_ptr<Inspectable> open_tagger(const InspectableSource& source) {
  models::Tagger model = load_finite_tagger(source.model, source.verb);
  auto data = std::make_shared<const data::TaggedSentences>(
      data::read_conll(source.data, model.options().columns, data::LabelColumn::kIfThere));
  return std::make_unique<InspectableTagger>(std::move(model), std::move(data));
}

}  // namespace riverrun::cli
