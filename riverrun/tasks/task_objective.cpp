#include "riverrun/tasks/task_objective.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <tuple>
#include <utility>

#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/fields.h"
#include "riverrun/core/hash.h"
#include "riverrun/core/threads.h"
#include "riverrun/io/fields_json.h"
#include "riverrun/nn/loss.h"
#include "riverrun/tasks/network.h"

namespace riverrun {

template <>
inline constexpr auto kFields<tasks::Verdict> = [] {
  using V = tasks::Verdict;
  return std::tuple{Field{"loss", &V::loss}, Field{"error", &V::error}, Field{"right", &V::right},
                    Field{"rare", &V::rare}, Field{"called_rare", &V::called_rare}};
}();

template <>
inline constexpr auto kFields<tasks::Tally> = [] {
  using T = tasks::Tally;
  return std::tuple{Field{"sequences", &T::sequences, at_least(0)},
                    Field{"right", &T::right, at_least(0)},
                    Field{"losses", &T::losses},
                    Field{"errors", &T::errors},
                    Field{"rare", &T::rare, at_least(0)},
                    Field{"called_rare", &T::called_rare, at_least(0)},
                    Field{"rare_right", &T::rare_right, at_least(0)}};
}();

template <>
inline constexpr auto kFields<tasks::TaskPoint> = [] {
  using P = tasks::TaskPoint;
  return std::tuple{Field{"sequences", &P::sequences, at_least(0)}, Field{"training", &P::training},
                    Field{"held_out", &P::held_out}};
}();

template <>
inline constexpr auto kFields<tasks::TaskObjective::State> = [] {
  using S = tasks::TaskObjective::State;
  return std::tuple{Field{"sequences", &S::sequences, at_least(0)},
                    Field{"solved", &S::solved},
                    Field{"training", &S::training},
                    Field{"best", &S::best},
                    Field{"window", &S::window},
                    Field{"curve", &S::curve}};
}();

}  // namespace riverrun

