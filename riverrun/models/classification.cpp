#include "riverrun/models/classification.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "riverrun/core/error.h"

namespace riverrun::models {
namespace {

constexpr std::size_t kBins = 10;

double ratio(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
}

double harmonic_mean(double a, double b) { return a + b > 0 ? 2 * a * b / (a + b) : 0.0; }

std::vector<CalibrationBin> empty_bins() {
  std::vector<CalibrationBin> bins(kBins);
  for (std::size_t i = 0; i < kBins; ++i) {
    bins[i].low = static_cast<double>(i) / kBins;
    bins[i].high = static_cast<double>(i + 1) / kBins;
  }
  return bins;
}

/// From sums to means.
void finish_calibration(ClassificationScore& score) {
  double error = 0;
  for (CalibrationBin& bin : score.calibration) {
    if (bin.predictions == 0) continue;
    error += std::abs(bin.accuracy - bin.confidence);
    bin.accuracy /= static_cast<double>(bin.predictions);
    bin.confidence /= static_cast<double>(bin.predictions);
  }
  score.calibration_error = error / static_cast<double>(score.examples);
}

/// All that follows from the confusion matrix.
void score_classes(ClassificationScore& score, std::size_t classes) {
  score.classes.resize(classes);
  std::int64_t right = 0;
  std::int64_t with_examples = 0;
  std::int64_t seen = 0;
  for (std::size_t c = 0; c < classes; ++c) {
    ClassScore& of = score.classes[c];
    for (std::size_t other = 0; other < classes; ++other) {
      of.examples += score.confusion[c * classes + other];
      of.predicted += score.confusion[other * classes + c];
    }
    const std::int64_t hits = score.confusion[c * classes + c];
    of.precision = ratio(hits, of.predicted);
    of.recall = ratio(hits, of.examples);
    of.f1 = harmonic_mean(of.precision, of.recall);
    right += hits;
    if (of.examples > 0) ++with_examples;
    if (of.examples + of.predicted > 0) ++seen;
    score.balanced_accuracy += of.recall;
    score.macro_f1 += of.f1;
  }
  score.accuracy = ratio(right, score.examples);
  score.balanced_accuracy /= static_cast<double>(with_examples);
  score.macro_f1 /= static_cast<double>(seen);
}

}  // namespace

double surprise(float probability) {
  return -std::log(static_cast<double>(std::max(probability, std::numeric_limits<float>::min())));
}

ClassificationScore score_classification(const Tensor& probabilities,
                                         std::span<const std::int32_t> labels) {
  if (probabilities.shape().rank() != 2 || labels.empty() ||
      probabilities.size(0) != static_cast<std::int64_t>(labels.size())) {
    throw ShapeError(fmt::format(
        "score_classification: probabilities are {} for {} labels; they must be [labels, classes], "
        "and not none",
        probabilities.shape().to_string(), labels.size()));
  }
  const auto classes = static_cast<std::size_t>(probabilities.size(1));
  ClassificationScore score;
  score.examples = static_cast<std::int64_t>(labels.size());
  score.confusion.resize(classes * classes);
  score.calibration = empty_bins();
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::span<const float> row = probabilities.values().subspan(i * classes, classes);
    if (labels[i] < 0 || labels[i] >= static_cast<std::int32_t>(classes)) {
      throw ConfigError(fmt::format("score_classification: label {} is {}; it must be in [0, {})",
                                    i, labels[i], classes));
    }
    const auto label = static_cast<std::size_t>(labels[i]);
    if (!std::ranges::all_of(row, [](float p) { return p >= 0 && p <= 1; })) {
      throw NumericError(
          fmt::format("score_classification: a probability of example {} is not in [0, 1]", i));
    }
    score.nats += surprise(row[label]);
    const auto named = static_cast<std::size_t>(std::ranges::max_element(row) - row.begin());
    ++score.confusion[label * classes + named];
    const double confidence = row[named];
    CalibrationBin& bin = score.calibration[std::min(
        static_cast<std::size_t>(confidence * static_cast<double>(kBins)), kBins - 1)];
    ++bin.predictions;
    bin.confidence += confidence;
    bin.accuracy += named == label ? 1 : 0;
  }
  score.nats /= static_cast<double>(labels.size());
  finish_calibration(score);
  score_classes(score, classes);
  return score;
}

ClassificationScore score_naive_classification(std::span<const std::int64_t> counts,
                                               std::span<const std::int32_t> labels) {
  const std::int64_t all = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  if (all < 1) throw ConfigError("score_naive_classification: there are no training examples");
  const auto classes = static_cast<std::int64_t>(counts.size());
  Tensor shares({static_cast<std::int64_t>(labels.size()), classes});
  for (std::int64_t i = 0; i < shares.elements(); ++i) {
    shares.data()[i] =
        static_cast<float>(ratio(counts[static_cast<std::size_t>(i % classes)], all));
  }
  return score_classification(shares, labels);
}

}  // namespace riverrun::models
