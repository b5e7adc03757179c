// Any bytes as a CoNLL file, of several kinds of columns: it is refused with a FormatError, or what
// is read is as the interface has it; the same however it comes in pieces. Written with its own
// tags it reads back equal, and with new ones, in a new column too, it has these.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "riverrun/core/error.h"
#include "riverrun/data/conll_reader.h"

namespace {

using namespace riverrun::data;
using namespace std::string_view_literals;
using Tags = std::vector<std::vector<std::string>>;

constexpr std::array kHeaders = {
    ""sv,
    "1\ta\ta\tX\tY\tF=1\t0\troot\t_\t_\n"sv,
    "# global.columns = ID FORM NER\n"sv,
    "a b B-X\n"sv,
    "a\tB-X\n"sv,
};

constexpr std::array kColumns = {"upos"sv, "feats"sv, "2"sv, "3"sv, "ner"sv, "form"sv};

void require(bool condition) {
  if (!condition) std::abort();
}

/// What was read, or why it was refused.
struct Result {
  TaggedSentences data;
  std::string refused;
};

Result read(std::string_view text, const TagColumns& columns, LabelColumn tags, std::size_t piece) {
  try {
    ConllReader reader("fuzzed", columns, tags, KeepLines::kYes);
    for (std::size_t i = 0; i < text.size(); i += piece) reader.feed(text.substr(i, piece));
    return {reader.finish(), ""};
  } catch (const riverrun::FormatError& error) {
    return {{}, error.what()};
  }
}

bool same_sentence(const TaggedSentence& a, const TaggedSentence& b) {
  return a.words == b.words && a.tags == b.tags && a.rows == b.rows && a.line == b.line;
}

bool same(const TaggedSentences& a, const TaggedSentences& b) {
  return a.tags == b.tags && a.lines == b.lines && a.separator == b.separator &&
         a.word_column == b.word_column && a.tag_column == b.tag_column && a.columns == b.columns &&
         std::ranges::equal(a.sentences, b.sentences, same_sentence);
}

void require_sound(const TaggedSentences& data, std::string_view text) {
  require(!data.sentences.empty() && data.word_column != data.tag_column);
  std::size_t rows = 0;  // up to the last word
  std::vector<bool> used(data.tags.size());
  for (const TaggedSentence& sentence : data.sentences) {
    require(!sentence.words.empty() && sentence.rows.size() == sentence.words.size());
    require(sentence.tags.size() == (data.tags.empty() ? 0 : sentence.words.size()));
    require(sentence.line == static_cast<std::int64_t>(sentence.rows.front()) + 1);
    for (std::size_t i = 0; i < sentence.words.size(); ++i) {
      require(sentence.rows[i] >= rows && sentence.rows[i] < data.lines.size());
      rows = sentence.rows[i] + 1;
      require(!sentence.words[i].empty() && is_utf8(sentence.words[i]));
      require(data.lines[rows - 1].find(sentence.words[i]) != std::string::npos);
    }
    for (const std::int32_t tag : sentence.tags) used.at(static_cast<std::size_t>(tag)) = true;
  }
  require(std::ranges::all_of(used, [](bool is) { return is; }));
  std::size_t bytes = 0;
  for (const std::string& line : data.lines) bytes += line.size() + 1;
  require(bytes <= text.size() + 1);
}

void write_and_read(const TaggedSentences& data, const TagColumns& columns, std::size_t piece) {
  Tags own;
  Tags others;
  for (const TaggedSentence& sentence : data.sentences) {
    own.emplace_back();
    for (const std::int32_t tag : sentence.tags) {
      own.back().push_back(data.tags[static_cast<std::size_t>(tag)]);
    }
    others.emplace_back(sentence.words.size(), "T");
  }
  if (!data.tags.empty()) {
    const Result again = read(to_conll(data, own), columns, LabelColumn::kRequired, piece);
    require(again.refused.empty() && same(again.data, data));
  }
  TagColumns there = columns;
  // Where columns have no names, a new one may have another number than was asked for.
  if (data.columns.empty()) there.tag = std::to_string(data.tag_column + 1);
  const std::string written = to_conll(data, others);
  if (data.columns.empty() && begins_as_conllu(written)) return;  // a tenth column made it so
  const Result again = read(written, there, LabelColumn::kRequired, piece);
  require(again.refused.empty() && again.data.tags == std::vector<std::string>{"T"} &&
          again.data.tag_column == data.tag_column && again.data.columns == data.columns);
  const auto same_words = [](const TaggedSentence& a, const TaggedSentence& b) {
    return a.words == b.words;
  };
  require(std::ranges::equal(again.data.sentences, data.sentences, same_words));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const std::size_t piece = std::size_t{1} + data[1] % 16;
  const TagColumns columns = {.word = data[2] % 4 == 0 ? "2" : "",
                              .tag = std::string(kColumns[data[2] / 4 % kColumns.size()])};
  const LabelColumn tags = data[2] >= 128 ? LabelColumn::kIfThere : LabelColumn::kRequired;
  std::string text(kHeaders[data[0] % kHeaders.size()]);
  text.append(reinterpret_cast<const char*>(data) + 3, size - 3);

  const Result whole = read(text, columns, tags, text.size() + 1);
  const Result pieces = read(text, columns, tags, piece);
  require(whole.refused == pieces.refused);
  if (!whole.refused.empty()) return 0;
  require(same(whole.data, pieces.data));
  require_sound(whole.data, text);
  require(!begins_as_conllu(text) || !whole.data.columns.empty());
  write_and_read(whole.data, columns, piece);
  return 0;
}