namespace riverrun::tasks {
namespace {

using Json = nlohmann::ordered_json;

/// `get(n)` for n in [first, first + count).
template <class Get>
std::vector<Sequence> drawn(std::int64_t first, std::int64_t count, Get get) {
  std::vector<Sequence> sequences(static_cast<std::size_t>(count));
  parallel_for(count,
               [&](std::int64_t i) { sequences[static_cast<std::size_t>(i)] = get(first + i); });
  return sequences;
}

std::vector<Verdict> judge(const Task& task, std::span<const Sequence> sequences,
                           std::span<const float> answers) {
  const auto outputs = static_cast<std::size_t>(task.traits().sizes.outputs());
  std::vector<std::size_t> begins = {0};
  for (const Sequence& sequence : sequences) {
    begins.push_back(begins.back() + sequence.asked.size() * outputs);
  }
  std::vector<Verdict> verdicts(sequences.size());
  parallel_for(static_cast<std::int64_t>(sequences.size()), [&](std::int64_t index) {
    const auto i = static_cast<std::size_t>(index);
    verdicts[i] = task.judge(sequences[i], answers.subspan(begins[i], begins[i + 1] - begins[i]));
  });
  return verdicts;
}

/// Up to the first batch with a wrong answer, if `all_right`, or before which `go_on` is false.
template <class Get, class GoOn>
Tally evaluate(const Task& task, const SequenceModel& network, std::int64_t size,
               std::int64_t batch_size, bool all_right, Get get, GoOn go_on) {
  Tally tally;
  for (std::int64_t first = 0; first < size && go_on(); first += batch_size) {
    const std::vector<Sequence> sequences = drawn(first, std::min(batch_size, size - first), get);
    const TaskBatch batch(sequences, task.traits().sizes);
    const Tensor answers = network.forward(input_of(batch)).output;
    for (const Verdict& verdict : judge(task, sequences, answers.values())) tally.add(verdict);
    if (all_right && tally.right < tally.sequences) break;
  }
  return tally;
}

Tally tally_of(std::span<const Verdict> verdicts) {
  Tally tally;
  for (const Verdict& verdict : verdicts) tally.add(verdict);
  return tally;
}

/// By which a task, its length and its seed are recognised: its first sequence.
std::uint64_t fingerprint(const Task& task) {
  Fnv1a hash;
  const auto add = [&hash](const auto& values) { hash.add(std::as_bytes(std::span(values))); };
  const Sequence first = task.training(0);
  add(first.symbols);
  add(first.input);
  add(first.asked);
  add(first.classes);
  add(first.values);
  return hash.value();
}

}  // namespace

TaskObjective::TaskObjective(const Task& task, SequenceModel& network, std::int64_t batch_size,
                             std::int64_t max_sequences)
    : task_(task), network_(network), batch_size_(batch_size), max_sequences_(max_sequences) {}

std::int64_t TaskObjective::updates_per_epoch() const {
  return max_sequences_ / batch_size_ + (max_sequences_ % batch_size_ != 0 ? 1 : 0);
}

std::int64_t TaskObjective::valid_targets() const {
  return task_.traits().criterion.window > 0 ? 0 : task_.held_out_size();
}

void TaskObjective::take(std::int64_t step) {
  const std::int64_t updates = updates_per_epoch();
  const std::int64_t done = step % updates * batch_size_;  // in this epoch
  const std::int64_t first = step / updates * max_sequences_ + done;
  batch_ = drawn(first, std::min(batch_size_, max_sequences_ - done),
                 [&](std::int64_t n) { return task_.training(n); });
}

Objective::Loss TaskObjective::loss(Tape& tape) {
  const TaskTraits& traits = task_.traits();
  const TaskBatch batch(batch_, traits.sizes);
  const Var answers = network_.forward(tape, input_of(batch)).output;
  const auto window = static_cast<std::size_t>(traits.criterion.window);
  state_.sequences += batch.batch();
  for (const Verdict& verdict : judge(task_, batch_, answers.value().values())) {
    state_.training.add(verdict);
    if (window > 0) state_.window.push_back(verdict);
  }
  if (state_.window.size() > window) {
    state_.window.erase(state_.window.begin(), state_.window.end() - traits.criterion.window);
  }
  return {.mean = traits.sizes.classes > 0 ? cross_entropy(answers, batch.classes)
                                           : mse_loss(answers, batch.values),
          .targets = batch.batch()};
}

std::optional<Judgement> TaskObjective::validate(const std::function<bool()>& go_on) {
  const TaskTraits& traits = task_.traits();
  const Criterion& criterion = traits.criterion;
  if (criterion.window == 0) {
    bool ended = false;
    held_out_ = evaluate(
        task_, network_, task_.held_out_size(), batch_size_, criterion.all_right,
        [&](std::int64_t n) { return task_.held_out(n); },
        [&] {
          ended = !go_on();
          return !ended;
        });
    if (ended) return std::nullopt;
  }
  // Where the criterion is about training sequences, by those since the last point; right after a
  // point, by all that it is about.
  const Tally tally = held_out_                       ? *held_out_
                      : state_.training.sequences > 0 ? state_.training
                                                      : tally_of(state_.window);
  if (tally.sequences == 0) return std::nullopt;  // it has not learnt from any yet
  Judgement judgement{.loss = tally.loss()};
  if (traits.score != Score::kLoss) judgement.score = score(tally, traits.score);
  return judgement;
}

void TaskObjective::validated(const Validation& validation) {
  const Criterion& criterion = task_.traits().criterion;
  if (held_out_ && criterion.at_end) {
    if (validation.best) state_.best = held_out_;
  } else if (held_out_) {
    state_.solved = held_out_->sequences == task_.held_out_size() && criterion.met(*held_out_);
  }
  state_.curve.push_back({.sequences = sequences(),
                          .training = std::exchange(state_.training, {}),
                          .held_out = held_out_});
  if (watch_) watch_(state_.curve.back());
}

bool TaskObjective::is_done() const {
  const Criterion& criterion = task_.traits().criterion;
  return criterion.window == 0 ? state_.solved : criterion.met(tally_of(state_.window));
}

const char* TaskObjective::unit() const {
  return task_.traits().sizes.classes > 0 ? "nats per answer" : "mean squared error";
}

Tally TaskObjective::test() const {
  const auto to_the_end = [] { return true; };
  if (task_.test_size() == 0) {
    return evaluate(
        task_, network_, task_.held_out_size(), batch_size_, false,
        [&](std::int64_t n) { return task_.held_out(n); }, to_the_end);
  }
  return evaluate(
      task_, network_, task_.test_size(), batch_size_, false,
      [&](std::int64_t n) { return task_.test(n); }, to_the_end);
}

std::string TaskObjective::state() const { return io::fields_to_json(state_).dump(); }

void TaskObjective::set_state(const std::string& json) {
  State state;
  io::read_value(Json::parse(json), "objective_state", state);
  check_fields("TaskObjective", state);
  if (static_cast<std::int64_t>(state.window.size()) > task_.traits().criterion.window) {
    throw ConfigError("TaskObjective: the window is longer than the task's");
  }
  state_ = std::move(state);
}

std::string TaskObjective::description() const {
  const Json object = {{"task", fingerprint(task_)},
                       {"network", io::fields_to_json(network_.options())},
                       {"batch_size", batch_size_},
                       {"max_sequences", max_sequences_}};
  return object.dump();
}

void TaskObjective::settle_with(const std::string& description, const std::string& /*path*/) {
  if (Json::parse(description) != Json::parse(this->description())) {
    throw ConfigError(
        "TaskObjective: the task, the network, the batch size or the number of sequences is not "
        "what the run began with");
  }
}

}  // namespace riverrun::tasks
