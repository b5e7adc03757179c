#include "riverrun/insight/unit_statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace riverrun::insight {

UnitStatistics::UnitStatistics(std::size_t layers, std::size_t hidden_size, std::size_t openings,
                               std::size_t features)
    : layers_(layers),
      hidden_(hidden_size),
      openings_(openings),
      mean_opening_(layers * hidden_size * openings),
      log_retention_(layers * hidden_size),
      mean_state_(layers * hidden_size),
      squares_state_(layers * hidden_size),
      mean_feature_(features),
      squares_feature_(features),
      products_(layers * hidden_size * features) {}

void UnitStatistics::add(std::span<const LayerStep> layers, std::span<const double> features) {
  ++steps_;
  const double share = 1 / static_cast<double>(steps_);
  const std::size_t count = mean_feature_.size();
  for (std::size_t f = 0; f < count; ++f) {
    const double before = features[f] - mean_feature_[f];
    mean_feature_[f] += before * share;
    squares_feature_[f] += before * (features[f] - mean_feature_[f]);
  }
  for (std::size_t layer = 0; layer < layers_; ++layer) {
    const LayerStep& step = layers[layer];
    for (std::size_t i = 0; i < hidden_; ++i) {
      const std::size_t at = place({layer, i});
      for (std::size_t o = 0; o < openings_; ++o) {
        double& mean = mean_opening_[at * openings_ + o];
        mean += (step.opening(o)[i] - mean) * share;
      }
      log_retention_[at] += std::log(std::abs(step.retention[i]));
      const double state = step.memory()[i];
      const double before = state - mean_state_[at];
      mean_state_[at] += before * share;
      squares_state_[at] += before * (state - mean_state_[at]);
      for (std::size_t f = 0; f < count; ++f) {
        products_[at * count + f] += before * (features[f] - mean_feature_[f]);
      }
    }
  }
}

double UnitStatistics::mean_opening(Unit unit, std::size_t opening) const {
  return mean_opening_[place(unit) * openings_ + opening];
}

double UnitStatistics::mean_retention(Unit unit) const {
  return std::exp(log_retention_[place(unit)] / static_cast<double>(steps_));
}

double UnitStatistics::time_constant(Unit unit) const {
  const double log_mean = log_retention_[place(unit)] / static_cast<double>(steps_);
  return log_mean < 0 ? -1 / log_mean : std::numeric_limits<double>::infinity();
}

std::optional<double> UnitStatistics::correlation(Unit unit, std::size_t feature) const {
  const std::size_t at = place(unit);
  const double squares = squares_state_[at] * squares_feature_[feature];
  if (!(squares > 0)) return std::nullopt;
  return std::clamp(products_[at * mean_feature_.size() + feature] / std::sqrt(squares), -1.0, 1.0);
}

std::vector<UnitStatistics::Ranked> UnitStatistics::by_memory() const {
  std::vector<Ranked> ranked;
  for (std::size_t layer = 0; layer < layers_; ++layer) {
    for (std::size_t i = 0; i < hidden_; ++i) {
      const double steps = time_constant({layer, i});
      if (steps > 0) ranked.push_back({{layer, i}, steps});
    }
  }
  std::ranges::stable_sort(ranked, std::ranges::greater{}, &Ranked::value);
  return ranked;
}

std::vector<UnitStatistics::Ranked> UnitStatistics::by_correlation(std::size_t feature) const {
  std::vector<Ranked> ranked;
  for (std::size_t layer = 0; layer < layers_; ++layer) {
    for (std::size_t i = 0; i < hidden_; ++i) {
      if (const auto r = correlation({layer, i}, feature)) ranked.push_back({{layer, i}, *r});
    }
  }
  std::ranges::stable_sort(ranked, std::ranges::greater{},
                           [](const Ranked& r) { return std::abs(r.value); });
  return ranked;
}

}  // namespace riverrun::insight
