// Row by row, each from the one before: ForecastMethod::kPaths.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <optional>
#include <utility>

#include "riverrun/core/random.h"
#include "riverrun/models/forecast_network.h"
#include "riverrun/nn/embedding.h"
#include "riverrun/nn/ops.h"
#include "riverrun/nn/sequence_model.h"

namespace riverrun::models {
namespace {

/// What is drawn of the initial parameters, each part from a stream of seeds of its own.
enum SeedPart : std::uint64_t { kModel = 0, kLine = 1 };

/// Of the vector of a line.
constexpr std::int64_t kLineFeatures = 16;
/// Of a normal distribution: the mean, and the logarithm of the standard deviation.
constexpr std::int64_t kNumbers = 2;

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

/// Of a row: the value before it, what is known of it, and the calendar.
std::int64_t row_size(const ForecasterOptions& options) {
  const ForecastSizes sizes = forecast_sizes(options);
  return sizes.value + sizes.known + sizes.calendar;
}

SequenceModelOptions model_options(const ForecasterOptions& options) {
  SequenceModelOptions of_model;
  of_model.cell = options.cell;
  of_model.input_size = row_size(options) + kLineFeatures;
  of_model.hidden_size = options.hidden_size;
  of_model.num_layers = options.num_layers;
  of_model.output_size = kNumbers;
  of_model.dropout = options.dropout;
  of_model.seed = part_seed(options.seed, kModel);
  return of_model;
}

/// Of sorted numbers, on the line between the two nearest (definition 7 of Hyndman & Fan 1996).
float quantile(const std::vector<float>& sorted, double q) {
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const auto part = static_cast<float>(place - static_cast<double>(below));
  return sorted[below] + part * (sorted[above] - sorted[below]);
}

class PathNetwork final : public ForecastNetwork {
 public:
  explicit PathNetwork(const ForecasterOptions& options)
      : options_(options),
        sizes_(forecast_sizes(options)),
        model_(model_options(options)),
        line_({.num_embeddings = std::ssize(options.lines),
               .embedding_dim = kLineFeatures,
               .seed = part_seed(options.seed, kLine)}) {}

  ForecastLoss loss(Tape& tape, const ForecastBatch& batch) override {
    SequenceModel::VarOutput answers = forward(tape, tape.input(numbers(batch)), batch.lines);
    const Var said = answers.output;
    const std::int64_t steps = said.shape()[0];

    Tensor values({steps, batch.batch(), 1});
    Tensor counts(values.shape());
    float count = 0;
    for (std::int64_t i = 0; i < values.elements(); ++i) {
      const float value = value_at(batch, i);
      if (std::isnan(value)) continue;
      values.data()[i] = value;
      counts.data()[i] = 1;
      ++count;
    }
    const Var log_deviation = narrow(said, 2, 1, 1);
    const Var error = multiply(subtract(tape.input(std::move(values)), narrow(said, 2, 0, 1)),
                               exp(multiply(log_deviation, -1.0f)));
    const Var nats = add(log_deviation, multiply(multiply(error, error), 0.5f));
    const Var total = sum(multiply(nats, tape.input(std::move(counts))));
    return {.loss = add(multiply(total, 1.0f / count), static_cast<float>(kConstant)),
            .read = answers.read,
            .output = answers.hidden,
            .state = std::move(answers.state),
            .answered = options_.look_back - 1};
  }

  Var likeliest(Tape& tape, const ForecastBatch& batch, Var past) override {
    // As numbers(): of each row the value before it, and what is known of the row itself.
    Var rows = narrow(past, 2, 0, sizes_.value);
    if (const std::int64_t known = sizes_.of_future(1); known > 0) {
      Var of_rows = narrow(tape.input(batch.future), 0, 0, 1);
      if (const std::int64_t later = options_.look_back - 1; later > 0) {
        of_rows = cat({narrow(narrow(past, 2, sizes_.value, known), 0, 1, later), of_rows}, 0);
      }
      rows = cat({rows, of_rows}, 2);
    }
    const Var said = forward(tape, rows, batch.lines).output;
    return select(narrow(said, 0, options_.look_back - 1, 1), 2, 0);
  }

  [[nodiscard]] const Recurrent& rnn() const override { return model_.rnn(); }

