#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "riverrun/models/classification.h"
#include "riverrun/report/figure.h"
#include "riverrun/report/page.h"

namespace riverrun::cli {

/// How good a classifier is on some sequences; the two scores are of the same ones.
struct ClassificationReport {
  std::vector<std::string> classes;
  models::ClassificationScore score;
  models::ClassificationScore naive;
};

/// "accuracy 97.57 % (naive: 11.11 %)", and the other measures, in a few lines.
[[nodiscard]] std::string summary(const ClassificationReport& report);
/// The summary, each class, and of up to twenty classes the confusion matrix.
[[nodiscard]] std::string to_text(const ClassificationReport& report);
/// The members that say all of this.
[[nodiscard]] nlohmann::ordered_json to_json(const ClassificationReport& report);
/// Precision, recall and F1 of each class.
[[nodiscard]] report::Figure classes_figure(const ClassificationReport& report);
/// Adds the summary, the figures and the tables; the confusion of up to a hundred classes.
void add_to(report::Page& page, const ClassificationReport& report);

}  // namespace riverrun::cli
