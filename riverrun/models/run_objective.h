#pragma once

#include <cstdint>
#include <string>

#include "riverrun/models/epoch_order.h"
#include "riverrun/models/run_description.h"
#include "riverrun/train/objective.h"

namespace riverrun::models {

/// What the objectives of this room have in common: what a checkpoint says of a Run, and how far it
/// is.
template <class Run>
class RunObjective : public Objective {
 public:
  [[nodiscard]] std::string state() const override { return std::to_string(taken_); }
  void set_state(const std::string& json) override { taken_ = parse_updates(name_, json); }
  [[nodiscard]] std::string description() const override { return to_json(described()); }
  void settle_with(const std::string& description, const std::string& path) override {
    require_same(name_, examples_, parse_description<Run>(description, path), described());
  }

 protected:
  /// For messages: "ClassifierObjective", "the sequences".
  RunObjective(const char* name, const char* examples) : name_(name), examples_(examples) {}

  [[nodiscard]] virtual RunDescription<Run> described() const = 0;

  std::int64_t taken_ = 0;  // updates, with the one of the batch that was taken

 private:
  const char* name_;
  const char* examples_;
};

}  // namespace riverrun::models
