#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "cli/command.h"
#include "cli/inspectable.h"
#include "cli/report.h"

namespace riverrun::cli {

/// What `inspect` is asked of a model that is no language model.
struct AnswerFlags {
  std::filesystem::path data;
  std::optional<std::int64_t> sequence;  ///< the example that is shown, from 1
  WantedAnswer wanted;
  std::int64_t points = 32;    ///< of integrated gradients, at first
  std::int64_t examples = 50;  ///< that means are taken over
};

/// Shows what contributed to its answers, and what its units do.
ExitCode inspect_answers(Kind kind, const std::filesystem::path& folder, const AnswerFlags& flags,
                         std::size_t rank, const ReportFiles& files, bool json);

}  // namespace riverrun::cli
