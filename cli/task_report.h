#pragma once

#include <cstdint>
#include <filesystem>

#include "riverrun/tasks/catalogue.h"
#include "riverrun/tasks/train_task.h"

#include "cli/report.h"

namespace riverrun::cli {

/// A task that was learnt, or not; all references belong to somebody else.
struct EndedTask {
  const tasks::TaskEntry& entry;
  const tasks::TaskSetup& setup;
  std::int64_t num_layers;
  std::int64_t parameters;
  std::uint64_t seed;
  const tasks::TaskTraits& traits;
  const tasks::TaskResult& result;
  const std::filesystem::path& out;  // empty: it is not kept
};

/// Prints what came of it and writes the files that were asked for. Throws IoError.
void report(const EndedTask& task, const ReportFiles& files, bool json);

}  // namespace riverrun::cli
