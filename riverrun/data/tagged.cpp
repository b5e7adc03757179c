#include "riverrun/data/tagged.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/data/conll_format.h"
#include "riverrun/data/conll_reader.h"
#include "riverrun/data/lines.h"
#include "riverrun/data/text/text_input.h"
#include "riverrun/data/ts_line.h"

namespace riverrun::data {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

/// Where the field is in the line; nothing if the line has fewer.
std::optional<std::string_view> field_of(std::string_view line, std::size_t column,
                                         char separator) {
  if (separator == '\t') {
    if (column >= at(count_parts(line, '\t'))) return std::nullopt;
    for (std::size_t i = 0; i < column; ++i) (void)take_until('\t', line);
    return take_until('\t', line);
  }
  line = trimmed(line);
  for (std::size_t i = 0; i < column && !line.empty(); ++i) (void)take_word(line);
  if (line.empty()) return std::nullopt;
  return take_word(line);
}

/// Whether the file lacks the column of the tags.
bool lacks_tags(const TaggedSentences& sentences) {
  const std::string& first = sentences.lines[sentences.sentences.front().rows.front()];
  return !field_of(first, sentences.tag_column, sentences.separator);
}

/// Between the fields that are written: that of the file; behind words alone a tab, if a tag holds
/// blanks.
char written_separator(const TaggedSentences& sentences,
                       std::span<const std::vector<std::string>> tags) {
  const auto has_blank = [](const std::string& tag) { return tag.find(' ') != std::string::npos; };
  const bool words_alone = sentences.tag_column == 1 && lacks_tags(sentences);
  const bool needs_tab = words_alone && std::ranges::any_of(tags, [&](const auto& of_sentence) {
                           return std::ranges::any_of(of_sentence, has_blank);
                         });
  return needs_tab ? '\t' : sentences.separator;
}

void require_tags(const TaggedSentences& sentences,
                  std::span<const std::vector<std::string>> tags) {
  if (sentences.lines.empty()) {
    throw ConfigError("CoNLL: the lines of the file are not there; read_conll() must keep them");
  }
  if (tags.size() != sentences.sentences.size()) {
    throw ShapeError(fmt::format("CoNLL: tags are those of {} sentences; it must be {}",
                                 tags.size(), sentences.sentences.size()));
  }
  const char separator = written_separator(sentences, tags);
  const auto is_separator = [separator](char c) {
    return c == '\n' || c == '\r' || c == '\t' || c == '\0' || c == separator;
  };
  for (std::size_t i = 0; i < tags.size(); ++i) {
    const std::size_t words = sentences.sentences[i].words.size();
    if (tags[i].size() != words) {
      throw ShapeError(fmt::format("CoNLL: sentence {} has {} tags; it must be {}, one a word", i,
                                   tags[i].size(), words));
    }
    for (const std::string& tag : tags[i]) {
      if (!trimmed(tag).empty() && std::ranges::none_of(tag, is_separator)) continue;
      throw ConfigError(fmt::format(
          "CoNLL: a tag of sentence {} is {}; it must not be empty or have what is between fields",
          i, in_quotes(tag)));
    }
  }
}

}  // namespace

TaggedSentences read_conll(const std::filesystem::path& path, const TagColumns& columns,
                           LabelColumn tags, KeepLines keep) {
  const text::TextPart part = text::open_texts(std::span(&path, 1)).front();
  ConllReader reader(part.path.string(), columns, tags, keep, part.begin);
  text::for_each_piece(part, [&reader](std::string_view piece) { reader.feed(piece); });
  return reader.finish();
}

std::string to_conll(const TaggedSentences& sentences,
                     std::span<const std::vector<std::string>> tags) {
  require_tags(sentences, tags);
  const std::size_t column = sentences.tag_column;
  const char separator = written_separator(sentences, tags);
  const bool is_new = lacks_tags(sentences);
  const bool names_it = is_new && !sentences.columns.empty();
  const std::string names = names_it ? global_columns_comment(sentences.columns) : "";
  std::string text;
  if (names_it && std::ranges::none_of(sentences.lines, [](std::string_view line) {
        return global_columns(line).has_value();
      })) {
    text += names + '\n';
  }
  std::size_t row = 0;  // of the file, the next that is to be written
  const auto copy_until = [&](std::size_t end) {
    for (; row < end; ++row) {
      const std::string& line = sentences.lines[row];
      const bool is_row = !is_between_sentences(line) && !is_comment(line);
      text += names_it && global_columns(line) ? names : line;
      if (names_it && is_row) text.append(1, separator).append(kNothing);
      text += '\n';
    }
  };
  for (std::size_t i = 0; i < tags.size(); ++i) {
    for (std::size_t word = 0; word < tags[i].size(); ++word) {
      copy_until(sentences.sentences[i].rows[word]);
      const std::string_view line = sentences.lines[row++];
      const std::string& tag = tags[i][word];
      if (is_new) {
        const bool is_alone = separator != sentences.separator;
        text.append(is_alone ? trimmed(line) : line).append(1, separator).append(tag);
      } else {
        const std::string_view field = *field_of(line, column, separator);
        const auto begin = at(field.data() - line.data());
        text.append(line.substr(0, begin)).append(tag).append(line.substr(begin + field.size()));
      }
      text += '\n';
    }
  }
  copy_until(sentences.lines.size());
  return text;
}

bool is_conllu(const std::filesystem::path& path) { return begins_as_conllu(head_of_file(path)); }

}  // namespace riverrun::data
