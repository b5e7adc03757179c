#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "riverrun/core/random.h"
#include "riverrun/data/labelled.h"
#include "riverrun/models/classifier.h"
#include "riverrun/models/classifier_run.h"
#include "riverrun/models/epoch_order.h"
#include "riverrun/models/run_objective.h"

namespace riverrun::models {

/// Some sequences or texts of a file.
struct LabelledPart {
  const data::LabelledSequences* data = nullptr;
  std::vector<std::int64_t> which;
};

/// A classifier that learns sequences or texts, in an order that is drawn for each epoch. Its
/// targets are they, its loss is in nats per sequence, each weighted as
/// ClassifierTraining::class_weights says.
class ClassifierObjective final : public RunObjective<ClassifierRun> {
 public:
  /// The model and the data must outlive it. `valid` may be empty. Throws ConfigError if an option
  /// is out of range, there is nothing to learn from or one has no label, and as
  /// Classifier::labels() and require_readable().
  ClassifierObjective(Classifier& model, LabelledPart train, LabelledPart valid,
                      const TrainerOptions& options, const ClassifierTraining& learning);

  [[nodiscard]] ParameterList parameters() override { return model_.parameters(); }
  [[nodiscard]] std::int64_t updates_per_epoch() const override;
  void take(std::int64_t step) override;
  Loss loss(Tape& tape) override;
  [[nodiscard]] std::optional<Judgement> validate(const std::function<bool()>& go_on) override;
  [[nodiscard]] std::int64_t epochs_between_validations() const override;
  [[nodiscard]] const char* unit() const override {
    return model_.options().reads_texts() ? "nats per text" : "nats per sequence";
  }
  [[nodiscard]] std::int64_t targets_per_update() const override { return batch_size_; }
  [[nodiscard]] std::int64_t valid_targets() const override {
    return static_cast<std::int64_t>(judged_.which.size());
  }

 private:
  [[nodiscard]] RunDescription<ClassifierRun> described() const override;
  /// Change what is learnt a little, as ClassifierTraining says of texts and of numbers.
  void drop_tokens(ClassifierBatch& batch, Random& random) const;
  void augment(ClassifierBatch& batch, Random& random) const;

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
