#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "riverrun/data/audio.h"
#include "riverrun/models/signal_model.h"
#include "riverrun/nn/ops.h"

#include "cli/inspectable.h"
#include "cli/model.h"

namespace riverrun::cli {
namespace {

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

/// Samples that an answer is looked for in: what was before is in the state that they begin with.
constexpr std::int64_t kPast = 2048;

/// An example is a sample of the output, with its past.
class InspectableSignalModel final : public Inspectable {
 public:
  InspectableSignalModel(models::SignalModel model, std::shared_ptr<const data::Audio> audio)
      : model_(std::move(model)), network_(model_.network().clone()), audio_(std::move(audio)) {}

  [[nodiscard]] About about() const override {
    return {.example = "sample",
            .step = "sample",
            .read_step = "sample",
            .loss = "the last sample of the output",
            .baseline = fmt::format("silence, for at most {} samples, after the same past", kPast),
            .channels = {"dry"}};
  }
  [[nodiscard]] std::int64_t size() const override { return std::ssize(audio_->samples); }
  [[nodiscard]] std::int64_t first() const override { return std::min(kPast, size()) - 1; }
  /// The loudest one.
  [[nodiscard]] std::int64_t usual() const override {
    const auto loudest = std::ranges::max_element(audio_->samples, {},
                                                  [](float sample) { return std::abs(sample); });
    return loudest - audio_->samples.begin();
  }

  [[nodiscard]] InspectedExample example(std::int64_t n, const WantedAnswer& /*wanted*/) override {
    const std::int64_t count = std::min(kPast, n + 1);
    State before = state_before(n + 1 - count);
    State after = before;
    std::vector<float> wet(at(count));
    model_.process(stretch(n, count), wet, after);
    std::vector<std::string> steps;
    for (std::int64_t i = n + 1 - count; i <= n; ++i) steps.push_back(fmt::format("{}", i + 1));
    return {.name = fmt::format("sample {}, {:.4f} s", n + 1,
                                static_cast<double>(n) / static_cast<double>(audio_->sample_rate)),
            .said = fmt::format("{:.5f} for {:.5f}", wet.back(), audio_->samples[at(n)]),
            .target = "this sample of the output",
            .steps = std::move(steps),
            .answered = at(count) - 1,
            .x = Tensor({count, 1, 1}, stretch(n, count)),
            .answer = [this, before = std::move(before)](Tape& tape, Var x) {
              const State initial = before.empty() ? State() : repeated(before, x.shape()[1]);
              const Var said = network_.forward(tape, computed_input(x), initial).output;
              const Var last = select(said, 0, -1);
              return model_.options().residual ? add(last, select(x, 0, -1)) : last;
            }};
  }

  [[nodiscard]] const Recurrent& stack() const override { return network_.rnn(); }
  [[nodiscard]] Tensor read(std::int64_t n) override {
    const std::int64_t count = std::min(kPast, n + 1);
    return Tensor({count, 1, 1}, stretch(n, count));
  }
  [[nodiscard]] insight::StackGradient gradient(std::span<const std::int64_t> which,
                                                std::int64_t steps) override {
    const std::int64_t count = std::min(steps + 1, size());
    Tensor dry({count, std::ssize(which), 1});
    for (std::int64_t b = 0; b < std::ssize(which); ++b) {
      // A stretch that would begin before the signal is the first one there is.
      const std::span<const float> from = stretch(std::max(which[at(b)], count - 1), count);
      for (std::int64_t t = 0; t < count; ++t) dry.data()[t * dry.size(1) + b] = from[at(t)];
    }
    Tape tape(/*training=*/false);
    const SequenceModel::VarOutput said = network_.forward(tape, computed_input(tape.input(dry)));
    return stack_gradient(sum(select(said.output, 0, -1)), said.read, said.hidden, said.state, {},
                          std::vector<std::int64_t>(which.size(), count - 1));
  }
  [[nodiscard]] std::unique_ptr<Inspectable> untrained(std::uint64_t seed) const override {
    models::SignalOptions options = model_.options();
    options.seed = seed;
    return std::make_unique<InspectableSignalModel>(models::SignalModel(options), audio_);
  }

 private:
  /// The `count` samples up to sample n.
  [[nodiscard]] std::span<const float> stretch(std::int64_t n, std::int64_t count) const {
    return std::span(audio_->samples).subspan(at(n + 1 - count), at(count));
  }
  /// Samples are asked for in rising order, mostly: a state is gone on from.
  [[nodiscard]] State state_before(std::int64_t n) {
    if (n < reached_) {
      reached_ = 0;
      state_ = {};
    }
    const std::span<const float> dry =
        std::span(audio_->samples).subspan(at(reached_), at(n - reached_));
    std::vector<float> wet(dry.size());
    model_.process(dry, wet, state_);
    reached_ = n;
    return state_;
  }
  /// [layers, 1, hidden] -> [layers, count, hidden]
  [[nodiscard]] static State repeated(const State& state, std::int64_t count) {
    State all;
    for (const Tensor& one : state.tensors) {
      Tensor many({one.size(0), count, one.size(2)});
      float* to = many.data();
      for (std::int64_t i = 0; i < one.size(0) * count; ++i) {
        to = std::copy_n(one.data() + i / count * one.size(2), one.size(2), to);
      }
      all.tensors.push_back(std::move(many));
    }
    return all;
  }

  models::SignalModel model_;
  SequenceModel network_;
  std::shared_ptr<const data::Audio> audio_;
  std::int64_t reached_ = 0;  // samples that state_ has read
  State state_;
};

}  // namespace

std::unique_ptr<Inspectable> open_signal_model(const InspectableSource& source) {
  models::SignalModel model = load_finite_signal_model(source.model, source.verb);
  auto audio = std::make_shared<const data::Audio>(data::read_audio(source.data));
  require_rate(model, audio->path, audio->sample_rate);
  return std::make_unique<InspectableSignalModel>(std::move(model), std::move(audio));
}

}  // namespace riverrun::cli
