#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "riverrun/core/tensor.h"

namespace riverrun::models {

/// Predictions of which the most probable class has a probability in [low, high), or in the last
/// bin [low, 1].
struct CalibrationBin {
  double low = 0;
  double high = 0;
  std::int64_t predictions = 0;
  double confidence = 0;  ///< their mean probability; 0 if there are none
  double accuracy = 0;    ///< the share of them that is right; 0 if there are none
};

/// One class against all others. A ratio of nothing to nothing is 0.
struct ClassScore {
  std::int64_t examples = 0;
  std::int64_t predicted = 0;  ///< how often the model names it
  double precision = 0;        ///< the share of those that is right
  double recall = 0;           ///< the share of the examples that is found
  double f1 = 0;               ///< the harmonic mean of both (van Rijsbergen 1979)
};

/// How well a classifier's probabilities fit the labels.
struct ClassificationScore {
  std::int64_t examples = 0;
  double nats = 0;      ///< mean surprise() of the labels
  double accuracy = 0;  ///< share of the examples whose most probable class is the label
  /// Mean over the classes that have examples: of the recall, and of F1 (there, a class that is
  /// named and has no example counts too, as in scikit-learn).
  double balanced_accuracy = 0;
  double macro_f1 = 0;
  std::vector<ClassScore> classes;
  std::vector<std::int64_t>
      confusion;  ///< [classes, classes]: rows are labels, columns predictions
  std::vector<CalibrationBin> calibration;
  /// The expected calibration error: the mean of |accuracy - confidence| over the bins, each
  /// weighted by its predictions (Naeini et al. 2015, ten bins of equal width).
  double calibration_error = 0;
};

/// -log p in nats, at most 87.4: a probability below float32's smallest normal number counts as
/// that.
[[nodiscard]] double surprise(float probability);

/// Probabilities from as many logits, summed in double precision. `to` may be where they are.
void softmax(std::span<const float> logits, std::span<float> to);

/// Measures predictions, one after another.
class ClassificationCounter {
 public:
  /// Throws ConfigError if there is no class.
  explicit ClassificationCounter(std::int64_t classes);
  /// `probabilities` [classes] of one example, its label, and the class that the model names: by
  /// itself the most probable one, of equal ones the first. Throws ShapeError for another number of
  /// probabilities, ConfigError if one of the classes is none, NumericError if a probability is not
  /// in [0, 1].
  void add(std::span<const float> probabilities, std::int32_t label);
  void add(std::span<const float> probabilities, std::int32_t label, std::int32_t named);
  /// Of all so far. Throws ConfigError if there is none.
  [[nodiscard]] ClassificationScore score() const;

 private:
  void require_class(const char* what, std::int32_t number) const;

  std::size_t classes_;
  ClassificationScore sums_;
};

/// `probabilities` [examples, classes], one label in [0, classes) for each row. Throws ShapeError
/// if the numbers of rows and labels differ or are 0, and as ClassificationCounter::add().
[[nodiscard]] ClassificationScore score_classification(const Tensor& probabilities,
                                                       std::span<const std::int32_t> labels);

/// The same of the naive answer: always the shares that the classes had among `counts` training
/// examples, [classes], so that the most frequent one is named. Throws as above, and ConfigError if
/// all counts are 0.
[[nodiscard]] ClassificationScore score_naive_classification(std::span<const std::int64_t> counts,
                                                             std::span<const std::int32_t> labels);

}  // namespace riverrun::models
