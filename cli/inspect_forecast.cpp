#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "riverrun/core/error.h"
#include "riverrun/models/forecast_network.h"
#include "riverrun/models/forecaster.h"
#include "riverrun/nn/ops.h"

#include "cli/command.h"
#include "cli/forecast_report.h"
#include "cli/inspectable.h"
#include "cli/model.h"
#include "cli/series.h"

namespace riverrun::cli {
namespace {

using models::ForecastBatch;
using models::ForecastMethod;
using models::ForecastWindow;

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

/// A table as a model reads it.
struct ReadTable {
  ReadTable(data::TimeSeriesTable read, const models::ForecasterOptions& options)
      : table(std::move(read)), data(table, options) {}

  data::TimeSeriesTable table;
  models::ForecastData data;
};

/// Windows of a target, or of all, of whose horizon something is known.
std::vector<ForecastWindow> windows_of(const models::ForecastData& data,
                                       const models::ForecasterOptions& options,
                                       const std::string& target) {
  const std::vector<std::string>& targets = data.table().targets;
  if (!target.empty() && std::ranges::count(targets, target) == 0) {
    throw ConfigError(fmt::format("inspect: the model forecasts no \"{}\"; its targets are {}",
                                  target, fmt::join(targets, ", ")));
  }
  std::vector<ForecastWindow> windows;
  for (std::int64_t line = 0; line < std::ssize(data.lines()); ++line) {
    const models::ForecastData::Line& of = data.lines()[at(line)];
    if (!target.empty() && targets[at(of.target)] != target) continue;
    for (const ForecastWindow& window :
         models::windows_of(data, line, options, 0, data.series_of(of).observed)) {
      const std::vector<double> actual = data.actual(window, options.horizon);
      if (std::ranges::any_of(actual, [](double x) { return std::isfinite(x); })) {
        windows.push_back(window);
      }
    }
  }
  if (windows.empty()) {
    throw FormatError(data.table().path,
                      fmt::format("no series has rows to forecast from and {} after them",
                                  counted(options.horizon, "row")));
  }
  return windows;
}

/// An example is a window.
class InspectableForecaster final : public Inspectable {
 public:
  InspectableForecaster(models::Forecaster model, std::shared_ptr<const ReadTable> read,
                        std::vector<ForecastWindow> windows)
      : model_(std::move(model)), read_(std::move(read)), windows_(std::move(windows)) {}

  [[nodiscard]] About about() const override {
    const std::int64_t segment = options().segment;
    const bool draws = options().method == ForecastMethod::kPaths;
    About about{.example = "window",
                .step = "row",
                .read_step = segment > 1 ? fmt::format("segment of {} rows", segment) : "row",
                .loss = draws ? "minus the log-likelihood of the first row of the horizon"
                              : "the pinball loss of the horizon, by way of the last states",
                .baseline = "a look-back that is constant, at its last value",
                .channels = {"the target"}};
    for (const data::Covariate& covariate : options().covariates) {
      about.channels.push_back(covariate.name);
    }
    if (models::forecast_sizes(options()).calendar > 0) about.channels.emplace_back("calendar");
    return about;
  }
  [[nodiscard]] std::int64_t size() const override { return std::ssize(windows_); }

