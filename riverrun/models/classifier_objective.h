#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "riverrun/data/labelled.h"
#include "riverrun/models/classifier.h"
#include "riverrun/models/classifier_run.h"
#include "riverrun/models/epoch_order.h"
#include "riverrun/models/run_objective.h"

namespace riverrun::models {

/// Some sequences of a file.
struct LabelledPart {
  const data::LabelledSequences* data = nullptr;
  std::vector<std::int64_t> which;
};

/// A classifier that learns sequences, in an order that is drawn for each epoch. Its targets are
/// sequences, its loss is in nats per sequence, each weighted as ClassifierTraining::class_weights
/// says.
class ClassifierObjective final : public RunObjective<ClassifierRun> {
 public:
  /// The model and the data must outlive it. `valid` may be empty. Throws ConfigError if an option
  /// is out of range, there is nothing to learn from or a sequence has no label, and as
  /// Classifier::labels() and require_readable().
  ClassifierObjective(Classifier& model, LabelledPart train, LabelledPart valid,
                      const TrainerOptions& options, const ClassifierTraining& learning);

  [[nodiscard]] ParameterList parameters() override { return model_.parameters(); }
  [[nodiscard]] std::int64_t updates_per_epoch() const override;
  void take(std::int64_t step) override;
  Loss loss(Tape& tape) override;
  [[nodiscard]] std::optional<Judgement> validate(const std::function<bool()>& go_on) override;
  [[nodiscard]] std::int64_t epochs_between_validations() const override;
  [[nodiscard]] const char* unit() const override { return "nats per sequence"; }
  [[nodiscard]] std::int64_t targets_per_update() const override { return batch_size_; }
  [[nodiscard]] std::int64_t valid_targets() const override {
    return static_cast<std::int64_t>(judged_.which.size());
  }

 private:
  [[nodiscard]] RunDescription<ClassifierRun> described() const override;
  void augment(ClassifierBatch& batch, std::int64_t step) const;

  Classifier& model_;
  bool validates_;
  LabelledPart train_;
  LabelledPart judged_;  // those for validation, or if there are none, those that are learnt from
  std::int64_t batch_size_;
  std::uint64_t seed_;
  ClassifierTraining learning_;
  std::vector<float> weights_;  // of each class
  std::uint64_t train_hash_;
  std::uint64_t valid_hash_;
  EpochOrder order_;
  ClassifierBatch batch_;
  std::vector<std::int32_t> labels_;  // of the batch
};

}  // namespace riverrun::models
