#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/data/audio.h"

#include "cli/kind.h"
#include "cli/model.h"
#include "cli/predict.h"
#include "cli/progress.h"

namespace riverrun::cli {
namespace {

/// What the device makes of the samples, in their place.
void transform(const models::SignalModel& model, std::span<float> samples) {
  constexpr std::size_t kPiece = 1 << 15;
  ReadCounter counter(std::ssize(samples), "samples");
  State state;
  std::vector<float> said;
  for (std::size_t i = 0; i < samples.size(); i += kPiece) {
    const std::span<float> piece = samples.subspan(i, std::min(kPiece, samples.size() - i));
    said.resize(piece.size());
    model.process(piece, said, state);
    std::ranges::copy(said, piece.begin());
    counter.show(static_cast<std::int64_t>(i + piece.size()));
  }
  counter.finish();
}

}  // namespace

ExitCode predict_signal(const PredictFlags& flags) {
  using Clock = std::chrono::steady_clock;
  if (flags.out.empty()) {
    throw ConfigError("predict: audio is not printed; --out says which file to write");
  }
  const models::SignalModel model = load_finite_signal_model(flags.model, "predict");
  data::Audio audio = data::read_audio(flags.data);
  require_rate(model, audio.path, audio.sample_rate);
  if (audio.channels > 1) {
    note(fmt::format("note: {}: its {} channels are the same; one of them is read and written",
                     audio.path, audio.channels));
  }
  const Clock::time_point start = Clock::now();
  transform(model, audio.samples);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const auto wrong =
      std::ranges::find_if(audio.samples, [](float sample) { return !std::isfinite(sample); });
  if (wrong != audio.samples.end()) {
    throw NumericError(
        fmt::format("predict: what the model makes of sample {} is {}; the weights are too large",
                    wrong - audio.samples.begin(), *wrong));
  }
  float peak = 0;
  for (const float sample : audio.samples) peak = std::max(peak, std::abs(sample));
  data::write_audio(flags.out, audio.samples, audio.sample_rate);
  const std::int64_t samples = std::ssize(audio.samples);
  const double rate = static_cast<double>(samples) / seconds;
  const double factor = rate / static_cast<double>(audio.sample_rate);
  if (flags.json) {
    print_json({{"kind", name(Kind::kTransform)},
                {"model", flags.model.string()},
                {"data", flags.data.string()},
                {"out", flags.out.string()},
                {"samples", samples},
                {"sample_rate", audio.sample_rate},
                {"peak", peak},
                {"seconds", seconds},
                {"samples_per_second", rate},
                {"real_time_factor", factor}});
    return kOk;
  }
  note(fmt::format(
      "{}: {:.2f} s of audio in {:.2f} s, {:.1f} times as fast as real time", flags.out.string(),
      static_cast<double>(samples) / static_cast<double>(audio.sample_rate), seconds, factor));
  if (peak > 1) {
    note(
        fmt::format("note: its peak is {:.2f}, beyond full scale: lower it before it is stored as "
                    "whole numbers",
                    peak));
  }
  return kOk;
}

}  // namespace riverrun::cli
