#include "riverrun/data/conll_reader.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"

namespace riverrun::data {
namespace {

// More are not columns of words, and would take far more memory than the line.
constexpr std::size_t kMostFields = 1000;
constexpr std::string_view kDigits = "0123456789";

/// "ID", "FORM", "UPOS"; of many the first ones.
std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 20;
  std::string list;
  for (std::size_t i = 0; i < std::min(names.size(), kMost); ++i) {
    list += fmt::format("{}{}", i > 0 ? ", " : "", in_quotes(names[i]));
  }
  if (names.size() > kMost) list += fmt::format(" and {} more", names.size() - kMost);
  return list;
}

bool is_number(std::string_view column) noexcept {
  return !column.empty() && column.find_first_not_of(kDigits) == std::string_view::npos;
}

void require_column(std::string_view what, std::string_view column) {
  const bool is_zero = is_number(column) && column.find_first_not_of('0') == std::string_view::npos;
  const auto is_graphic = [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '\x7F'; };
  if (!is_zero && std::ranges::all_of(column, is_graphic) && is_utf8(column)) return;
  throw ConfigError(fmt::format(
      "CoNLL: {} is {}; it must be the name of a column, without blanks, or its number, from 1",
      what, in_quotes(column)));
}

/// Of columns whose "_" is an empty list.
bool is_list(std::string_view name) noexcept {
  return same_word(name, "FEATS") || same_word(name, "DEPS") || same_word(name, "MISC");
}

}  // namespace

ConllReader::ConllReader(std::string path, const TagColumns& columns, LabelColumn tags,
                         KeepLines keep, std::int64_t first_byte)
    : columns_(columns), tag_column_(tags), keep_(keep), line_(std::move(path), first_byte) {
  if (tags == LabelColumn::kRequired && columns.tag.empty()) {
    throw ConfigError(
        "CoNLL: the column of the tags is not given; it must be, by its name or number");
  }
  require_column("the column of the words", columns.word);
  require_column("the column of the tags", columns.tag);
}

void ConllReader::feed(std::string_view piece) {
  splitter_.feed(piece, [this](std::string_view line) { take(line); });
}

TaggedSentences ConllReader::finish() {
  splitter_.finish([this](std::string_view line) { take(line); });
  if (!settled_) settle(true, {});
  end_sentence();
  if (data_.sentences.empty()) {
    line_.fail_at_end("the file ends before a word; there must be a sentence");
  }
  finish_tags();
  data_.path = line_.path();
  return std::move(data_);
}

void ConllReader::take(std::string_view line) {
  if (settled_) return take_line(line);
  const bool names_columns = global_columns(line).has_value();
  if (!is_comment(line) && is_between_sentences(line) && held_.empty()) return take_line(line);
  if (!names_columns && (is_comment(line) || is_between_sentences(line))) {
    constexpr std::size_t kMost = std::size_t{64} << 10;
    held_.emplace_back(line);
    held_bytes_ += line.size() + 1;
    if (held_bytes_ > kMost) settle(true, {});  // so many words do not begin with #
    return;
  }
  settle(names_columns || is_first_of_conllu(line), line);
  take_line(line);
}

void ConllReader::settle(bool has_names, std::string_view line) {
  settled_ = true;
  has_names_ = has_names;
  if (has_names && !global_columns(line)) {
    data_.columns.assign(kConlluNames.begin(), kConlluNames.end());
  }
  const std::string_view first = held_.empty() ? line : std::string_view(held_.front());
  const bool has_tab = first.find('\t') != std::string_view::npos;
  data_.separator = has_names || has_tab ? '\t' : ' ';
  for (const std::string& held : std::exchange(held_, {})) take_line(held);
}

void ConllReader::take_line(std::string_view raw) {
  line_.begin(raw);
  const std::string_view line = checked(raw);
  if (keep_ == KeepLines::kYes) data_.lines.emplace_back(line);
  if (is_between_sentences(line)) return end_sentence();
  if (!has_names_ || !is_comment(line)) return take_row(line);
  if (const auto names = global_columns(line)) take_names(line, *names);
}

std::string_view ConllReader::checked(std::string_view raw) const {
  if (const auto zero = raw.find('\0'); zero != std::string_view::npos) {
    line_.fail(raw.substr(zero), "there is a byte 0; a CoNLL file must be a text");
  }
  const std::string_view line = raw.substr(0, raw.size() - (raw.ends_with('\r') ? 1 : 0));
  if (const auto cr = line.find('\r'); cr != std::string_view::npos) {
    line_.fail(line.substr(cr),
               "there is a carriage return within the line; lines must end with LF or CR LF");
  }
  if (!is_utf8(line)) line_.fail(line, "the line is not UTF-8, which a CoNLL file must be");
  return line;
}

