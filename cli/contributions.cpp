#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "cli/inspect_report.h"

namespace riverrun::cli {

double Contributions::of_step(std::size_t step) const {
  return std::accumulate(values[step].begin(), values[step].end(), 0.0);
}

double Contributions::of_channel(std::size_t channel) const {
  double sum = 0;
  for (const std::vector<double>& step : values) sum += step[channel];
  return sum;
}

Contributions contributions(const Inspectable& model, const InspectedExample& example,
                            std::size_t channels, const insight::AttributionOptions& options) {
  const insight::Attribution found =
      insight::integrated_gradients(example.answer, example.x, Tensor(example.x.shape()), options);
  Contributions result{.answer = example.offset + example.factor * found.answer,
                       .baseline = example.offset + example.factor * found.baseline,
                       .remainder = example.factor * found.remainder(),
                       .size = example.factor * found.size(),
                       .points = found.points,
                       .values = std::vector<std::vector<double>>(example.steps.size(),
                                                                  std::vector<double>(channels))};
  const auto inputs = static_cast<std::size_t>(example.x.size(2));
  for (std::size_t i = 0; i < found.inputs.size(); ++i) {
    const Inspectable::Place place = model.place(i / inputs, i % inputs);
    result.values[place.step][place.channel] += example.factor * found.inputs[i];
  }
  return result;
}

void MeanContributions::add(const Contributions& one, std::optional<std::size_t> answered) {
  ++examples_;
  if (one.size > 0) {
    worst_remainder_ = std::max(worst_remainder_, std::abs(one.remainder) / one.size);
  }
  for (std::size_t step = 0; step < one.values.size(); ++step) {
    double all = 0;
    for (std::size_t c = 0; c < by_channel_.size(); ++c) {
      by_channel_[c] += std::abs(one.values[step][c]);
      all += std::abs(one.values[step][c]);
    }
    if (!answered) continue;
    Sum& sum = by_distance_[static_cast<std::int64_t>(step) - static_cast<std::int64_t>(*answered)];
    sum.value += all;
    ++sum.count;
  }
}

double MeanContributions::of_channel(std::size_t channel) const {
  return by_channel_[channel] / static_cast<double>(examples_);
}

double MeanContributions::at_distance(std::int64_t distance) const {
  const Sum& sum = by_distance_.at(distance);
  return sum.value / static_cast<double>(sum.count);
}

std::vector<std::int64_t> MeanContributions::distances() const {
  std::vector<std::int64_t> all;
  for (const auto& [distance, sum] : by_distance_) all.push_back(distance);
  return all;
}

double MeanContributions::share_within(std::int64_t distance) const {
  double within = 0;
  double all = 0;
  for (const auto& [at, sum] : by_distance_) {
    all += sum.value;
    if (std::abs(at) <= distance) within += sum.value;
  }
  return all > 0 ? within / all : 0;
}

}  // namespace riverrun::cli
