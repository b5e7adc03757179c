#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "riverrun/data/text/corpus.h"
#include "riverrun/data/text/text_input.h"
#include "riverrun/data/text/tokenizer.h"
#include "riverrun/lm/evaluate.h"
#include "riverrun/lm/language_model.h"

namespace riverrun::lm {

/// Longer lines, in tokens, are refused, so that memory is bounded.
inline constexpr std::size_t kLongestLine = std::size_t{1} << 24;

/// What was odd in texts that were read line by line, for a warning.
struct LinesRead {
  text::InvalidUtf8 invalid;
  std::int64_t unknown = 0;                // tokens that the vocabulary lacks
  std::vector<std::string> unknown_named;  // as text::Encoder::unknown()
};

/// The score of each line of the texts from a fresh state, so that it depends on no other line: the
/// model reads a line end (or, if its vocabulary has none, the first token), as at the beginning of
/// a text without a prompt, and then predicts every token of the line, its line end included.
/// Calls `sink` once for each line, in their order. Memory does not grow with the texts. Throws
/// IoError, FormatError for a line of more than kLongestLine tokens, and whatever `sink` throws.
LinesRead evaluate_lines(const LanguageModel& model, const text::Tokenizer& tokenizer,
                         std::span<const text::TextPart> texts,
                         const std::function<void(const Evaluation&)>& sink);

}  // namespace riverrun::lm
