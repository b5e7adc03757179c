#pragma once

// The networks inside a Forecaster, and what they read; not for users.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "riverrun/core/tensor.h"
#include "riverrun/models/forecaster.h"
#include "riverrun/nn/embedding.h"
#include "riverrun/nn/parameter.h"
#include "riverrun/nn/recurrent.h"
#include "riverrun/nn/tape.h"

namespace riverrun::models {

/// How many numbers a network reads. Rows are grouped in segments of S rows.
struct ForecastSizes {
  std::int64_t past_segments = 0;
  std::int64_t future_segments = 0;  ///< the last one may reach beyond the horizon
  std::int64_t value = 0;  ///< of a row: the value, and with Missing::kMask whether it is missing
  std::int64_t past = 0;   ///< of a row: covariates of the past alone
  std::int64_t known = 0;  ///< of a row: covariates that are known
  std::int64_t calendar = 0;  ///< of a segment

  /// Of a segment of S rows of the past, and of the future.
  [[nodiscard]] std::int64_t of_past(std::int64_t s) const noexcept {
    return s * (value + past + known) + calendar;
  }
  [[nodiscard]] std::int64_t of_future(std::int64_t s) const noexcept {
    return s * known + calendar;
  }
};
[[nodiscard]] ForecastSizes forecast_sizes(const ForecasterOptions& options);

/// Windows side by side, in the numbers that a network reads.
struct ForecastBatch {
  /// [past_segments, batch, of_past]: for each row in turn value, past and known covariates; then
  /// the calendar of the first row.
  Tensor past;
  /// [future_segments, batch, of_future]; empty if that is nothing.
  Tensor future;
  /// [batch]: ForecastData::Line::number.
  std::vector<std::int32_t> lines;
  /// [look_back, batch] and [horizon, batch]: the values alone, NaN where they are missing.
  Tensor history;
  Tensor target;
  /// [batch]: a number x that is read or said is level + scale·x, times the line's deviation, plus
  /// its mean.
  std::vector<float> level;
  std::vector<float> scale;

  [[nodiscard]] std::int64_t batch() const noexcept { return std::ssize(lines); }
};
[[nodiscard]] ForecastBatch forecast_batch(const ForecasterOptions& options,
                                           const ForecastData& data,
                                           std::span<const ForecastWindow> windows);

/// A loss, and what its recurrent layers did on the way there.
struct ForecastLoss {
  Var loss;                   ///< as Forecaster::loss()
  Var read;                   ///< what they read of the past, [steps, batch, numbers]
  Var output;                 ///< theirs at each of these steps
  std::vector<Var> state;     ///< after the last one
  std::int64_t answered = 0;  ///< the step that answers with the first row of the horizon
};

class ForecastNetwork {
 public:
  ForecastNetwork() = default;
  ForecastNetwork(const ForecastNetwork&) = delete;
  ForecastNetwork& operator=(const ForecastNetwork&) = delete;
  virtual ~ForecastNetwork() = default;

  virtual ForecastLoss loss(Tape& tape, const ForecastBatch& batch) = 0;
  /// What is likeliest, as a function of `past`, which takes the place of the batch's: [rows,
  /// batch], the median of each row of the horizon; of a network that draws its rows one by one,
  /// the mean of the first alone.
  virtual Var likeliest(Tape& tape, const ForecastBatch& batch, Var past) = 0;
  /// As Forecaster has it.
  [[nodiscard]] virtual Forecaster::LossSum loss_sum(const ForecastBatch& batch) const = 0;
  /// [horizon, batch, quantiles], in no order. What is drawn for window b follows from `seed` and
  /// first + b.
  [[nodiscard]] virtual Tensor forecast(const ForecastBatch& batch, std::uint64_t seed,
                                        std::uint64_t first) const = 0;
  /// The recurrent layers that read the past.
  [[nodiscard]] virtual const Recurrent& rnn() const = 0;
  [[nodiscard]] virtual ParameterList parameters() = 0;
  [[nodiscard]] virtual ConstParameterList parameters() const = 0;
};

[[nodiscard]] std::vector<NamedShape> segment_network_shapes(const ForecasterOptions& options);
[[nodiscard]] std::unique_ptr<ForecastNetwork> make_segment_network(
    const ForecasterOptions& options);
[[nodiscard]] std::vector<NamedShape> path_network_shapes(const ForecasterOptions& options);
[[nodiscard]] std::unique_ptr<ForecastNetwork> make_path_network(const ForecasterOptions& options);

/// The vectors of lines: their rows in an embedding [lines, features], which must outlive it; of a
/// new line the mean of all rows.
class LineVectors {
 public:
  /// `lines`: all that will be asked for.
  LineVectors(const Tensor& embedding, std::span<const std::int32_t> lines);
  /// Adds that of a line to `to`, [features].
  void add_to(std::span<float> to, std::int32_t line) const;

 private:
  const Tensor* embedding_;
  std::vector<float> mean_;  // empty: there is no new line
};

/// The same for a tape, [shape, features]: of lines that are all known, with a gradient.
[[nodiscard]] Var line_vectors(Tape& tape, Embedding& embedding,
                               std::span<const std::int32_t> lines, const Shape& shape);

}  // namespace riverrun::models
