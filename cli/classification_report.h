#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "riverrun/models/classification.h"
#include "riverrun/models/classifier.h"
#include "riverrun/models/entities.h"
#include "riverrun/report/figure.h"
#include "riverrun/report/page.h"

#include "cli/report.h"

namespace riverrun::cli {

/// What the examples of a report are called, and what they are told apart by.
struct ReportNouns {
  const char* example;
  const char* category;
  const char* categories;
  /// The naive answer, as a sentence of a page says it.
  const char* naive;
};
inline constexpr ReportNouns kOfSequences = {
    .example = "sequence",
    .category = "class",
    .categories = "classes",
    .naive =
        "The naive answer is always the class that was most frequent in training, with the "
        "shares of all classes there as its probabilities."};
inline constexpr ReportNouns kOfTexts = {.example = "text",
                                         .category = kOfSequences.category,
                                         .categories = kOfSequences.categories,
                                         .naive = kOfSequences.naive};
inline constexpr ReportNouns kOfWords = {
    .example = "word",
    .category = "tag",
    .categories = "tags",
    .naive =
        "The naive answer is the tag that the word had most often in training, and for a word "
        "that was not there the most frequent tag of all. Its probability is the share of the "
        "words that it names right in training; the other tags have the rest."};

/// Of what the classifier reads.
[[nodiscard]] inline const ReportNouns& nouns_of(const models::Classifier& model) {
  return model.options().reads_texts() ? kOfTexts : kOfSequences;
}

/// How good a classifier is on some sequences or texts, or a tagger on some words; all scores are
/// of the same ones.
struct ClassificationReport {
  ReportNouns nouns = kOfSequences;
  std::vector<std::string> classes;
  models::ClassificationScore score;
  models::ClassificationScore naive;
  /// If the tags mark entities: of all, and of each type.
  std::vector<models::EntityScore> entities = {};
  std::vector<models::EntityScore> naive_entities = {};
};

/// "accuracy 97.57 % (naive: 11.11 %)", and the other measures, in a few lines.
[[nodiscard]] std::string summary(const ClassificationReport& report);
/// The summary, each class, and of up to twenty classes the confusion matrix.
[[nodiscard]] std::string to_text(const ClassificationReport& report);
/// The members that say all of this.
[[nodiscard]] nlohmann::ordered_json to_json(const ClassificationReport& report);
/// Precision, recall and F1 of each class.
[[nodiscard]] report::Figure classes_figure(const ClassificationReport& report);
/// What `evaluate` prints and writes: `object` are the members that come first with --json.
void present(const ClassificationReport& report, nlohmann::ordered_json object, double seconds,
             const std::string& title, const ReportFiles& files, bool json);
/// Adds the summary, the figures and the tables; the confusion of up to a hundred classes.
void add_to(report::Page& page, const ClassificationReport& report);

}  // namespace riverrun::cli
