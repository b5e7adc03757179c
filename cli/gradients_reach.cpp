#include "cli/gradients_reach.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/insight/gradient_flow.h"
#include "riverrun/insight/input_reach.h"

#include "cli/command.h"
#include "cli/inspectable.h"

namespace riverrun::cli {
namespace {

/// Nothing if there is no lag but 0.
std::optional<FlowCurve> to_curve(const insight::ReachCurve& reach, const std::string& network,
                                  bool ahead, const Recurrent& stack, std::int64_t steps) {
  insight::ReachCurve cut = reach;
  cut.log_norms.resize(std::min(cut.log_norms.size(), static_cast<std::size_t>(steps) + 1));
  const std::optional<insight::MemoryHorizon> horizon = cut.horizon();
  if (!horizon) return std::nullopt;
  FlowCurve curve{.network = network,
                  .state = "x",
                  .name = network,
                  .lags = {},
                  .log_norms = std::move(cut.log_norms),
                  .horizon = *horizon,
                  .ahead = ahead,
                  // In one direction a cell without recurrence has no way back at all.
                  .may_underflow = stack.cell().recurrent};
  if (stack.options().bidirectional) curve.name += ahead ? ", ahead" : ", back";
  for (std::size_t lag = 0; lag < curve.log_norms.size(); ++lag) {
    curve.lags.push_back(static_cast<std::int64_t>(lag));
  }
  return curve;
}

void measure(Inspectable& model, const std::string& name, const ReachFlags& flags,
             std::span<const std::int64_t> which, FlowReport& report) {
  const insight::StackGradient gradient = model.gradient(which, flags.steps);
  Recurrent stack = model.stack().clone();
  const insight::InputReach reach = insight::input_reach(stack, gradient);
  for (const bool ahead : {false, true}) {
    std::optional<FlowCurve> curve =
        to_curve(ahead ? reach.ahead : reach.back, name, ahead, stack, flags.steps);
    if (curve) report.curves.push_back(std::move(*curve));
  }
}

}  // namespace

FlowReport measure_reach(Kind kind, const ReachFlags& flags) {
  const std::unique_ptr<Inspectable> model = open_inspectable(
      kind, {.model = flags.model, .data = flags.data, .wanted = {}, .verb = "gradients"});
  const std::vector<std::int64_t> which = spread(*model, flags.batch_size);
  const Inspectable::About about = model->about();
  FlowReport report{.loss = about.loss,
                    .input = fmt::format("{} of {}", counted(std::ssize(which), about.example),
                                         grouped(model->size())),
                    .steps = 0,
                    .batch_size = std::ssize(which),
                    .shown = {0},
                    .curves = {},
                    .by_input = true,
                    .unit = about.read_step};
  if (!flags.data.empty()) report.input += " in " + flags.data.string();
  measure(*model, folder_name(flags.model), flags, which, report);
  if (flags.untrained) measure(*model->untrained(flags.seed), "untrained", flags, which, report);
  if (report.curves.empty()) {
    throw ConfigError(fmt::format(
        "gradients: all that is read of {} is one step; there is none before it", report.input));
  }
  for (const FlowCurve& curve : report.curves) {
    report.steps = std::max(report.steps, curve.lags.back());
  }
  const std::vector<std::int64_t> lags = insight::round_lags(report.steps);
  report.shown.insert(report.shown.end(), lags.begin(), lags.end());
  return report;
}

}  // namespace riverrun::cli
