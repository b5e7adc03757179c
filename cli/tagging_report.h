#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "riverrun/models/tagger.h"

#include "cli/classification_report.h"

namespace riverrun::cli {

/// The names of tags by their numbers.
[[nodiscard]] std::vector<std::string> names_of(std::span<const std::int32_t> tags,
                                                const std::vector<std::string>& names);

/// How good a tagger is on the sentences `which`, which all have tags. Shows on a terminal how far
/// it is. Throws as models::Tagger::tag().
[[nodiscard]] ClassificationReport measure(const models::Tagger& model,
                                           const data::TaggedSentences& data,
                                           std::span<const std::int64_t> which);

/// How many words the sentences have.
[[nodiscard]] std::int64_t words_of(const data::TaggedSentences& data,
                                    std::span<const std::int64_t> which);

}  // namespace riverrun::cli
