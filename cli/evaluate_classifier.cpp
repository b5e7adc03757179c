#include "cli/evaluate_classifier.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/models/classification.h"

#include "cli/classification_report.h"
#include "cli/kind.h"
#include "cli/model.h"
#include "cli/progress.h"
#include "cli/sequences.h"

namespace riverrun::cli {

ExitCode evaluate_classifier(const std::filesystem::path& folder, const std::filesystem::path& file,
                             const ReportFiles& files, bool json) {
  using Clock = std::chrono::steady_clock;
  const models::Classifier model = load_finite_classifier(folder, "evaluate");
  const data::LabelledSequences read = read_sequences(file, model);
  const ReportNouns& nouns = nouns_of(model);
  if (read.classes.empty()) {
    throw FormatError(
        read.path, 0,
        fmt::format("the {}s have no labels to compare with; `riverrun predict` needs none",
                    nouns.example));
  }
  const std::vector<std::int64_t> all = models::all_of(read);
  const std::vector<std::int32_t> labels = model.labels(read, all);
  const Clock::time_point start = Clock::now();
  const std::string examples = fmt::format("{}s", nouns.example);
  ReadCounter counter(std::ssize(all), examples.c_str());
  const Tensor probabilities =
      model.probabilities(read, all, [&counter](std::int64_t done) { counter.show(done); });
  counter.finish();
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const ClassificationReport report{
      .nouns = nouns,
      .classes = model.options().classes,
      .score = models::score_classification(probabilities, labels),
      .naive = models::score_naive_classification(model.options().examples, labels)};
  present(report,
          {{"kind", name(Kind::kClassify)}, {"model", folder.string()}, {"data", file.string()}},
          seconds, fmt::format("{} on {}", folder_name(folder), file.filename().string()), files,
          json);
  return kOk;
}

}  // namespace riverrun::cli
