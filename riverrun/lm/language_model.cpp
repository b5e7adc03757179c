#include "riverrun/lm/language_model.h"

#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/random.h"
#include "riverrun/nn/loss.h"

namespace riverrun::lm {
namespace {

const LanguageModelOptions& checked(const LanguageModelOptions& options) {
  check(options);
  return options;
}

SequenceInput sequence_input(std::span<const std::int32_t> inputs,
                             std::span<const std::int32_t> targets, std::int64_t batch) {
  const auto tokens = static_cast<std::int64_t>(inputs.size());
  if (batch < 1 || tokens == 0 || tokens % batch != 0 || inputs.size() != targets.size()) {
    throw ShapeError(
        fmt::format("LanguageModel: {} inputs and {} targets for a batch of {}; both must be the "
                    "same multiple of the batch, and not 0",
                    inputs.size(), targets.size(), batch));
  }
  return {.seq_len = tokens / batch, .batch = batch, .symbols = inputs};
}

}  // namespace

SequenceModelOptions sequence_options(const LanguageModelOptions& options) {
  SequenceModelOptions of_model;
  of_model.cell = options.cell;
  of_model.num_embeddings = options.vocab_size;
  of_model.input_size = options.embedding_size;
  of_model.hidden_size = options.hidden_size;
  of_model.num_layers = options.num_layers;
  of_model.output_size = options.vocab_size;
  of_model.dropout = options.dropout;
  of_model.init.forget_bias = options.forget_bias;
  of_model.seed = options.seed;
  return of_model;
}

void check(const LanguageModelOptions& options) {
  check_fields("LanguageModel", options);
  if (options.forget_bias && options.init_uniform) {
    throw ConfigError(
        "LanguageModel: forget_bias and init_uniform are set; only one can be, as init_uniform "
        "decides every parameter");
  }
  check(sequence_options(options));
}

LanguageModel::LanguageModel(const LanguageModelOptions& options)
    : LanguageModel(options, SequenceModel(sequence_options(checked(options)))) {
  if (!options.init_uniform) return;
  Random random(options.seed, 3);
  for (const NamedParameter& named : parameters()) {
    random.fill_uniform(named.parameter->mutable_value().values(), -*options.init_uniform,
                        *options.init_uniform);
  }
}

LanguageModel::Loss LanguageModel::loss(Tape& tape, std::span<const std::int32_t> inputs,
                                        std::span<const std::int32_t> targets, std::int64_t batch,
                                        const State& initial) {
  SequenceModel::VarOutput result =
      model_.features(tape, sequence_input(inputs, targets, batch), initial);
  return {linear_cross_entropy(decoder(), tape, result.output, targets), std::move(result.state)};
}

double LanguageModel::total_nats(std::span<const std::int32_t> inputs,
                                 std::span<const std::int32_t> targets, std::int64_t batch,
                                 State& state, std::span<double> per_target) const {
  SequenceModel::Output result = model_.features(sequence_input(inputs, targets, batch), state);
  state = std::move(result.state);
  return linear_cross_entropy(decoder(), result.output, targets, per_target);
}

std::int64_t LanguageModel::parameter_count() const {
  std::int64_t count = 0;
  for (const NamedConstParameter& named : parameters()) {
    count += named.parameter->value().elements();
  }
  return count;
}

struct LanguageModel::Reader::Impl {
  explicit Impl(const LanguageModel& model)
      : embedding(model.embedding().weight().value()),
        decoder(model.decoder().stream(1)),
        stream(model.rnn().stream(1)),
        hidden({model.options().hidden_size}),
        logits({model.options().vocab_size}) {}

  const Tensor& embedding;  // stays where it is when the model is moved
  LinearStream decoder;
  Stream stream;
  Tensor hidden;
  Tensor logits;
};

LanguageModel::Reader::Reader(const LanguageModel& model) : impl_(std::make_unique<Impl>(model)) {}
LanguageModel::Reader::Reader(Reader&&) noexcept = default;
LanguageModel::Reader& LanguageModel::Reader::operator=(Reader&&) noexcept = default;
LanguageModel::Reader::~Reader() = default;

std::span<const float> LanguageModel::Reader::read(std::int32_t token) {
  const std::int64_t vocab_size = impl_->embedding.size(0);
  if (token < 0 || token >= vocab_size) {
    throw ConfigError(fmt::format(
        "LanguageModel.read: token is {}; it must be in [0, vocab_size = {})", token, vocab_size));
  }
  const auto size = static_cast<std::size_t>(impl_->embedding.size(1));
  impl_->stream.step(
      impl_->embedding.values().subspan(static_cast<std::size_t>(token) * size, size),
      impl_->hidden.values());
  impl_->decoder.step(impl_->hidden.values(), impl_->logits.values());
  return impl_->logits.values();
}

void LanguageModel::Reader::reset() noexcept { impl_->stream.reset(); }

}  // namespace riverrun::lm
