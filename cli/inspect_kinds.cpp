#include "cli/inspect_kinds.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "riverrun/core/error.h"

#include "cli/inspect_report.h"
#include "cli/progress.h"
#include "cli/terminal.h"

namespace riverrun::cli {
namespace {

/// What the units do is read in double precision, which takes its time.
constexpr std::int64_t kMostUnitSteps = 20000;

/// The number from 0 of the example that is shown.
std::int64_t shown_example(const Inspectable& model, const AnswerFlags& flags) {
  if (!flags.sequence) return model.usual();
  if (*flags.sequence <= model.size()) return *flags.sequence - 1;
  throw ConfigError(fmt::format("inspect: --sequence is {}; there {} {}", *flags.sequence,
                                model.size() == 1 ? "is" : "are",
                                counted(model.size(), model.about().example)));
}

}  // namespace

ExitCode inspect_answers(Kind kind, const std::filesystem::path& folder, const AnswerFlags& flags,
                         std::size_t rank, const ReportFiles& files, bool json) {
  const std::unique_ptr<Inspectable> model = open_inspectable(
      kind, {.model = folder, .data = flags.data, .wanted = flags.wanted, .verb = "inspect"});
  const Inspectable::About about = model->about();
  const std::size_t channels = about.channels.size();
  // The one that is shown is looked at more closely than those that only means are made of.
  const insight::AttributionOptions closely{
      .points = flags.points, .tolerance = 0.001, .most_points = 1024};
  const insight::AttributionOptions options{.points = flags.points};
  const std::int64_t shown = shown_example(*model, flags);
  InspectedExample example = model->example(shown, flags.wanted);
  Contributions one = contributions(*model, example, channels, closely);

  MeanContributions mean(channels);
  insight::StackStatistics units(model->stack());
  const std::vector<std::int64_t> which = spread(*model, flags.examples);
  ReadCounter counter(std::ssize(which), "examples");
  for (const std::int64_t n : which) {
    // Each by what its model says of it, whatever is asked of the one that is shown.
    const InspectedExample other =
        model->example(n, {.name = {}, .word = {}, .step = flags.wanted.step});
    mean.add(contributions(*model, other, channels, options), other.answered);
    if (units.steps() < kMostUnitSteps) units.add(model->read(n));
    counter.show(mean.examples());
  }
  counter.finish();

  const AnswerReport report{.model = folder,
                            .data = flags.data,
                            .kind = kind,
                            .about = about,
                            .of = model->size(),
                            .options = model->stack().options(),
                            .cell = model->stack().cell(),
                            .example = std::move(example),
                            .one = std::move(one),
                            .mean = std::move(mean),
                            .units = std::move(units),
                            .rank = rank,
                            .tolerance = closely.tolerance};
  if (json) {
    print_json(to_json(report));
  } else {
    print_raw(to_text(report, can_colour(STDOUT_FILENO)));
  }
  write({.html = files.html, .svg = files.svg, .csv = {}}, contributions_figure(report),
        [&] { return to_page(report); });
  if (!files.csv.empty()) {
    write({.html = {}, .svg = {}, .csv = files.csv}, all_series(report), {});
  }
  return kOk;
}

}  // namespace riverrun::cli