  [[nodiscard]] Forecaster::LossSum loss_sum(const ForecastBatch& batch) const override {
    const LineVectors vectors(line_.weight().value(), batch.lines);
    const Tensor rows = with_lines(numbers(batch), batch.lines, vectors);
    const Tensor said =
        model_.forward({.seq_len = rows.size(0), .batch = rows.size(1), .numbers = &rows}).output;
    Forecaster::LossSum loss;
    for (std::int64_t i = 0; i < rows.size(0) * rows.size(1); ++i) {
      const float value = value_at(batch, i);
      if (std::isnan(value)) continue;
      const auto mean = static_cast<double>(said.data()[i * kNumbers]);
      const auto log_deviation = static_cast<double>(said.data()[i * kNumbers + 1]);
      const double error = (static_cast<double>(value) - mean) * std::exp(-log_deviation);
      loss.sum += log_deviation + error * error / 2 + kConstant;
      ++loss.targets;
    }
    return loss;
  }

  [[nodiscard]] Tensor forecast(const ForecastBatch& batch, std::uint64_t seed,
                                std::uint64_t first) const override {
    const std::int64_t windows = batch.batch();
    const std::int64_t paths = options_.paths;
    const Tensor rows = numbers(batch);
    const std::int64_t read = options_.look_back - 1;  // rows before the horizon
    const LineVectors vectors(line_.weight().value(), batch.lines);
    State state = repeated(state_after(rows, read, batch.lines, vectors));
    std::vector<std::int32_t> lines;
    std::vector<Random> random;
    for (std::int64_t b = 0; b < windows; ++b) {
      lines.insert(lines.end(), at(paths), batch.lines[at(b)]);
      random.emplace_back(seed, first + static_cast<std::uint64_t>(b));
    }
    const std::int64_t size = row_size(options_);
    std::vector<float> drawn(at(windows * paths));  // of the row before
    Tensor quantiles({options_.horizon, windows, std::ssize(options_.quantiles)});
    float* to = quantiles.data();
    for (std::int64_t h = 0; h < options_.horizon; ++h) {
      Tensor row({1, windows * paths, size});
      for (std::int64_t i = 0; i < windows * paths; ++i) {
        float* numbers_of_row = row.data() + i * size;
        std::copy_n(rows.data() + ((read + h) * windows + i / paths) * size, size, numbers_of_row);
        if (h == 0) continue;
        numbers_of_row[0] = drawn[at(i)];
        if (sizes_.value > 1) numbers_of_row[1] = 0;
      }
      row = with_lines(row, lines, vectors);
      SequenceModel::Output said =
          model_.forward({.seq_len = 1, .batch = windows * paths, .numbers = &row}, state);
      state = std::move(said.state);
      for (std::int64_t b = 0; b < windows; ++b) {
        std::vector<float> of_window;
        for (std::int64_t i = b * paths; i < (b + 1) * paths; ++i) {
          const float* normal = said.output.data() + i * kNumbers;
          drawn[at(i)] = normal[0] + std::exp(normal[1]) * random[at(b)].normal();
          of_window.push_back(drawn[at(i)]);
        }
        if (std::ranges::any_of(of_window, [](float x) { return std::isnan(x); })) {
          of_window.assign(of_window.size(), std::numeric_limits<float>::quiet_NaN());
        }
        std::ranges::sort(of_window);
        for (const double q : options_.quantiles) *to++ = quantile(of_window, q);
      }
    }
    return quantiles;
  }

  [[nodiscard]] ParameterList parameters() override {
    return model_.parameters() + prefixed("line_embedding", line_.parameters());
  }
  [[nodiscard]] ConstParameterList parameters() const override {
    return model_.parameters() + prefixed("line_embedding", line_.parameters());
  }

 private:
  static constexpr double kConstant = 0.91893853320467274178;  // log √2π

  /// Rows [steps, batch, row_size] with the vectors of the lines, [batch], behind the numbers.
  SequenceModel::VarOutput forward(Tape& tape, Var rows, const std::vector<std::int32_t>& of_rows) {
    const std::int64_t steps = rows.shape()[0];
    const std::int64_t windows = rows.shape()[1];
    std::vector<std::int32_t> lines;
    for (std::int64_t t = 0; t < steps; ++t) {
      lines.insert(lines.end(), of_rows.begin(), of_rows.end());
    }
    SequenceInput input{.seq_len = steps, .batch = windows};
    input.computed = cat({rows, line_vectors(tape, line_, lines, {steps, windows})}, 2);
    return model_.forward(tape, input);
  }

