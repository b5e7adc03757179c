#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "riverrun/nn/sequence_model.h"
#include "riverrun/tasks/task.h"
#include "riverrun/train/objective.h"

namespace riverrun::tasks {

/// A point of the learning curve.
struct TaskPoint {
  std::int64_t sequences = 0;  // learnt from, so far
  Tally training;  // those since the point before, each as answered before it was learnt
  /// Judged up to the first one that is wrong, where all must be right; none if the criterion is
  /// about training sequences.
  std::optional<Tally> held_out;
};

/// A network that learns a task: its targets are sequences, an epoch is the number of them that it
/// may learn from (a second one would draw others), and it is done when the task's criterion is
/// met.
class TaskObjective final : public Objective {
 public:
  /// The task and the network must outlive it; both numbers must be positive.
  TaskObjective(const Task& task, SequenceModel& network, std::int64_t batch_size,
                std::int64_t max_sequences);

  /// `watch` is called with each point of the curve from now on.
  void watch_points(std::function<void(const TaskPoint&)> watch) { watch_ = std::move(watch); }

  /// Learnt from so far.
  [[nodiscard]] std::int64_t sequences() const noexcept { return state_.sequences; }
  [[nodiscard]] const std::vector<TaskPoint>& curve() const noexcept { return state_.curve; }
  /// Of a task that is judged at its end: how good the best weights are on what is held out.
  [[nodiscard]] const std::optional<Tally>& best() const noexcept { return state_.best; }
  /// On the test sequences or, if there are none, on those held out.
  [[nodiscard]] Tally test() const;

  [[nodiscard]] ParameterList parameters() override { return network_.parameters(); }
  [[nodiscard]] std::int64_t updates_per_epoch() const override;
  [[nodiscard]] std::int64_t targets_per_update() const override { return batch_size_; }
  [[nodiscard]] std::int64_t valid_targets() const override;
  void take(std::int64_t step) override;
  Loss loss(Tape& tape) override;
  [[nodiscard]] std::optional<Judgement> validate(const std::function<bool()>& go_on) override;
  void validated(const Validation& validation) override;
  [[nodiscard]] bool is_done() const override;
  [[nodiscard]] const char* unit() const override;
  [[nodiscard]] std::string state() const override;
  void set_state(const std::string& json) override;
  [[nodiscard]] std::string description() const override;
  void settle_with(const std::string& description, const std::string& path) override;

  /// What changes while it trains.
  struct State {
    std::int64_t sequences = 0;
    bool solved = false;  // by those held out
    Tally training;       // since the last point
    std::optional<Tally> best;
    std::vector<Verdict> window;  // on the last training sequences, the oldest first
    std::vector<TaskPoint> curve;
  };

 private:
  const Task& task_;
  SequenceModel& network_;
  std::int64_t batch_size_;
  std::int64_t max_sequences_;
  std::function<void(const TaskPoint&)> watch_;
  std::vector<Sequence> batch_;    // that was taken
  std::optional<Tally> held_out_;  // as they were judged last
  State state_;
};

}  // namespace riverrun::tasks
