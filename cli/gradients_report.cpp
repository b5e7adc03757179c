#include "cli/gradients_report.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/table.h"

namespace riverrun::cli {
namespace {

using insight::Fate;

/// "segments of 24 rows" of "segment of 24 rows".
std::string plural(const std::string& unit) {
  const std::size_t end = std::min(unit.find(' '), unit.size());
  return unit.substr(0, end) + "s" + unit.substr(end);
}

/// "0" for a norm of 0, "" if the lag is not there.
std::string norm_text(const FlowCurve& curve, std::int64_t lag) {
  const auto at = std::lower_bound(curve.lags.begin(), curve.lags.end(), lag);
  if (at == curve.lags.end() || *at != lag) return "";
  const double log10 =
      curve.log_norms[static_cast<std::size_t>(at - curve.lags.begin())] / std::numbers::ln10;
  if (!std::isinf(log10)) return report::power_of_ten(log10);
  return curve.may_underflow ? "< 1e-38" : "0";
}

std::string horizon_text(const FlowCurve& curve) {
  if (!curve.horizon.lag) return "> " + grouped(curve.lags.back());
  const double lag = *curve.horizon.lag;
  if (lag == 0) return "0";
  return lag < 100 ? fmt::format("{:.1f}", lag)
                   : grouped(static_cast<std::int64_t>(std::llround(lag)));
}

std::string growth_text(const FlowCurve& curve) {
  if (!curve.horizon.log_growth) return "–";
  return fmt::format("× {:.5g}", std::exp(*curve.horizon.log_growth));
}

std::string_view fate_text(Fate fate) {
  return fate == Fate::kNone ? "no memory" : to_string(fate);
}

report::Table horizon_table(const FlowReport& report) {
  report::Table table{.caption = {},
                      .header = {"", fmt::format("memory horizon ({})", plural(report.unit)),
                                 "growth per step", "the gradient"},
                      .rows = {}};
  for (const FlowCurve& curve : report.curves) {
    table.rows.push_back({curve.name, horizon_text(curve), growth_text(curve),
                          std::string(fate_text(curve.horizon.fate))});
  }
  return table;
}

report::Table norm_table(const FlowReport& report) {
  report::Table table{.caption = {}, .header = {"lag"}, .rows = {}};
  for (const FlowCurve& curve : report.curves) table.header.push_back(curve.name);
  for (const std::int64_t lag : report.shown) {
    table.rows.push_back({grouped(lag)});
    for (const FlowCurve& curve : report.curves) table.rows.back().push_back(norm_text(curve, lag));
  }
  return table;
}

/// A sentence for each curve that has no way back at all.
std::vector<std::string> remarks(const FlowReport& report) {
  std::vector<std::string> lines;
  for (const FlowCurve& curve : report.curves) {
    if (curve.horizon.fate != Fate::kNone) continue;
    if (curve.may_underflow) {
      lines.push_back(curve.name + ": the gradient is below float32's range from lag 1 on.");
      continue;
    }
    lines.push_back(
        curve.name +
        (report.by_input
             ? ": the gradient is exactly 0 from lag 1 on. Nothing but the step that "
               "is answered from can have changed it."
             : ": the gradient is exactly 0 from lag 1 on. Nothing that came before the "
               "last step can have changed it."));
  }
  return lines;
}

}  // namespace

std::string to_text(const FlowReport& report) {
  std::string text = fmt::format("L: {}\ninput: {}\n", report.loss, report.input);
  text += report.by_input
              ? fmt::format(
                    "norm of the gradient by what the recurrent layers read; a lag is a "
                    "{}\n\n",
                    report.unit)
              : fmt::format("{} back, mean norm over {}\n\n", counted(report.steps, "step"),
                            counted(report.batch_size, "sequence"));
  text += aligned(norm_table(report)) + "\n" + aligned(horizon_table(report));
  for (const std::string& line : remarks(report)) text += "\n" + line + "\n";
  return text;
}

nlohmann::ordered_json to_json(const FlowReport& report) {
  using nlohmann::ordered_json;
  ordered_json curves = ordered_json::array();
  for (const FlowCurve& curve : report.curves) {
    ordered_json norms = ordered_json::array();
    for (std::size_t i = 0; i < curve.lags.size(); ++i) {
      if (!std::binary_search(report.shown.begin(), report.shown.end(), curve.lags[i])) continue;
      const double log10 = curve.log_norms[i] / std::numbers::ln10;
      norms.push_back(
          {{"lag", curve.lags[i]},
           {"log10_norm", std::isfinite(log10) ? ordered_json(log10) : ordered_json()}});
    }
    const insight::MemoryHorizon& h = curve.horizon;
    const bool has_layer = !curve.state.empty() && !report.by_input;
    curves.push_back(
        {{"name", curve.name},
         {"network", curve.network},
         {"layer", has_layer ? ordered_json(curve.layer) : ordered_json()},
         {"state", curve.state.empty() ? ordered_json() : ordered_json(curve.state)},
         {"measure", curve.state.empty() ? "largest singular value" : "norm"},
         {"fate", to_string(h.fate)},
         {"memory_horizon", h.lag ? ordered_json(*h.lag) : ordered_json()},
         {"growth_per_step", h.log_growth ? ordered_json(std::exp(*h.log_growth)) : ordered_json()},
         {"norms", norms}});
    if (report.by_input) curves.back()["direction"] = curve.ahead ? "ahead" : "back";
  }
  return {{"loss", report.loss},   {"input", report.input},           {"unit", report.unit},
          {"steps", report.steps}, {"batch_size", report.batch_size}, {"curves", curves}};
}

report::Figure to_figure(const FlowReport& report) {
  // What is far below the rest is out of sight, so that the rest can be seen.
  constexpr double kLowest = -18;
  double low = 0;
  double high = 0;
  report::Figure figure{.title = "Norm of the gradient against the lag",
                        .x = {.label = "lag k",
                              .unit = plural(report.unit),
                              .scale = report::Scale::kLogarithmic,
                              .low = 1,
                              .high = static_cast<double>(std::max<std::int64_t>(report.steps, 2))},
                        .y = {.label = report.by_input ? "norm of the gradient k steps away"
                                                       : "norm of the gradient k steps back",
                              .scale = report::Scale::kPowersOfTen},
                        .series = {}};
  for (const FlowCurve& curve : report.curves) {
    report::Series series{.name = curve.name, .x = {}, .y = {}};
    for (std::size_t i = 0; i < curve.lags.size(); ++i) {
      if (curve.lags[i] == 0) continue;  // has no place on a logarithmic axis
      series.x.push_back(static_cast<double>(curve.lags[i]));
      series.y.push_back(curve.log_norms[i] / std::numbers::ln10);
      if (!std::isfinite(series.y.back())) continue;
      low = std::min(low, series.y.back());
      high = std::max(high, series.y.back());
    }
    figure.series.push_back(std::move(series));
  }
  figure.y.low = std::max(std::floor(low), kLowest);
  figure.y.high = std::ceil(high) + (high == std::ceil(high) ? 1 : 0);
  return figure;
}

report::Page to_page(const FlowReport& report) {
  report::Page page("How far back the gradient reaches");
  if (report.by_input) {
    page.paragraph(
        "What an answer depends on: the gradient of its loss with respect to what was read k steps "
        "before, or after, the step that it is answered from. Where it is next to nothing, the "
        "model does not use what stands there, and cannot learn to.");
  } else {
    page.paragraph(
        "To learn from what came k steps before, a network needs the gradient of its loss with "
        "respect to its state there. Going back a step multiplies it once more by the same kind of "
        "matrix: so it vanishes or explodes, unless the cell makes a road for it.");
  }
  page.chart(to_figure(report));
  for (const std::string& line : remarks(report)) page.paragraph(line);
  page.heading("Memory horizons");
  page.paragraph(
      "The memory horizon is the lag at which the norm has fallen to a hundredth of what it is at "
      "lag 1; \">\" says that it has not, within the sequence. Growth per step is the factor that "
      "each further step multiplies the norm with: below 1 it vanishes, above 1 it explodes.");
  page.table(horizon_table(report));
  page.heading("The norms");
  page.table(norm_table(report));
  page.heading("How this was measured");
  if (report.by_input) {
    page.paragraph(fmt::format(
        "L is {}. The networks read {}. A lag is a {}. With g the gradient of L by the output h of "
        "the recurrent layers at the step that is answered from (or by their last states), the "
        "norm is the Euclidean one of the gradient of g·h by what the recurrent layers read k "
        "steps "
        "away; the root mean square over those sequences that reach so far is drawn. Of states at "
        "both ends, as those of a bidirectional network, lags are counted from each end. All is "
        "computed in float32, below whose range a norm is not known.",
        report.loss, report.input, report.unit));
    return page;
  }
  page.paragraph(fmt::format(
      "L is {}. The networks read {}: {} of {}, from a state of zeros. The norm is the Euclidean "
      "one of ∂L/∂h, or of another state of the cell, k steps before the last, with the other "
      "states of that step held; the mean over the sequences is drawn. All is computed in double "
      "precision from the network's float32 weights.",
      report.loss, report.input, counted(report.batch_size, "sequence"),
      counted(report.steps, "step")));
  return page;
}

}  // namespace riverrun::cli
