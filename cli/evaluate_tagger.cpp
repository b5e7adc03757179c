#include "cli/evaluate_tagger.h"

#include <chrono>
#include <cstdint>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/data/tagged.h"

#include "cli/kind.h"
#include "cli/model.h"
#include "cli/tagging_report.h"

namespace riverrun::cli {

ExitCode evaluate_tagger(const std::filesystem::path& folder, const std::filesystem::path& file,
                         const ReportFiles& files, bool json) {
  using Clock = std::chrono::steady_clock;
  const models::Tagger model = load_finite_tagger(folder, "evaluate");
  const data::TaggedSentences read =
      data::read_conll(file, model.options().columns, data::LabelColumn::kIfThere);
  if (read.tags.empty()) {
    throw FormatError(read.path,
                      fmt::format("the column {} has no tags to compare with; `riverrun predict` "
                                  "needs none",
                                  model.options().columns.tag));
  }
  const Clock::time_point start = Clock::now();
  const std::vector<std::int64_t> all = models::all_of(read);
  const ClassificationReport report = measure(model, read, all);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  present(report,
          {{"kind", name(Kind::kTag)},
           {"model", folder.string()},
           {"data", file.string()},
           {"sentences", read.sentences.size()}},
          seconds, fmt::format("{} on {}", folder_name(folder), file.filename().string()), files,
          json);
  return kOk;
}

}  // namespace riverrun::cli
