#pragma once

#include <filesystem>
#include <string>
#include <vector>

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

/// Throws ConfigError or IoError unless a run can begin in `out`. `otherwise` is what can be done
/// with a model that has no checkpoint: "begin with its weights in another folder (--from m), ".
void check_out(const std::filesystem::path& out, bool resume, bool overwrite,
               const std::string& otherwise = {});

/// Warns of something that these have, at most ten of which are named; of none, nothing.
void warn_of(const char* what, const std::vector<std::string>& names);

/// "adamw, learning rate 0.003, schedule cosine, warmup 100, clip 1"
[[nodiscard]] std::string described(const TrainerOptions& options);

/// "1.2346", and "0.0001235" of a small one.
[[nodiscard]] std::string loss_text(double loss);

/// The losses at each validation: "Loss of a token". `judged` is what is judged on: "validation".
/// Before the first one there is no point in it, and nothing can be drawn.
[[nodiscard]] report::Figure loss_figure(const TrainingResult& result, const std::string& title,
                                         const std::string& judged = "validation",
                                         const std::string& unit = "nats");

}  // namespace riverrun::cli
