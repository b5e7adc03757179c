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

void softmax(std::span<const float> logits, std::span<float> to) {
  const float most = *std::ranges::max_element(logits);
  const auto power = [most](float logit) { return std::exp(static_cast<double>(logit - most)); };
  double sum = 0;
  for (const float logit : logits) sum += power(logit);
  std::ranges::transform(logits, to.begin(),
                         [&](float logit) { return static_cast<float>(power(logit) / sum); });
}

ClassificationCounter::ClassificationCounter(std::int64_t classes)
    : classes_(static_cast<std::size_t>(std::max<std::int64_t>(classes, 0))) {
  if (classes < 1) {
    throw ConfigError(fmt::format(
        "ClassificationCounter: the number of classes is {}; it must be at least 1", classes));
  }
  sums_.confusion.resize(classes_ * classes_);
  sums_.calibration = empty_bins();
}

void ClassificationCounter::add(std::span<const float> probabilities, std::int32_t label) {
  add(probabilities, label,
      static_cast<std::int32_t>(std::ranges::max_element(probabilities) - probabilities.begin()));
}

void ClassificationCounter::add(std::span<const float> probabilities, std::int32_t label,
                                std::int32_t named) {
  if (probabilities.size() != classes_) {
    throw ShapeError(fmt::format("ClassificationCounter: there are {} probabilities for {} classes",
                                 probabilities.size(), classes_));
  }
  require_class("label", label);
  require_class("class named", named);
  if (!std::ranges::all_of(probabilities, [](float p) { return p >= 0 && p <= 1; })) {
    throw NumericError(fmt::format(
        "ClassificationCounter: a probability of example {} is not in [0, 1]", sums_.examples));
  }
  const auto row = static_cast<std::size_t>(label);
  const auto column = static_cast<std::size_t>(named);
  ++sums_.examples;
  sums_.nats += surprise(probabilities[row]);
  ++sums_.confusion[row * classes_ + column];
  const double confidence = probabilities[column];
  CalibrationBin& bin = sums_.calibration[std::min(
      static_cast<std::size_t>(confidence * static_cast<double>(kBins)), kBins - 1)];
  ++bin.predictions;
  bin.confidence += confidence;
  bin.accuracy += named == label ? 1 : 0;
}

void ClassificationCounter::require_class(const char* what, std::int32_t number) const {
  if (number >= 0 && static_cast<std::size_t>(number) < classes_) return;
  throw ConfigError(
      fmt::format("ClassificationCounter: the {} of example {} is {}; it must be in [0, {})", what,
                  sums_.examples, number, classes_));
}

ClassificationScore ClassificationCounter::score() const {
  if (sums_.examples == 0) throw ConfigError("ClassificationCounter: there is no example");
  ClassificationScore score = sums_;
  score.nats /= static_cast<double>(score.examples);
  finish_calibration(score);
  score_classes(score, classes_);
  return score;
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
  ClassificationCounter counter(probabilities.size(1));
  for (std::size_t i = 0; i < labels.size(); ++i) {
    counter.add(probabilities.values().subspan(i * classes, classes), labels[i]);
  }
  return counter.score();
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
