#include "cli/info_forecast.h"

#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "riverrun/models/forecast_run.h"
#include "riverrun/models/forecaster_folder.h"

#include "cli/info_run.h"
#include "cli/kind.h"
#include "cli/series.h"

namespace riverrun::cli {
namespace {

using Found = FoundRun<models::LoadedForecaster, models::ForecastRun>;

nlohmann::ordered_json to_json(const std::filesystem::path& folder, const Found& found) {
  return info_json(Kind::kForecast, folder, found, "window", "loss");
}

std::string covariates_text(const models::ForecasterOptions& options, bool known) {
  std::vector<std::string> names;
  for (const data::Covariate& covariate : options.covariates) {
    if (covariate.known == known) names.push_back(covariate.name);
  }
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

std::string to_text(const std::filesystem::path& folder, const Found& found) {
  const models::ForecasterOptions& o = found.loaded.model.options();
  const bool draws = o.method == models::ForecastMethod::kPaths;
  const std::string text = fmt::format(
      "{}: a forecaster\n"
      "  targets         {}\n"
      "  covariates      past: {}; known: {}\n"
      "  series          {} learnt from, {}{}\n"
      "  horizon         {}, from {}\n"
      "  season          {}\n"
      "  method          {}\n"
      "  cell            {}\n"
      "  layers          {} x {} units\n"
      "  quantiles       {}\n",
      folder.string(), fmt::join(o.columns.target, ", "), covariates_text(o, false),
      covariates_text(o, true), grouped(std::ssize(o.lines) / std::ssize(o.columns.target)),
      rows_of(o.frequency) +
          (o.columns.time_zone.empty() ? "" : ", times in " + o.columns.time_zone),
      o.learnt_until.empty() ? "" : fmt::format(", up to {}", o.learnt_until),
      counted(o.horizon, "row"), counted(o.look_back, "row"), counted(o.season, "row"),
      draws ? fmt::format("paths, {} of which are drawn row by row", o.paths)
            : fmt::format("segments of {}", counted(o.segment, "row")),
      o.cell.name(), o.num_layers, o.hidden_size, fmt::join(o.quantiles, ", "));
  return text + run_text(found, "window", draws ? "nats per row" : "(quantile loss)", "");
}

}  // namespace

ExitCode info_of_forecaster(const std::filesystem::path& folder, bool json) {
  return print_info<models::ForecastRun>(
      folder, json, [](const Folder& opened) { return models::load_forecaster(opened); },
      models::saved_forecast_run, to_json, to_text);
}

}  // namespace riverrun::cli
