// The past in segments, each segment of the horizon at once: ForecastMethod::kSegments.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <utility>

#include "riverrun/core/random.h"
#include "riverrun/models/forecast_network.h"
#include "riverrun/nn/dropout.h"
#include "riverrun/nn/embedding.h"
#include "riverrun/nn/linear.h"
#include "riverrun/nn/loss.h"
#include "riverrun/nn/ops.h"
#include "riverrun/nn/sequence_model.h"

namespace riverrun::models {
namespace {

/// What is drawn of the initial parameters, each part from a stream of seeds of its own.
enum SeedPart : std::uint64_t { kSegment = 0, kModel = 1, kPosition = 2, kLine = 3, kFuture = 4 };

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

/// What reads the segments, and what says them.
SequenceModelOptions model_options(const ForecasterOptions& options) {
  SequenceModelOptions of_model;
  of_model.cell = options.cell;
  of_model.input_size = options.hidden_size;
  of_model.hidden_size = options.hidden_size;
  of_model.num_layers = options.num_layers;
  of_model.output_size = options.segment * std::ssize(options.quantiles);
  of_model.dropout = options.dropout;
  of_model.seed = part_seed(options.seed, kModel);
  return of_model;
}

class SegmentNetwork final : public ForecastNetwork {
 public:
  explicit SegmentNetwork(const ForecasterOptions& options)
      : options_(options),
        segments_(forecast_sizes(options).future_segments),
        embedding_({.in_features = forecast_sizes(options).of_past(options.segment),
                    .out_features = options.hidden_size,
                    .seed = part_seed(options.seed, kSegment)}),
        model_(model_options(options)),
        position_({.num_embeddings = segments_,
                   .embedding_dim = options.hidden_size,
                   .seed = part_seed(options.seed, kPosition)}),
        line_({.num_embeddings = std::ssize(options.lines),
               .embedding_dim = options.hidden_size,
               .seed = part_seed(options.seed, kLine)}) {
    if (const std::int64_t size = forecast_sizes(options).of_future(options.segment); size > 0) {
      future_.emplace(LinearOptions{.in_features = size,
                                    .out_features = options.hidden_size,
                                    .bias = false,
                                    .seed = part_seed(options.seed, kFuture)});
    }
  }

  /// In the numbers of the lines: a window that hardly moves does not count as much as others.
  ForecastLoss loss(Tape& tape, const ForecastBatch& batch) override {
    const Tensor scales({1, batch.batch(), 1}, batch.scale);
    const Said of_batch = quantiles(tape, batch, tape.input(batch.past));
    const Var said = multiply(of_batch.quantiles, tape.input(scales));
    std::vector<float> targets;
    for (const float target : batch.target.values()) {
      targets.push_back(target * batch.scale[targets.size() % batch.scale.size()]);
    }
    return {.loss = multiply(quantile_loss(said, targets, options_.quantiles), 2.0f),
            .read = of_batch.read,
            .output = of_batch.past.output,
            .state = of_batch.past.state,
            .answered = of_batch.read.shape()[0] - 1};
  }

  Var likeliest(Tape& tape, const ForecastBatch& batch, Var past) override {
    const Var all = quantiles(tape, batch, past).quantiles;
    // Quantiles may cross; the median of a forecast is the one in the middle once they are in
    // order.
    const auto median = std::ranges::find(options_.quantiles, 0.5) - options_.quantiles.begin();
    const auto count = options_.quantiles.size();
    std::vector<std::int64_t> in_order(count);
    std::vector<std::int64_t> chosen;
    for (std::size_t i = 0; i < all.value().values().size(); i += count) {
      const std::span<const float> said = all.value().values().subspan(i, count);
      std::iota(in_order.begin(), in_order.end(), 0);
      std::ranges::sort(in_order, {}, [said](std::int64_t q) { return said[at(q)]; });
      chosen.push_back(in_order[at(median)]);
    }
    return select(gather(all, 2, chosen), 2, 0);
  }

  [[nodiscard]] const Recurrent& rnn() const override { return model_.rnn(); }

