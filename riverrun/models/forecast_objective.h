#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "riverrun/models/epoch_order.h"
#include "riverrun/models/forecast_run.h"
#include "riverrun/models/forecaster.h"
#include "riverrun/models/run_objective.h"

namespace riverrun::models {

/// A forecaster that learns from windows of time series, in an order that is drawn for each epoch;
/// of very many windows an epoch takes a part. Its targets are windows.
class ForecastObjective final : public RunObjective<ForecastRun> {
 public:
  /// The model must outlive it, and so must the parts' data. `valid` may be empty. Throws
  /// ConfigError if an option is out of range or there is no window to learn from.
  ForecastObjective(Forecaster& model, ForecastPart train, ForecastPart valid,
                    const TrainerOptions& options, const ForecastTraining& learning);

  [[nodiscard]] ParameterList parameters() override { return model_.parameters(); }
  [[nodiscard]] std::int64_t updates_per_epoch() const override;
  void take(std::int64_t step) override;
  Loss loss(Tape& tape) override;
  [[nodiscard]] std::optional<Judgement> validate(const std::function<bool()>& go_on) override;
  [[nodiscard]] std::int64_t epochs_between_validations() const override;
  [[nodiscard]] const char* unit() const override;
  [[nodiscard]] std::int64_t targets_per_update() const override { return batch_size_; }
  [[nodiscard]] std::int64_t valid_targets() const override { return std::ssize(judged_.windows); }

 private:
  [[nodiscard]] RunDescription<ForecastRun> described() const override;

  Forecaster& model_;
  bool validates_;
  ForecastPart train_;
  ForecastPart judged_;  // for validation, or if there is nothing, what is learnt from
  std::int64_t batch_size_;
  ForecastTraining learning_;
  std::uint64_t train_hash_;
  std::uint64_t valid_hash_;
  EpochOrder order_;
  std::vector<ForecastWindow> batch_;
};

}  // namespace riverrun::models
