#include "cli/signal_report.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <span>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"

#include "cli/command.h"
#include "cli/progress.h"

namespace riverrun::cli {
namespace {

using models::SignalScore;

double decibels(double ratio) { return 10 * std::log10(ratio); }

std::string ratio_text(double ratio) {
  return ratio > 0 ? fmt::format("{:.3g} ({:.1f} dB)", ratio, decibels(ratio)) : "0";
}

report::Table scores_table(const SignalReport& report) {
  const auto row = [&](const char* name, double SignalScore::*measure) {
    return std::vector<std::string>{name, ratio_text(report.score.*measure),
                                    ratio_text(report.naive.*measure)};
  };
  return {.header = {"", "model", "naive answer"},
          .rows = {row("error to signal", &SignalScore::esr),
                   row("the same, with pre-emphasis", &SignalScore::esr_preemphasis),
                   row("offset to signal", &SignalScore::dc),
                   row("mean square error", &SignalScore::mse),
                   {"mean absolute error", fmt::format("{:.3g}", report.score.mae),
                    fmt::format("{:.3g}", report.naive.mae)}}};
}

}  // namespace

double SignalReport::samples_per_second() const noexcept {
  return static_cast<double>(processed) / seconds;
}

double SignalReport::real_time_factor() const noexcept {
  return samples_per_second() / static_cast<double>(sample_rate);
}

SignalReport measure(const models::SignalModel& model, const models::SignalPart& part,
                     std::int64_t lead_in) {
  using Clock = std::chrono::steady_clock;
  constexpr std::size_t kPiece = 1 << 15;
  constexpr std::size_t kWindows = 400;
  const models::SignalOptions& options = model.options();
  const std::size_t samples = part.dry.size();
  const auto first = static_cast<std::size_t>(lead_in);
  const std::size_t window = (samples - first) / kWindows + 1;
  SignalReport report{
      .score = {},
      .naive = {},
      .sample_rate = options.sample_rate,
      .processed = static_cast<std::int64_t>(samples),
      .windows = {},
      .window_seconds = static_cast<double>(window) / static_cast<double>(options.sample_rate)};
  models::SignalCounter counter(options.pre_emphasis);
  models::SignalCounter naive_counter(options.pre_emphasis);
  ReadCounter progress(static_cast<std::int64_t>(samples), "samples");
  State state;
  std::vector<float> said;
  std::vector<float> naive;
  std::vector<std::int64_t> counts;
  for (std::size_t i = 0; i < samples; i += kPiece) {
    const std::size_t count = std::min(kPiece, samples - i);
    const std::span<const float> dry = part.dry.subspan(i, count);
    said.resize(count);
    naive.resize(count);
    const Clock::time_point start = Clock::now();
    model.process(dry, said, state);
    report.seconds += std::chrono::duration<double>(Clock::now() - start).count();
    for (std::size_t k = 0; k < count; ++k) {
      if (!std::isfinite(said[k])) {
        throw NumericError(fmt::format(
            "what the model makes of sample {} is {}; the weights are too large", i + k, said[k]));
      }
      naive[k] = static_cast<float>(options.gain) * dry[k];
    }
    const std::size_t skipped = std::min(first - std::min(first, i), count);
    const std::span<const float> wet = part.wet.subspan(i, count).subspan(skipped);
    counter.add(std::span(said).subspan(skipped), wet);
    naive_counter.add(std::span(naive).subspan(skipped), wet);
    for (std::size_t k = skipped; k < count; ++k) {
      const std::size_t place = (i + k - first) / window;
      if (place == report.windows.size()) {
        report.windows.emplace_back();
        counts.push_back(0);
      }
      const auto square = [](double x) { return x * x; };
      SignalReport::Window& of = report.windows[place];
      of.wet += square(part.wet[i + k]);
      of.error += square(part.wet[i + k] - said[k]);
      of.naive_error += square(part.wet[i + k] - naive[k]);
      ++counts[place];
    }
    progress.show(static_cast<std::int64_t>(i + count));
  }
  progress.finish();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    SignalReport::Window& of = report.windows[i];
    for (double* power : {&of.wet, &of.error, &of.naive_error}) {
      *power /= static_cast<double>(counts[i]);
    }
  }
  report.score = counter.score();
  report.naive = naive_counter.score();
  return report;
}

std::string summary(const SignalReport& report) {
  return fmt::format("error to signal {}, with pre-emphasis {} (naive: {:.3g} and {:.3g})",
                     ratio_text(report.score.esr), ratio_text(report.score.esr_preemphasis),
                     report.naive.esr, report.naive.esr_preemphasis);
}

std::string to_text(const SignalReport& report) {
  const SignalScore& score = report.score;
  const SignalScore& naive = report.naive;
  return fmt::format(
      "error to signal {} (naive: {:.3g})\n"
      "with pre-emphasis {} (naive: {:.3g})\n"
      "mean square error {:.3g} (naive: {:.3g}), mean absolute error {:.3g} (naive: {:.3g})\n"
      "{} in {:.2f} s, {:.1f} times as fast as real time\n",
      ratio_text(score.esr), naive.esr, ratio_text(score.esr_preemphasis), naive.esr_preemphasis,
      score.mse, naive.mse, score.mae, naive.mae, counted(score.samples, "sample"), report.seconds,
      report.real_time_factor());
}

nlohmann::ordered_json to_json(const SignalReport& report) {
  const SignalScore& score = report.score;
  const SignalScore& naive = report.naive;
  return {{"samples", score.samples},
          {"sample_rate", report.sample_rate},
          {"esr", score.esr},
          {"naive_esr", naive.esr},
          {"esr_preemphasis", score.esr_preemphasis},
          {"naive_esr_preemphasis", naive.esr_preemphasis},
          {"dc", score.dc},
          {"naive_dc", naive.dc},
          {"mse", score.mse},
          {"naive_mse", naive.mse},
          {"mae", score.mae},
          {"naive_mae", naive.mae},
          {"seconds", report.seconds},
          {"samples_per_second", report.samples_per_second()},
          {"real_time_factor", report.real_time_factor()}};
}

report::Figure levels_figure(const SignalReport& report) {
  report::Figure figure{.title = "Levels of the signal and of the errors",
                        .x = {.label = "time", .unit = "s"},
                        .y = {.label = "level", .unit = "dB of full scale"},
                        .series = {}};
  const auto add = [&](const char* name, double SignalReport::Window::*power) {
    report::Series series{.name = name, .x = {}, .y = {}};
    for (std::size_t i = 0; i < report.windows.size(); ++i) {
      series.x.push_back(static_cast<double>(i) * report.window_seconds);
      series.y.push_back(decibels(report.windows[i].*power));  // of silence -infinity: a gap
    }
    figure.series.push_back(std::move(series));
  };
  add("wet signal", &SignalReport::Window::wet);
  add("error of the model", &SignalReport::Window::error);
  add("error of the naive answer", &SignalReport::Window::naive_error);
  return figure;
}

void add_to(report::Page& page, const SignalReport& report) {
  page.paragraph(fmt::format("{} at {} a second, {:.1f} times as fast as real time.",
                             counted(report.score.samples, "sample"), grouped(report.sample_rate),
                             report.real_time_factor()));
  page.table(scores_table(report));
  page.paragraph(
      "The naive answer is the dry signal times the one factor that suits what was learnt from. "
      "Pre-emphasis makes errors count about as they are heard.");
  page.chart(levels_figure(report));
}

}  // namespace riverrun::cli
