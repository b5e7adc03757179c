#include "riverrun/lm/language_model.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/random.h"
#include "riverrun/nn/cells.h"
#include "riverrun/nn/loss.h"
#include "riverrun/nn/sequence_model.h"

namespace riverrun::lm {
namespace {

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

}  // namespace

void check(const LanguageModelOptions& options) {
  const auto positive = [](const char* name, std::int64_t value) {
    if (value < 1) {
      throw ConfigError(fmt::format("LanguageModel: {} is {}; it must be at least 1", name, value));
    }
  };
  positive("vocab_size", options.vocab_size);
  positive("embedding_size", options.embedding_size);
  positive("hidden_size", options.hidden_size);
  positive("num_layers", options.num_layers);
  constexpr std::int64_t kMostLayers = 1000;  // as Recurrent
  if (options.num_layers > kMostLayers) {
    throw ConfigError(fmt::format("LanguageModel: num_layers is {}; it must be at most {}",
                                  options.num_layers, kMostLayers));
  }
  // Recurrent refuses it too, but under its own name and only with several layers.
  if (!(options.dropout >= 0 && options.dropout < 1)) {
    throw ConfigError(
        fmt::format("LanguageModel: dropout is {}; it must be in [0, 1)", options.dropout));
  }
  if (options.init_uniform &&
      !(*options.init_uniform >= 0 && std::isfinite(*options.init_uniform))) {
    throw ConfigError(
        fmt::format("LanguageModel: init_uniform is {}; it must be a finite number of at least 0",
                    *options.init_uniform));
  }
  if (options.forget_bias && !std::isfinite(*options.forget_bias)) {
    throw ConfigError(fmt::format("LanguageModel: forget_bias is {}; it must be a finite number",
                                  *options.forget_bias));
  }
  if (options.forget_bias && options.init_uniform) {
    throw ConfigError(
        "LanguageModel: forget_bias and init_uniform are set; only one can be, as init_uniform "
        "decides every parameter");
  }
  // A file may claim any sizes: refuse what could not be held before anything is allocated.
  constexpr double kMaxParameters = 1e11;
  const double hidden = static_cast<double>(options.hidden_size);
  const auto gates = static_cast<double>(find_cell(options.cell).gates.size());
  const double estimate =
      static_cast<double>(options.vocab_size) *
          (static_cast<double>(options.embedding_size) + hidden) +
      gates * hidden * (static_cast<double>(options.embedding_size) + hidden) +
      (static_cast<double>(options.num_layers) - 1) * gates * 2 * hidden * hidden;
  if (estimate > kMaxParameters) {
    throw ConfigError(fmt::format(
        "LanguageModel: vocab_size = {}, embedding_size = {}, hidden_size = {} and num_layers = {} "
        "make about {:.0e} parameters; at most 1e11 are allowed",
        options.vocab_size, options.embedding_size, options.hidden_size, options.num_layers,
        estimate));
  }
}

struct LanguageModel::Impl {
  explicit Impl(const LanguageModelOptions& o) : options(o), model(sequence_options(o)) {}
  /// With parameters of its own.
  Impl(const Impl& other) : options(other.options), model(other.model.clone()) {}

  static SequenceInput input(std::span<const std::int32_t> inputs,
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

  LanguageModelOptions options;
  SequenceModel model;
};

LanguageModel::LanguageModel(const LanguageModelOptions& options) {
  check(options);
  impl_ = std::make_unique<Impl>(options);
  if (options.init_uniform) {
    Random random(options.seed, 3);
    for (const NamedParameter& named : parameters()) {
      random.fill_uniform(named.parameter->mutable_value().values(), -*options.init_uniform,
                          *options.init_uniform);
    }
  }
}

LanguageModel::LanguageModel(LanguageModel&&) noexcept = default;
LanguageModel& LanguageModel::operator=(LanguageModel&&) noexcept = default;
LanguageModel::~LanguageModel() = default;
LanguageModel::LanguageModel(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LanguageModel LanguageModel::clone() const { return LanguageModel(std::make_unique<Impl>(*impl_)); }

LanguageModel::Loss LanguageModel::loss(Tape& tape, std::span<const std::int32_t> inputs,
                                        std::span<const std::int32_t> targets, std::int64_t batch,
                                        const State& initial) {
  SequenceModel& model = impl_->model;
  SequenceModel::VarOutput result =
      model.features(tape, Impl::input(inputs, targets, batch), initial);
  return {linear_cross_entropy(model.decoder(), tape, result.output, targets),
          std::move(result.state)};
}

double LanguageModel::total_nats(std::span<const std::int32_t> inputs,
                                 std::span<const std::int32_t> targets, std::int64_t batch,
                                 State& state, std::span<double> per_target) const {
  SequenceModel::Output result =
      std::as_const(impl_->model).features(Impl::input(inputs, targets, batch), state);
  state = std::move(result.state);
  return linear_cross_entropy(decoder(), result.output, targets, per_target);
}

void LanguageModel::set_inference_weights(WeightType type) {
  impl_->model.set_inference_weights(type);
}

State LanguageModel::zero_state(std::int64_t batch) const { return rnn().zero_state(batch); }

Embedding& LanguageModel::embedding() noexcept { return impl_->model.embedding(); }
const Embedding& LanguageModel::embedding() const noexcept { return impl_->model.embedding(); }
Recurrent& LanguageModel::rnn() noexcept { return impl_->model.rnn(); }
const Recurrent& LanguageModel::rnn() const noexcept { return impl_->model.rnn(); }
Linear& LanguageModel::decoder() noexcept { return impl_->model.decoder(); }
const Linear& LanguageModel::decoder() const noexcept { return impl_->model.decoder(); }

ParameterList LanguageModel::parameters() { return impl_->model.parameters(); }
ConstParameterList LanguageModel::parameters() const {
  return std::as_const(impl_->model).parameters();
}

std::int64_t LanguageModel::parameter_count() const {
  std::int64_t count = 0;
  for (const NamedConstParameter& named : parameters()) {
    count += named.parameter->value().elements();
  }
  return count;
}

const LanguageModelOptions& LanguageModel::options() const noexcept { return impl_->options; }

struct LanguageModel::Reader::Impl {
  explicit Impl(const LanguageModel& model)
      : embedding(model.embedding().weight().value()),
        decoder(model.decoder()),
        stream(model.rnn().stream(1)),
        hidden({model.options().hidden_size}),
        logits({model.options().vocab_size}) {}

  const Tensor& embedding;
  const Linear& decoder;
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
  impl_->decoder.multiply(1, impl_->hidden.data(), impl_->logits.data());
  return impl_->logits.values();
}

void LanguageModel::Reader::reset() noexcept { impl_->stream.reset(); }

}  // namespace riverrun::lm
