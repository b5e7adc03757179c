#include "riverrun/models/signal_objective.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/hash.h"
#include "riverrun/core/random.h"
#include "riverrun/nn/ops.h"

namespace riverrun::models {
namespace {

/// What is drawn while training, each from a stream of seeds of its own.
enum SeedPart : std::uint64_t { kOrder = 100, kOffset = 101 };

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

std::uint64_t hash_of(const SignalPart& part) {
  Fnv1a hash;
  for (const std::span<const float> samples : {part.dry, part.wet}) {
    for (const float sample : samples) hash.mix(std::bit_cast<std::uint32_t>(sample));
  }
  return hash.value();
}

const TrainerOptions& checked(const TrainerOptions& options) {
  riverrun::check(options);
  if (options.seq_len < 2) {
    throw ConfigError("SignalObjective: seq_len is 1; pre-emphasis needs at least 2");
  }
  return options;
}

const SignalTraining& checked(const SignalTraining& learning) {
  check_fields("SignalObjective", learning);
  return learning;
}

std::vector<std::int64_t> first_numbers(std::int64_t count) {
  std::vector<std::int64_t> numbers(at(count));
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::int64_t>(i);
  return numbers;
}

/// [count, begins, 1]: of each stretch the samples from where it begins; silence before the first.
Tensor side_by_side(std::span<const float> samples, std::span<const std::int64_t> begins,
                    std::int64_t count) {
  Tensor batch({count, std::ssize(begins), 1});
  for (std::size_t b = 0; b < begins.size(); ++b) {
    for (std::int64_t t = std::max<std::int64_t>(-begins[b], 0); t < count; ++t) {
      batch.data()[at(t) * begins.size() + b] = samples[at(begins[b] + t)];
    }
  }
  return batch;
}

}  // namespace

SignalObjective::SignalObjective(SignalModel& model, const SignalPart& train,
                                 const SignalPart& valid, const TrainerOptions& options,
                                 const SignalTraining& learning)
    : RunObjective("SignalObjective", "the signals"),
      model_(model),
      validates_(!valid.dry.empty()),
      train_(train),
      judged_(validates_ ? valid : train),
      batch_size_(checked(options).batch_size),
      seq_len_(options.seq_len),
      seed_(options.seed),
      learning_(checked(learning)),
      batches_(signal_batches(std::ssize(train.dry), options, learning)),
      order_(first_numbers(batches_.groups * batch_size_), part_seed(options.seed, kOrder)),
      train_hash_(hash_of(train)),
      valid_hash_(validates_ ? hash_of(valid) : 0) {
  SignalCounter counter(model.options().pre_emphasis);
  counter.add(train.dry, train.wet);
  power_ = counter.power();
  power_preemphasis_ = counter.power_preemphasis();
  if (power_ == 0) {
    throw ConfigError("SignalObjective: the wet signal to learn from is silent");
  }
  // The loss is divided by them, as floats.
  constexpr double kLeast = 1e-20;
  constexpr double kMost = 1e20;
  for (const double power : {power_, power_preemphasis_}) {
    if (power >= kLeast && power <= kMost) continue;
    throw ConfigError(
        fmt::format("SignalObjective: the mean square of the wet signal to learn from is {:.3g}, "
                    "{:.3g} after pre-emphasis; both must be from 1e-20 to 1e20",
                    power_, power_preemphasis_));
  }
  const auto judged = std::span(judged_.wet).subspan(at(std::ssize(judged_.wet) - valid_targets()));
  if (std::ranges::all_of(judged, [](float x) { return x == 0; })) {
    throw ConfigError("SignalObjective: the wet signal to validate on is silent");
  }
}

std::int64_t SignalObjective::targets_per_update() const { return batch_size_ * seq_len_; }

std::int64_t SignalObjective::valid_targets() const {
  const std::int64_t samples = std::ssize(judged_.dry);
  return samples - judged_.lead_in.value_or(std::min(learning_.lead_in, samples / 2));
}

std::int64_t SignalObjective::epochs_between_validations() const {
  // A sample of one signal, step by step, takes about as long as one of a batch to learn.
  constexpr std::int64_t kLearntForOne = 8;
  const std::int64_t learnt = updates_per_epoch() * targets_per_update();
  return std::max(models::epochs_between_validations(updates_per_epoch()),
                  (kLearntForOne * valid_targets() - 1) / learnt + 1);
}

void SignalObjective::take(std::int64_t step) {
  const std::int64_t epoch = step / updates_per_epoch();
  const std::int64_t place = step % updates_per_epoch();
  const std::int64_t group = place / batches_.chunks;
  const std::int64_t chunk = place % batches_.chunks;
  Random random(part_seed(seed_, kOffset), static_cast<std::uint64_t>(epoch));
  const auto most = static_cast<std::uint32_t>(
      std::min<std::int64_t>(batches_.spare, std::numeric_limits<std::uint32_t>::max() - 1));
  const std::int64_t offset = random.below(most + 1);
  const std::vector<std::int64_t>& order = order_.of_epoch(epoch);
  begins_.clear();
  for (std::int64_t b = 0; b < batch_size_; ++b) {
    const std::int64_t stretch = order[at(group * batch_size_ + b)];
    begins_.push_back(offset + (stretch * batches_.chunks + chunk) * seq_len_);
  }
  is_first_ = chunk == 0;
  if (is_first_) carried_.tensors.clear();
  taken_ = step + 1;
}

Objective::Loss SignalObjective::loss(Tape& tape) {
  if (is_first_ && learning_.lead_in > 0) {
    std::vector<std::int64_t> before = begins_;
    for (std::int64_t& begin : before) begin -= learning_.lead_in;
    carried_ = model_.read(side_by_side(train_.dry, before, learning_.lead_in));
  }
  SignalModel::VarOutput said =
      model_.forward(tape, side_by_side(train_.dry, begins_, seq_len_), carried_);
  carried_.tensors.resize(said.state.size());
  for (std::size_t i = 0; i < said.state.size(); ++i) carried_.tensors[i] = said.state[i].value();

  const Var error = subtract(said.output, tape.input(side_by_side(train_.wet, begins_, seq_len_)));
  const auto emphasis = static_cast<float>(model_.options().pre_emphasis);
  const Var filtered = subtract(narrow(error, 0, 1, seq_len_ - 1),
                                multiply(narrow(error, 0, 0, seq_len_ - 1), emphasis));
  const Var offset = mean(error, 0);
  const Var ratio =
      multiply(mean(multiply(filtered, filtered)), static_cast<float>(1 / power_preemphasis_));
  const Var dc = multiply(mean(multiply(offset, offset)), static_cast<float>(1 / power_));
  return {.mean = add(ratio, dc), .targets = targets_per_update()};
}

std::optional<Judgement> SignalObjective::validate(const std::function<bool()>& go_on) {
  constexpr std::size_t kPiece = 1 << 16;  // samples after which it may be stopped
  const std::size_t samples = judged_.dry.size();
  const std::size_t lead_in = samples - at(valid_targets());
  SignalCounter counter(model_.options().pre_emphasis);
  State state;
  std::vector<float> said;
  for (std::size_t i = 0; i < samples; i += kPiece) {
    if (!go_on()) return std::nullopt;
    const std::size_t count = std::min(kPiece, samples - i);
    said.resize(count);
    model_.process(judged_.dry.subspan(i, count), said, state);
    const std::size_t skipped = std::min(lead_in - std::min(lead_in, i), count);
    counter.add(std::span(said).subspan(skipped),
                judged_.wet.subspan(i + skipped, count - skipped));
  }
  double loss = counter.score().loss();
  if (!std::isfinite(loss)) loss = std::numeric_limits<double>::infinity();
  if (!validates_) return judgement_of_learnt(loss, taken_);
  return Judgement{.loss = loss};
}

RunDescription<SignalRun> SignalObjective::described() const {
  return {.model = model_.options(),
          .learning = learning_,
          .train_examples = std::ssize(train_.dry),
          .train_hash = train_hash_,
          .valid_examples = validates_ ? valid_targets() : 0,
          .valid_hash = valid_hash_};
}

}  // namespace riverrun::models
