#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "riverrun/insight/attribution.h"
#include "riverrun/insight/stack_statistics.h"
#include "riverrun/report/figure.h"
#include "riverrun/report/page.h"

#include "cli/inspectable.h"

namespace riverrun::cli {

/// What each step and channel of one example contributed to the number that is looked at.
struct Contributions {
  double answer = 0;
  double baseline = 0;  ///< the same number for the baseline
  double remainder = 0;
  double size = 0;  ///< the sum of all |contributions| of single inputs
  std::int64_t points = 0;
  std::vector<std::vector<double>> values;  ///< [steps][channels]

  [[nodiscard]] double of_step(std::size_t step) const;
  [[nodiscard]] double of_channel(std::size_t channel) const;
};
[[nodiscard]] Contributions contributions(const Inspectable& model, const InspectedExample& example,
                                          std::size_t channels,
                                          const insight::AttributionOptions& options);

/// Means of |contributions| over many examples.
class MeanContributions {
 public:
  explicit MeanContributions(std::size_t channels) : by_channel_(channels) {}
  void add(const Contributions& one, std::optional<std::size_t> answered);

  [[nodiscard]] std::int64_t examples() const noexcept { return examples_; }
  /// Of an example, the sum over its steps.
  [[nodiscard]] double of_channel(std::size_t channel) const;
  /// Of one step so far from the one that is answered from; before it, the distance is negative.
  /// Over those examples that have it.
  [[nodiscard]] double at_distance(std::int64_t distance) const;
  /// Distances that there are, in rising order; none if answers are from all steps.
  [[nodiscard]] std::vector<std::int64_t> distances() const;
  /// The part of all |contributions| that is from at most `distance` steps away.
  [[nodiscard]] double share_within(std::int64_t distance) const;
  /// The largest |remainder| of an example, as a part of its size.
  [[nodiscard]] double worst_remainder() const noexcept { return worst_remainder_; }

 private:
  struct Sum {
    double value = 0;
    std::int64_t count = 0;
  };
  std::int64_t examples_ = 0;
  double worst_remainder_ = 0;
  std::vector<double> by_channel_;
  std::map<std::int64_t, Sum> by_distance_;
};

/// All that `riverrun inspect` found out of a model that is no language model.
struct AnswerReport {
  std::filesystem::path model;
  std::filesystem::path data;
  Kind kind = Kind::kClassify;
  Inspectable::About about;
  std::int64_t of = 0;  ///< examples that there are
  const RecurrentOptions& options;
  const CellDescriptor& cell;
  InspectedExample example;
  Contributions one;
  MeanContributions mean;
  insight::StackStatistics units;
  std::size_t rank = 0;  ///< lines of a ranking
  double tolerance = 0;  ///< of a remainder
};

/// Tables, and words coloured by what they contributed if `colour`; see print_raw().
[[nodiscard]] std::string to_text(const AnswerReport& report, bool colour);
[[nodiscard]] nlohmann::ordered_json to_json(const AnswerReport& report);
/// Throws ConfigError if this build has no charts.
[[nodiscard]] report::Page to_page(const AnswerReport& report);

/// Over the steps of the example: the contribution of each, and of the channels that matter most.
[[nodiscard]] report::Figure contributions_figure(const AnswerReport& report);
/// Over the channels, and over the distance: means over many examples.
[[nodiscard]] report::Figure channels_figure(const AnswerReport& report);
[[nodiscard]] report::Figure distances_figure(const AnswerReport& report);
/// The series of all of these, for a CSV file; the x of channels is their number, from 0.
[[nodiscard]] report::Figure all_series(const AnswerReport& report);

/// Parts of the page and the text.
[[nodiscard]] report::Table steps_table(const AnswerReport& report);
[[nodiscard]] report::Table channels_table(const AnswerReport& report);
[[nodiscard]] report::Table distances_table(const AnswerReport& report);
/// No rows for a cell without gates that open.
[[nodiscard]] report::Table gates_table(const AnswerReport& report);
[[nodiscard]] report::Table memory_table(const AnswerReport& report);
struct AnswerNotes {
  std::string summary;
  std::string example;
  std::string steps;
  std::string channels;
  std::string distances;
  std::string units;
};
[[nodiscard]] AnswerNotes notes(const AnswerReport& report);

/// Channel numbers by falling mean |contribution|.
[[nodiscard]] std::vector<std::size_t> ranked_channels(const AnswerReport& report);

}  // namespace riverrun::cli