void ConllReader::take_names(std::string_view line, std::string_view names) {
  std::vector<std::string> columns;
  for (std::string_view rest = names; !rest.empty() && columns.size() <= kMostFields;) {
    const std::string_view name = take_word(rest);
    const auto same = [name](std::string_view other) { return same_word(name, other); };
    if (std::ranges::any_of(columns, same)) {
      line_.fail(name,
                 fmt::format("global.columns has {} twice; all must differ", in_quotes(name)));
    }
    columns.emplace_back(name);
  }
  if (columns.empty() || columns.size() > kMostFields) {
    line_.fail(names, fmt::format("global.columns names {} columns; it must be from 1 to {}",
                                  columns.empty() ? "no" : "more", kMostFields));
  }
  const auto same = [](std::string_view a, std::string_view b) { return same_word(a, b); };
  if (!data_.columns.empty() && !std::ranges::equal(columns, data_.columns, same)) {
    line_.fail(line, fmt::format("global.columns names other columns than those before, which are "
                                 "{}; they must be the same in the whole file",
                                 listed(data_.columns)));
  }
  if (data_.columns.empty()) data_.columns = std::move(columns);
}

void ConllReader::take_row(std::string_view line) {
  if (num_fields_ == 0) find_columns(line);
  split(line);
  if (id_ && !take_id()) return;
  require_text(data_.word_column, "word");
  if (is_nothing(data_.word_column)) {
    line_.fail(fields_[data_.word_column],
               "the word is \"_\", which stands for nothing (an underscore has it as FORM and as "
               "LEMMA); it must be there");
  }
  if (sentence_.words.empty()) sentence_.line = line_.number();
  sentence_.words.emplace_back(fields_[data_.word_column]);
  if (has_tag_column_) take_tag();
  if (keep_ == KeepLines::kYes) sentence_.rows.push_back(data_.lines.size() - 1);
}

void ConllReader::end_sentence() {
  if (ids_.range_end() > ids_.words()) {
    line_.fail_at_end(fmt::format(
        "the sentence ends after the word {}; a range that it has must end there or before, not "
        "with {}",
        ids_.words(), ids_.range_end()));
  }
  ids_ = {};
  if (sentence_.words.empty()) return;
  data_.sentences.push_back(std::move(sentence_));
  sentence_ = {};
}

void ConllReader::finish_tags() {
  const bool only_nothing = data_.tags.size() == 1 && data_.tags.front() == kNothing;
  if (only_nothing && tag_column_ == LabelColumn::kRequired) {
    line_.fail_at_end(fmt::format("{} is \"_\" for every word; it must have the tags",
                                  name_of(data_.tag_column)));
  }
  if (only_nothing) {
    data_.tags.clear();
    for (TaggedSentence& sentence : data_.sentences) sentence.tags = {};
  }
  if (has_tag_column_ || !has_names_) return;
  std::string name = columns_.tag.empty() ? "TAG" : columns_.tag;
  while (find(name)) name += '+';
  data_.columns.push_back(std::move(name));
}

void ConllReader::find_columns(std::string_view line) {
  num_fields_ = has_names_ ? data_.columns.size() : count_fields(line);
  if (num_fields_ > kMostFields) {
    line_.fail(line, fmt::format("the number of fields is {}; it must be from 1 to {}", num_fields_,
                                 kMostFields));
  }
  if (has_names_) {
    id_ = find("ID");
    form_ = find("FORM");
    lemma_ = find("LEMMA");
  }
  const std::string_view word = has_names_ ? "FORM" : "1";
  data_.word_column = require(line, columns_.word.empty() ? word : columns_.word, "the word");
  const bool may_lack =
      tag_column_ == LabelColumn::kIfThere && (columns_.tag.empty() || !find(columns_.tag));
  has_tag_column_ = !may_lack;
  data_.tag_column = may_lack ? num_fields_ : require(line, columns_.tag, "the tag");
  if (data_.tag_column == data_.word_column) {
    line_.fail(line, fmt::format("{} is to be both the word and the tag; these must differ",
                                 name_of(data_.tag_column)));
  }
  nothing_is_a_tag_ = !has_names_ || (!may_lack && is_list(data_.columns[data_.tag_column]));
}

