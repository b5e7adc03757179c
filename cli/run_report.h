#pragma once

#include <filesystem>
#include <string>

#include "riverrun/report/figure.h"
#include "riverrun/train/trainer.h"

namespace riverrun::cli {

/// "time limit"
[[nodiscard]] const char* to_string(StopReason reason);

/// What is said of any run that has ended.
struct RunEnd {
  const std::filesystem::path& out;
  const RunFolder& folder;
  const TrainingResult& result;
  /// Of the loss: "nats per token".
  const char* unit;
  /// It was resumed in a folder without the model.
  bool had_no_model;
};
/// Notes why it ended early, and where its model is if it is not where one expects it.
void note_end(const RunEnd& end);

/// "adamw, learning rate 0.003, schedule cosine, warmup 100, clip 1"
[[nodiscard]] std::string described(const TrainerOptions& options);

/// The losses at each validation: "Loss of a token".
[[nodiscard]] report::Figure loss_figure(const TrainingResult& result, const std::string& title);

}  // namespace riverrun::cli