  [[nodiscard]] Forecaster::LossSum loss_sum(const ForecastBatch& batch) const override {
    const Tensor said = quantiles(batch);
    const double factor = 2.0 / static_cast<double>(options_.quantiles.size());
    Forecaster::LossSum loss;
    for (std::int64_t i = 0; i < batch.target.elements(); ++i) {
      const auto target = static_cast<double>(batch.target.data()[i]);
      if (std::isnan(target)) continue;
      ++loss.targets;
      const auto scale = static_cast<double>(batch.scale[at(i % batch.batch())]);
      const float* of_target = said.data() + i * quantile_count();
      for (std::int64_t q = 0; q < quantile_count(); ++q) {
        const double error = scale * (target - static_cast<double>(of_target[q]));
        const double level = options_.quantiles[at(q)];
        loss.sum += factor * std::max(level * error, (level - 1) * error);
      }
    }
    return loss;
  }

  [[nodiscard]] Tensor forecast(const ForecastBatch& batch, std::uint64_t /*seed*/,
                                std::uint64_t /*first*/) const override {
    return quantiles(batch);
  }

  [[nodiscard]] ParameterList parameters() override {
    ParameterList list = prefixed("segment_embedding", embedding_.parameters());
    list += model_.parameters();
    list += prefixed("position_embedding", position_.parameters());
    list += prefixed("line_embedding", line_.parameters());
    if (future_) list += prefixed("future", future_->parameters());
    return list;
  }
  [[nodiscard]] ConstParameterList parameters() const override {
    ConstParameterList list = prefixed("segment_embedding", embedding_.parameters());
    list += model_.parameters();
    list += prefixed("position_embedding", position_.parameters());
    list += prefixed("line_embedding", line_.parameters());
    if (future_) list += prefixed("future", future_->parameters());
    return list;
  }

 private:
  struct Said {
    Var quantiles;  // [horizon, batch, quantiles]
    Var read;       // by the recurrent layers, of the past
    Recurrent::VarOutput past;
  };
  /// The state that the past ends in goes on into each segment of the
  /// future by itself, so that no error of one reaches the next.
  Said quantiles(Tape& tape, const ForecastBatch& batch, Var past) {
    const Var read = relu(embedding_.forward(tape, past));
    Recurrent::VarOutput of_past = model_.rnn().forward(tape, read);
    const std::vector<Var>& last = of_past.state;
    const Shape each{1, rows(batch)};
    Var asked = add(position_.forward(tape, positions(batch), each),
                    line_vectors(tape, line_, repeated(batch.lines), each));
    if (future_) {
      const Var known = future_->forward(tape, tape.input(batch.future));
      asked = add(asked, reshape(known, {1, rows(batch), options_.hidden_size}));
    }
    std::vector<Var> initial;
    initial.reserve(last.size());
    for (const Var& state : last) initial.push_back(index_select(state, 1, repeated_places(batch)));
    Var said = model_.rnn().forward(tape, asked, initial).output;
    said = model_.decoder().forward(tape, dropout(tape, said, options_.dropout));
    said = reshape(said, {segments_, batch.batch(), options_.segment, quantile_count()});
    said = reshape(transpose(said, 1, 2),
                   {segments_ * options_.segment, batch.batch(), quantile_count()});
    return {.quantiles = narrow(said, 0, 0, options_.horizon),
            .read = read,
            .past = std::move(of_past)};
  }

