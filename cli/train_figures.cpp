#include "cli/train_figures.h"

#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "riverrun/nn/cells.h"

#include "cli/command.h"
#include "cli/run_report.h"

namespace riverrun::cli {
namespace {

using report::Figure;
using report::Series;

/// Of the last measurement, each state's norm against the lag.
Figure norms_figure(const EndedRun& run) {
  Figure figure{
      .title = "Norm of the gradient against the lag, in the last measurement",
      .x = {.label = "lag k", .unit = "steps", .scale = report::Scale::kLogarithmic},
      .y = {.label = "norm of the gradient k steps back", .scale = report::Scale::kPowersOfTen},
      .series = {}};
  const std::vector<std::string>& states = run.model.options().cell.descriptor().states;
  for (std::size_t s = 0; s < states.size(); ++s) {
    Series series{.name = states[s], .x = {}, .y = {}};
    for (const lm::StateGradient& gradient : run.reach.last()) {
      series.x.push_back(static_cast<double>(gradient.lag));
      series.y.push_back(std::log10(gradient.norms[s]));
    }
    figure.series.push_back(std::move(series));
  }
  return figure;
}

std::string summary(const EndedRun& run) {
  const lm::LanguageModelOptions& o = run.model.options();
  std::string text =
      fmt::format("{}, {} x {}; {}", o.cell.name(), o.num_layers, counted(o.hidden_size, "unit"),
                  counted(run.result.steps, "update"));
  if (run.result.saved) {
    const double nats = run.result.saved->valid.loss;
    text +=
        fmt::format(", validation {:.4f} nats per token, perplexity {:.2f}", nats, std::exp(nats));
  }
  return text + ".";
}

}  // namespace

Figure reach_figure(const EndedRun& run) {
  Series horizon{.name = "memory horizon", .x = {}, .y = {}};
  Series flows{.name = "steps that the gradient flows through", .x = {}, .y = {}};
  for (const ReachReport::Measured& measured : run.reach.measured()) {
    const auto seq_len = static_cast<double>(measured.seq_len);
    for (Series* series : {&horizon, &flows}) {
      series->x.push_back(static_cast<double>(measured.step));
    }
    horizon.y.push_back(measured.horizon.lag.value_or(seq_len));
    flows.y.push_back(seq_len);
  }
  if (horizon.x.empty()) {  // a run that was resumed shortly before its end
    horizon.x.push_back(static_cast<double>(run.result.steps));
    horizon.y.push_back(std::numeric_limits<double>::quiet_NaN());
    flows.x = horizon.x;
    flows.y = horizon.y;
  }
  return {.title = "How far back the gradient reaches",
          .x = {.label = "updates"},
          .y = {.label = "memory horizon", .unit = "steps", .low = 0.0},
          .series = {std::move(horizon), std::move(flows)}};
}

report::Page to_page(const EndedRun& run) {
  report::Page page(fmt::format("Training {}", folder_name(run.out)));
  page.paragraph(summary(run));
  if (!run.result.validations.empty()) page.chart(loss_figure(run.result, "Loss of a token"));
  if (run.reach.measured().empty()) return page;
  page.chart(reach_figure(run));
  page.paragraph(
      "The memory horizon is the number of steps back at which the gradient of a token's loss with "
      "respect to the states has fallen to a hundredth of what it is one step back; where it has "
      "not, the line is at the steps that the gradient flows through. Measured since the run was "
      "begun or resumed.");
  page.chart(norms_figure(run));
  return page;
}

}  // namespace riverrun::cli
