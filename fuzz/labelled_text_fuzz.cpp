// Any bytes as a file of labelled texts: it is refused with a FormatError, or its texts are as the
// interface has them; the same however it comes in pieces. Words and marks stay what they are.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "riverrun/core/error.h"
#include "riverrun/data/labelled_text_reader.h"
#include "riverrun/data/text/words_and_marks.h"

namespace {

using namespace riverrun::data;

void require(bool condition) {
  if (!condition) std::abort();
}

/// What was read, or why it was refused.
struct Read {
  LabelledSequences data;
  std::optional<LabelForm> form;
  std::string refused;
};

Read read(std::string_view text, std::optional<LabelForm> form, LabelColumn label,
          std::size_t piece) {
  try {
    LabelledTextReader reader("fuzzed", form, label);
    for (std::size_t i = 0; i < text.size(); i += piece) reader.feed(text.substr(i, piece));
    LabelledSequences data = reader.finish();
    return {std::move(data), reader.form(), ""};
  } catch (const riverrun::FormatError& error) {
    return {{}, {}, error.what()};
  }
}

bool same_text(const LabelledSequence& a, const LabelledSequence& b) {
  return a.text == b.text && a.label == b.label && a.line == b.line;
}

void require_sound(const LabelledSequences& data, LabelColumn label) {
  require(data.are_texts() && !data.sequences.empty());
  require(label == LabelColumn::kIfThere || !data.classes.empty());
  std::int64_t line = 0;
  for (const LabelledSequence& sequence : data.sequences) {
    require(sequence.line > line);
    line = sequence.line;
    require(!sequence.text.empty() && is_utf8(sequence.text));
    require(riverrun::text::without_outer_space(sequence.text) == sequence.text);
    require(data.classes.empty()
                ? sequence.label == LabelledSequence::kNoLabel
                : sequence.label >= 0 && sequence.label < std::ssize(data.classes));
    const std::string words = riverrun::text::words_and_marks(sequence.text);
    require(!words.empty() && riverrun::text::words_and_marks(words) == words);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  std::optional<LabelForm> form;
  if ((data[0] & 1) != 0) form = (data[0] & 2) != 0 ? LabelForm::kTab : LabelForm::kPrefix;
  const LabelColumn label = (data[0] & 4) != 0 ? LabelColumn::kIfThere : LabelColumn::kRequired;
  const std::size_t piece = std::size_t{1} + data[1] % 16;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Read whole = read(text, form, label, text.size() + 1);
  const Read pieces = read(text, form, label, piece);
  require(whole.refused == pieces.refused && whole.form == pieces.form);
  if (!whole.refused.empty()) return 0;
  require(whole.data.classes == pieces.data.classes &&
          std::ranges::equal(whole.data.sequences, pieces.data.sequences, same_text));
  require_sound(whole.data, label);
  return 0;
}