std::optional<std::size_t> ConllReader::find(std::string_view column) const {
  const auto same = [column](std::string_view name) { return same_word(name, column); };
  const auto found = std::ranges::find_if(data_.columns, same);
  if (found != data_.columns.end()) {
    return static_cast<std::size_t>(found - data_.columns.begin());
  }
  if (!is_number(column)) return std::nullopt;
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(column.data(), column.data() + column.size(), number);
  if (error != std::errc() || number > num_fields_) return std::nullopt;
  return number - 1;
}

std::size_t ConllReader::require(std::string_view line, std::string_view column,
                                 std::string_view role) const {
  if (const auto found = find(column)) return *found;
  line_.fail(line,
             fmt::format("there is no column {}, which is to be {}; {}", in_quotes(column), role,
                         has_names_ ? fmt::format("those there are: {}", listed(data_.columns))
                                    : fmt::format("the columns have no names, as the file does not "
                                                  "begin as CoNLL-U, but numbers: 1 to {}",
                                                  num_fields_)));
}

std::size_t ConllReader::count_fields(std::string_view line) const {
  if (data_.separator == '\t') return static_cast<std::size_t>(count_parts(line, '\t'));
  std::size_t count = 0;
  for (std::string_view rest = trimmed(line); !rest.empty(); ++count) (void)take_word(rest);
  return count;
}

void ConllReader::split(std::string_view line) {
  if (const std::size_t count = count_fields(line); count != num_fields_) {
    const std::string rule =
        has_names_ ? fmt::format("that of the columns, {}, with tabs between", num_fields_)
                   : fmt::format("that of the first line, {}", num_fields_);
    line_.fail(line, fmt::format(
                         "the number of fields is {}; it must be {}{}", count, rule,
                         is_comment(line) ? " (only CoNLL-U has comments that begin with #)" : ""));
  }
  fields_.clear();
  std::string_view rest = data_.separator == '\t' ? line : trimmed(line);
  for (std::size_t i = 0; i < num_fields_; ++i) {
    fields_.push_back(data_.separator == '\t' ? take_until('\t', rest) : take_word(rest));
  }
}

bool ConllReader::take_id() {
  const std::string_view id = fields_[*id_];
  if (const auto kind = ids_.take(id)) return *kind == ConlluIds::Kind::kWord;
  const std::int64_t words = ids_.words();
  line_.fail(id,
             fmt::format(
                 R"(the ID is {}; {} it must be "{}", "{}-n" or "{}.n", in order{})", in_quotes(id),
                 words == 0 ? "where a sentence begins" : fmt::format("after the word {}", words),
                 words + 1, words + 1, words,
                 id == "1" ? ", and an empty line must be between sentences" : ""));
}

bool ConllReader::is_nothing(std::size_t column) const {
  if (!has_names_ || fields_[column] != kNothing) return false;
  if (column != form_ && column != lemma_) return true;
  const auto other = column == form_ ? lemma_ : form_;
  // Nothing can be concluded from a tag, as it may be another one when it is predicted.
  return other && *other != data_.tag_column && fields_[*other] != kNothing;
}

void ConllReader::require_text(std::size_t column, std::string_view what) const {
  if (!trimmed(fields_[column]).empty()) return;
  line_.fail(fields_[column],
             fmt::format("the {}, {}, is empty; it must be there", what, name_of(column)));
}

void ConllReader::take_tag() {
  require_text(data_.tag_column, "tag");
  const std::string_view tag = fields_[data_.tag_column];
  if (!nothing_is_a_tag_ && is_nothing(data_.tag_column)) {
    if (tag_column_ == LabelColumn::kRequired) {
      line_.fail(tag, fmt::format("the tag, {}, is \"_\", which stands for nothing; every word "
                                  "must have one",
                                  name_of(data_.tag_column)));
    }
    if (without_tag_ == 0) without_tag_ = line_.number();
  } else {
    has_tags_ = true;
  }
  if (has_tags_ && without_tag_ > 0) {
    throw FormatError(
        line_.path(),
        fmt::format(
            "line {}: the tag, {}, is \"_\", which stands for nothing, but other words have "
            "one; all must, or none",
            without_tag_, name_of(data_.tag_column)));
  }
  auto found = tags_.find(tag);
  if (found == tags_.end()) {
    found = tags_.emplace(tag, static_cast<std::int32_t>(data_.tags.size())).first;
    data_.tags.emplace_back(tag);
  }
  sentence_.tags.push_back(found->second);
}

std::string ConllReader::name_of(std::size_t column) const {
  const bool has_name = column < data_.columns.size();
  return fmt::format("column {}{}", column + 1,
                     has_name ? " (" + in_quotes(data_.columns[column]) + ")" : "");
}

}  // namespace riverrun::data
