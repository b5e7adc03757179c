#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "riverrun/core/tensor.h"
#include "riverrun/models/epoch_order.h"
#include "riverrun/models/run_objective.h"
#include "riverrun/models/signal_model.h"
#include "riverrun/models/signal_run.h"
#include "riverrun/models/signal_score.h"

namespace riverrun::models {

/// A model that learns a signal by truncated back-propagation through time: stretches of it side by
/// side, in an order that is drawn for each epoch, with the state carried on over each stretch. Its
/// targets are samples. The loss is SignalScore::loss(), where the mean square of a batch's error
/// is set against the power of the whole signal that is learnt from: so the mean over the batches
/// is that of the signal, and silence does no harm.
class SignalObjective final : public RunObjective<SignalRun> {
 public:
  /// The model and the signals must outlive it. `valid` may be empty. Throws ConfigError if an
  /// option is out of range, or the signal is too short for a batch, silent, or so quiet or loud
  /// that the loss has no place among floats.
  SignalObjective(SignalModel& model, const SignalPart& train, const SignalPart& valid,
                  const TrainerOptions& options, const SignalTraining& learning);

  [[nodiscard]] ParameterList parameters() override { return model_.parameters(); }
  [[nodiscard]] std::int64_t updates_per_epoch() const override {
    return batches_.groups * batches_.chunks;
  }
  void take(std::int64_t step) override;
  Loss loss(Tape& tape) override;
  [[nodiscard]] std::optional<Judgement> validate(const std::function<bool()>& go_on) override;
  [[nodiscard]] std::int64_t epochs_between_validations() const override;
  [[nodiscard]] const char* unit() const override { return "error to signal"; }
  [[nodiscard]] std::int64_t targets_per_update() const override;
  [[nodiscard]] std::int64_t valid_targets() const override;
  [[nodiscard]] State carried() const override { return carried_; }
  [[nodiscard]] State zero_state() const override { return model_.zero_state(batch_size_); }
  void set_carried(State state) override { carried_ = std::move(state); }

 private:
  [[nodiscard]] RunDescription<SignalRun> described() const override;

  SignalModel& model_;
  bool validates_;
  SignalPart train_;
  SignalPart judged_;  // for validation, or if there is nothing, what is learnt from
  std::int64_t batch_size_;
  std::int64_t seq_len_;
  std::uint64_t seed_;
  SignalTraining learning_;
  SignalBatches batches_;
  EpochOrder order_;  // of the stretches
  double power_ = 0;  // of what is wanted: mean squares
  double power_preemphasis_ = 0;
  std::uint64_t train_hash_;
  std::uint64_t valid_hash_;
  std::vector<std::int64_t> begins_;  // of the batch's chunks, in the signal
  bool is_first_ = false;             // chunks of their stretches
  State carried_;                     // at their beginning
};

}  // namespace riverrun::models