  [[nodiscard]] InspectedExample example(std::int64_t n, const WantedAnswer& wanted) override {
    const bool draws = options().method == ForecastMethod::kPaths;
    if (wanted.step && *wanted.step > (draws ? 1 : options().horizon)) {
      throw ConfigError(fmt::format(
          "inspect: --step is {}; {}", *wanted.step,
          draws ? "a forecaster that draws paths says the first row of the horizon alone, 1"
                : fmt::format("the horizon has {} rows", options().horizon)));
    }
    const ForecastWindow window = windows_[at(n)];
    ForecastBatch batch = batch_of(std::span(&window, 1));
    InspectedExample example;
    const models::ForecastData::Line& line = read_->data.lines()[at(window.line)];
    const auto level = static_cast<double>(batch.level.front());
    example.factor = line.scale.deviation * static_cast<double>(batch.scale.front());
    example.offset = line.scale.mean + line.scale.deviation * level;
    // All rows, unless one is named.
    const std::int64_t first = wanted.step ? *wanted.step - 1 : 0;
    const std::int64_t rows = draws || wanted.step ? 1 : options().horizon;
    example.answer = [this, window, first, rows](Tape& tape, Var x) {
      const std::vector<ForecastWindow> same(at(x.shape()[1]), window);
      const Var said = model_.network().likeliest(tape, batch_of(same), x);
      return mean(narrow(said, 0, first, rows), 0);
    };
    Tape tape(/*training=*/false);
    const double said =
        static_cast<double>(example.answer(tape, tape.input(batch.past)).value().data()[0]);
    const std::vector<double> actual = read_->data.actual(window, options().horizon);
    double sum = 0;
    for (std::int64_t h = first; h < first + rows; ++h) sum += actual[at(h)];
    const std::string begin = time_of(line, window.origin + first);
    example.target = rows > 1 ? fmt::format("the mean forecast of {} rows", rows)
                              : fmt::format("the forecast of row {}, {}", first + 1, begin);
    example.name = fmt::format("window {}: {} from {} on", n + 1, name_of(read_->data, window.line),
                               time_of(line, window.origin));
    example.said =
        fmt::format("{} is {:.6g}", example.target, example.offset + example.factor * said);
    if (std::isfinite(sum)) {
      example.said += fmt::format("; it was {:.6g}", sum / static_cast<double>(rows));
    }
    for (std::int64_t i = window.origin - options().look_back; i < window.origin; ++i) {
      example.steps.push_back(time_of(line, i));
    }
    example.answered = example.steps.size() - 1;
    example.x = std::move(batch.past);
    return example;
  }
  /// Row by row the value, whether it is missing, and covariates; then the calendar of the first.
  [[nodiscard]] Place place(std::size_t step, std::size_t input) const override {
    const models::ForecastSizes sizes = models::forecast_sizes(options());
    const std::size_t segment = at(options().segment);
    const std::size_t of_row = at(sizes.value + sizes.past + sizes.known);
    if (input >= segment * of_row) {
      return {.step = step * segment, .channel = options().covariates.size() + 1};
    }
    Place place{.step = step * segment + input / of_row, .channel = 0};
    auto number = static_cast<std::int64_t>(input % of_row) - sizes.value;
    for (const data::Covariate& covariate : options().covariates) {
      if (number < 0) break;
      ++place.channel;
      number -= covariate.size();
    }
    return place;
  }

  [[nodiscard]] const Recurrent& stack() const override { return model_.network().rnn(); }
  [[nodiscard]] Tensor read(std::int64_t n) override {
    Tape tape(/*training=*/false);
    return model_.network().loss(tape, batch_of(std::span(&windows_[at(n)], 1))).read.value();
  }
  [[nodiscard]] insight::StackGradient gradient(std::span<const std::int64_t> which,
                                                std::int64_t /*steps*/) override {
    std::vector<ForecastWindow> windows;
    for (const std::int64_t n : which) windows.push_back(windows_[at(n)]);
    Tape tape(/*training=*/false);
    const models::ForecastLoss of = model_.network().loss(tape, batch_of(windows));
    const bool draws = options().method == ForecastMethod::kPaths;
    // Of paths, the loss is the mean over the rows that are read too.
    const std::int64_t rows = draws ? of.read.shape()[0] : 1;
    const Var sum = multiply(of.loss, static_cast<float>(rows * std::ssize(which)));
    return stack_gradient(sum, of.read, of.output, of.state, {},
                          std::vector<std::int64_t>(draws ? which.size() : 0, of.answered));
  }
  [[nodiscard]] std::unique_ptr<Inspectable> untrained(std::uint64_t seed) const override {
    models::ForecasterOptions options = model_.options();
    options.seed = seed;
    return std::make_unique<InspectableForecaster>(models::Forecaster(options), read_, windows_);
  }

 private:
  [[nodiscard]] const models::ForecasterOptions& options() const { return model_.options(); }
  [[nodiscard]] ForecastBatch batch_of(std::span<const ForecastWindow> windows) const {
    return models::forecast_batch(options(), read_->data, windows);
  }
  /// Of a row, which may be before the first one.
  [[nodiscard]] std::string time_of(const models::ForecastData::Line& line,
                                    std::int64_t row) const {
    return row < 0 ? fmt::format("{} before the first row", counted(-row, "row"))
                   : read_->table.written_time(read_->data.series_of(line), row);
  }

  models::Forecaster model_;
  std::shared_ptr<const ReadTable> read_;
  std::vector<ForecastWindow> windows_;
};

}  // namespace

std::unique_ptr<Inspectable> open_forecaster(const InspectableSource& source) {
  models::Forecaster model = load_finite_forecaster(source.model, source.verb);
  auto read = std::make_shared<const ReadTable>(read_series(source.data, model), model.options());
  std::vector<ForecastWindow> windows =
      windows_of(read->data, model.options(), source.wanted.target);
  return std::make_unique<InspectableForecaster>(std::move(model), std::move(read),
                                                 std::move(windows));
}

}  // namespace riverrun::cli