  /// The same without gradients or dropout.
  [[nodiscard]] Tensor quantiles(const ForecastBatch& batch) const {
    Tensor read = embedding_.forward(batch.past);
    for (float& value : read.values()) value = std::max(value, 0.0f);
    const State last = model_.rnn().forward(read).state;
    Tensor asked = position_.forward(positions(batch), {1, rows(batch)});
    if (future_) {
      const Tensor known = future_->forward(batch.future);
      for (std::int64_t i = 0; i < known.elements(); ++i) asked.data()[i] += known.data()[i];
    }
    const auto hidden = at(options_.hidden_size);
    const LineVectors vectors(line_.weight().value(), batch.lines);
    for (std::int64_t row = 0; row < rows(batch); ++row) {
      vectors.add_to(asked.values().subspan(at(row) * hidden, hidden),
                     batch.lines[at(row % batch.batch())]);
    }
    State initial;
    for (const Tensor& state : last.tensors) initial.tensors.push_back(repeated(state));
    const Tensor said = model_.decoder().forward(model_.rnn().forward(asked, initial).output);
    Tensor ordered({options_.horizon, batch.batch(), quantile_count()});
    for (std::int64_t h = 0; h < options_.horizon; ++h) {
      for (std::int64_t b = 0; b < batch.batch(); ++b) {
        const std::int64_t row = h / options_.segment * batch.batch() + b;
        std::copy_n(
            said.data() + (row * options_.segment + h % options_.segment) * quantile_count(),
            quantile_count(), ordered.data() + (h * batch.batch() + b) * quantile_count());
      }
    }
    return ordered;
  }

  [[nodiscard]] std::int64_t quantile_count() const { return std::ssize(options_.quantiles); }
  [[nodiscard]] std::int64_t rows(const ForecastBatch& batch) const {
    return segments_ * batch.batch();
  }
  /// Of each row: the place of its segment in the horizon.
  [[nodiscard]] std::vector<std::int32_t> positions(const ForecastBatch& batch) const {
    std::vector<std::int32_t> places;
    for (std::int64_t row = 0; row < rows(batch); ++row) {
      places.push_back(static_cast<std::int32_t>(row / batch.batch()));
    }
    return places;
  }
  /// Of each row: its window.
  [[nodiscard]] std::vector<std::int32_t> repeated_places(const ForecastBatch& batch) const {
    std::vector<std::int32_t> places;
    for (std::int64_t row = 0; row < rows(batch); ++row) {
      places.push_back(static_cast<std::int32_t>(row % batch.batch()));
    }
    return places;
  }
  [[nodiscard]] std::vector<std::int32_t> repeated(const std::vector<std::int32_t>& once) const {
    std::vector<std::int32_t> all;
    for (std::int64_t s = 0; s < segments_; ++s) all.insert(all.end(), once.begin(), once.end());
    return all;
  }
  /// [layers, batch, hidden] -> [layers, segments·batch, hidden]
  [[nodiscard]] Tensor repeated(const Tensor& state) const {
    const std::int64_t of_layer = state.size(1) * state.size(2);
    Tensor all({state.size(0), segments_ * state.size(1), state.size(2)});
    float* to = all.data();
    for (std::int64_t layer = 0; layer < state.size(0); ++layer) {
      for (std::int64_t s = 0; s < segments_; ++s) {
        to = std::copy_n(state.data() + layer * of_layer, of_layer, to);
      }
    }
    return all;
  }

  ForecasterOptions options_;
  std::int64_t segments_;  // of the horizon
  Linear embedding_;
  SequenceModel model_;
  Embedding position_;
  Embedding line_;
  std::optional<Linear> future_;  // what is known of a segment; none: nothing is
};

}  // namespace

std::vector<NamedShape> segment_network_shapes(const ForecasterOptions& options) {
  const ForecastSizes sizes = forecast_sizes(options);
  const std::int64_t hidden = options.hidden_size;
  std::vector<NamedShape> shapes = {
      {"segment_embedding.weight", {hidden, sizes.of_past(options.segment)}},
      {"segment_embedding.bias", {hidden}}};
  for (NamedShape& shape : parameter_shapes(model_options(options))) {
    shapes.push_back(std::move(shape));
  }
  shapes.push_back({"position_embedding.weight", {sizes.future_segments, hidden}});
  shapes.push_back({"line_embedding.weight", {std::ssize(options.lines), hidden}});
  if (const std::int64_t size = sizes.of_future(options.segment); size > 0) {
    shapes.push_back({"future.weight", {hidden, size}});
  }
  return shapes;
}

std::unique_ptr<ForecastNetwork> make_segment_network(const ForecasterOptions& options) {
  return std::make_unique<SegmentNetwork>(options);
}

}  // namespace riverrun::models
