#include "riverrun/models/signal_run.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "riverrun/models/run_description_json.h"
#include "riverrun/models/signal_folder.h"
#include "riverrun/models/signal_score.h"

namespace riverrun::models {
namespace {

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

SignalPart part(const SignalPart& whole, std::int64_t from, std::int64_t to) {
  return {.dry = whole.dry.subspan(at(from), at(to - from)),
          .wet = whole.wet.subspan(at(from), at(to - from))};
}

}  // namespace

TrainerOptions signal_trainer_options() {
  TrainerOptions options;
  options.seq_len = 256;
  options.lr = 5e-3;
  options.warmup = 100;
  return options;
}

SignalSplit split(const SignalPart& whole, const SignalTraining& learning) {
  const std::int64_t samples = std::ssize(whole.dry);
  if (learning.valid_fraction == 0) return {.train = whole, .valid = {}};
  const auto judged =
      static_cast<std::int64_t>(std::ceil(static_cast<double>(samples) * learning.valid_fraction));
  const std::int64_t learnt = samples - judged;
  if (learnt < 1) {
    throw ConfigError(
        fmt::format("the signal has {} samples; with a valid_fraction of {} there is "
                    "none to learn from",
                    samples, learning.valid_fraction));
  }
  const std::int64_t begin = std::max<std::int64_t>(learnt - learning.lead_in, 0);
  SignalSplit split{.train = part(whole, 0, learnt), .valid = part(whole, begin, samples)};
  split.valid.lead_in = learnt - begin;
  return split;
}

SignalBatches signal_batches(std::int64_t samples, const TrainerOptions& options,
                             const SignalTraining& learning) {
  const std::int64_t row = options.batch_size * options.seq_len;
  if (row < 1 || samples < row) {
    throw ConfigError(
        fmt::format("the signal to learn from has {} samples; it must have at least batch_size · "
                    "seq_len = {} · {}, and more than none",
                    samples, options.batch_size, options.seq_len));
  }
  if (learning.lead_in > samples) {
    throw ConfigError(
        fmt::format("lead_in is {}; it must be at most as long as the signal to learn from, which "
                    "has {} samples",
                    learning.lead_in, samples));
  }
  const std::int64_t chunks = std::max<std::int64_t>(learning.stretch / options.seq_len, 1);
  const std::int64_t group = row * chunks;
  SignalBatches batches{.groups = std::max<std::int64_t>((samples + group / 2) / group, 1)};
  batches.chunks = std::max<std::int64_t>(samples / (batches.groups * row), 1);
  batches.spare = samples - batches.groups * batches.chunks * row;
  return batches;
}

SignalRun suggested_run(const SignalPart& learnt, std::int64_t sample_rate, SignalRun run) {
  run.model.sample_rate = sample_rate;
  run.model.gain = best_gain(learnt.dry, learnt.wet);
  const std::int64_t samples = std::ssize(learnt.dry);
  run.learning.lead_in = std::min(run.learning.lead_in, samples);
  std::int64_t& batch_size = run.trainer.batch_size;
  if (batch_size == 0) {
    // An epoch of a short signal should still have some updates.
    constexpr std::int64_t kMost = 32;
    constexpr std::int64_t kLeastUpdates = 16;
    batch_size = kMost;
    while (batch_size > 1 && samples / run.trainer.seq_len < kLeastUpdates * batch_size) {
      batch_size /= 2;
    }
  }
  // A short signal is learnt often, a long one at least some times.
  constexpr std::int64_t kSamples = 150'000'000;
  constexpr std::int64_t kLeastEpochs = 5;
  constexpr std::int64_t kMostEpochs = 2000;
  run.trainer.epochs =
      std::clamp(kSamples / std::max<std::int64_t>(samples, 1), kLeastEpochs, kMostEpochs);
  return run;
}

SavedRun<SignalRun> saved_signal_run(const Folder& folder) {
  check_signal_config(folder);
  return read_saved_run<SignalRun>(folder);
}

template std::string to_json(const RunDescription<SignalRun>&);
template RunDescription<SignalRun> parse_description(const std::string&, const std::string&);

}  // namespace riverrun::models
