#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "riverrun/data/text/corpus.h"
#include "riverrun/data/text/tokenizer.h"
#include "riverrun/train/trainer.h"

#include "cli/reach_report.h"

namespace riverrun::cli {

/// A training run that has ended; all but `out` belongs to somebody else.
struct EndedRun {
  std::filesystem::path out;
  const RunFolder& folder;
  const lm::LanguageModel& model;
  const text::Tokenizer& tokenizer;
  const text::Corpus& train;
  const text::Corpus& valid;
  /// The model whose weights it began with; empty: none.
  std::string from;
  std::int64_t epochs;
  std::int64_t seq_len;
  std::int64_t batch_size;
  /// It was resumed in a folder without the model.
  bool had_no_model;
  const TrainingResult& result;
  const ReachReport& reach;
};

/// Prints what came of it, and notes what the user should know of it. Throws IoError.
void report(const EndedRun& run, bool json);

}  // namespace riverrun::cli