  /// [look_back - 1 + horizon, batch, row_size]: of the second row and all after it. Where
  /// the value before a row is missing, it is the one before that, and the second number says so.
  [[nodiscard]] Tensor numbers(const ForecastBatch& batch) const {
    const std::int64_t windows = batch.batch();
    const std::int64_t steps = options_.look_back - 1 + options_.horizon;
    const std::int64_t size = row_size(options_);
    const std::int64_t past = sizes_.of_past(1);
    const std::int64_t future = sizes_.of_future(1);
    Tensor rows({steps, windows, size});
    float* to = rows.data();
    for (std::int64_t t = 1; t <= steps; ++t) {
      for (std::int64_t b = 0; b < windows; ++b) {
        const std::int64_t before = t - 1;
        if (before < options_.look_back) {
          to = std::copy_n(batch.past.data() + (before * windows + b) * past, sizes_.value, to);
        } else {
          const float value = batch.target.data()[(before - options_.look_back) * windows + b];
          const bool is_missing = std::isnan(value);
          const float last = *(to - windows * size);
          *to++ = is_missing ? last : value;
          if (sizes_.value > 1) *to++ = is_missing ? 1.0f : 0.0f;
        }
        if (future == 0) continue;
        const float* from =
            t < options_.look_back
                ? batch.past.data() + (t * windows + b) * past + sizes_.value + sizes_.past
                : batch.future.data() + ((t - options_.look_back) * windows + b) * future;
        to = std::copy_n(from, future, to);
      }
    }
    return rows;
  }

  /// Element i of the values [look_back - 1 + horizon, batch] that rows are to say.
  [[nodiscard]] float value_at(const ForecastBatch& batch, std::int64_t i) const {
    const std::int64_t known = (options_.look_back - 1) * batch.batch();
    return i < known ? batch.history.data()[batch.batch() + i] : batch.target.data()[i - known];
  }

  /// [steps, batch, row_size] with the vectors of the lines, [batch], behind the numbers.
  [[nodiscard]] static Tensor with_lines(const Tensor& rows, const std::vector<std::int32_t>& lines,
                                         const LineVectors& vectors) {
    const std::int64_t size = rows.size(2);
    Tensor both({rows.size(0), rows.size(1), size + kLineFeatures});
    for (std::int64_t i = 0; i < rows.size(0) * rows.size(1); ++i) {
      const std::span<float> to =
          both.values().subspan(at(i * (size + kLineFeatures)), at(size + kLineFeatures));
      std::copy_n(rows.data() + i * size, size, to.data());
      vectors.add_to(to.subspan(at(size)), lines[at(i % rows.size(1))]);
    }
    return both;
  }

  [[nodiscard]] State state_after(const Tensor& rows, std::int64_t count,
                                  const std::vector<std::int32_t>& lines,
                                  const LineVectors& vectors) const {
    if (count == 0) return model_.rnn().zero_state(rows.size(1));
    const Shape shape{count, rows.size(1), rows.size(2)};
    const Tensor read =
        with_lines(Tensor(shape, rows.values().first(at(shape.elements()))), lines, vectors);
    return model_.features({.seq_len = count, .batch = rows.size(1), .numbers = &read}).state;
  }

  /// Of each window, its state for each of its paths.
  [[nodiscard]] State repeated(const State& of_windows) const {
    State all;
    for (const Tensor& state : of_windows.tensors) {
      const std::int64_t size = state.size(2);
      Tensor of_paths({state.size(0), state.size(1) * options_.paths, size});
      for (std::int64_t i = 0; i < state.size(0) * state.size(1) * options_.paths; ++i) {
        std::copy_n(state.data() + i / options_.paths * size, size, of_paths.data() + i * size);
      }
      all.tensors.push_back(std::move(of_paths));
    }
    return all;
  }

  ForecasterOptions options_;
  ForecastSizes sizes_;
  SequenceModel model_;
  Embedding line_;
};

}  // namespace

std::vector<NamedShape> path_network_shapes(const ForecasterOptions& options) {
  std::vector<NamedShape> shapes = parameter_shapes(model_options(options));
  shapes.push_back({"line_embedding.weight", {std::ssize(options.lines), kLineFeatures}});
  return shapes;
}

std::unique_ptr<ForecastNetwork> make_path_network(const ForecasterOptions& options) {
  return std::make_unique<PathNetwork>(options);
}

}  // namespace riverrun::models
