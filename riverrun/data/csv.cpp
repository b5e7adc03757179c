#include "riverrun/data/csv.h"

#include <algorithm>
#include <span>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/data/csv_parser.h"
#include "riverrun/data/lines.h"
#include "riverrun/data/text/text_input.h"
#include "riverrun/data/ts_line.h"

namespace riverrun::data {
namespace {

constexpr const char* kEmptyName = "the name is empty; each column must have a name";

bool is_line_end(char c) noexcept { return c == '\n' || c == '\r'; }

std::string separator_name(char separator) {
  return separator == '\t' ? "tabs" : fmt::format("\"{}\"", separator);
}

}  // namespace

void read_csv(const std::filesystem::path& path, const CsvOptions& options,
              const std::function<void(const CsvRow&)>& header,
              const std::function<void(const CsvRow&)>& row) {
  const text::TextPart part = text::open_texts(std::span(&path, 1)).front();
  CsvParser parser(part.path.string(), options, header, row, part.begin);
  text::for_each_piece(part, [&parser](std::string_view piece) { parser.feed(piece); });
  parser.finish();
}

bool is_missing(std::string_view field) {
  field = trimmed(field);
  if (field.empty()) return true;
  constexpr std::size_t kLongest = 4;
  if (field.size() > kLongest) return false;
  return std::ranges::any_of(
      std::array<std::string_view, 6>{"na", "n/a", "nan", "null", "none", "?"},
      [field](std::string_view word) { return same_word(field, word); });
}

bool SeparatorFinder::feed(std::string_view piece) noexcept {
  for (const char c : piece) {
    if (c == '\0') return true;
    if (c == '"') {
      const bool opens = !quoted_ && may_open_;
      may_open_ = quoted_;  // after the end of a quoted field, as the second of two
      quoted_ = opens;
      continue;
    }
    if (quoted_) continue;
    if (is_line_end(c)) return true;
    const std::size_t separator = kSeparators.find(c);
    may_open_ = separator != std::string_view::npos;
    if (may_open_) ++counts_[separator];
  }
  return false;
}

std::string SeparatorFinder::most() const {
  const std::int64_t highest = *std::ranges::max_element(counts_);
  if (highest == 0) return ",";  // there is one column
  std::string separators;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == highest) separators += kSeparators[i];
  }
  return separators;
}

CsvParser::CsvParser(std::string path, const CsvOptions& options, Sink header, Sink row,
                     std::int64_t first_byte)
    : path_(std::move(path)),
      is_header_(options.is_header),
      most_columns_(options.most_columns),
      header_(std::move(header)),
      row_(std::move(row)),
      byte_(first_byte),
      fields_(1),
      begins_(1) {
  for (const char c : {'"', '\r', '\n', '\0'}) is_special_[static_cast<unsigned char>(c)] = true;
  if (options.separator == '\0') return;
  if (SeparatorFinder::kSeparators.find(options.separator) == std::string_view::npos) {
    throw ConfigError(
        fmt::format("CSV: separator is {}; it must be a comma, a semicolon, a tab or \"|\"",
                    in_quotes(std::string_view(&options.separator, 1))));
  }
  set_separator(options.separator);
}

void CsvParser::set_separator(char separator) {
  separator_ = separator;
  is_special_[static_cast<unsigned char>(separator)] = true;
}

void CsvParser::feed(std::string_view piece) {
  if (separator_ != '\0') return take(piece);
  if (head_.empty()) {  // empty lines before the first
    const std::size_t begin = std::min(piece.find_first_not_of("\r\n"), piece.size());
    take(piece.substr(0, begin));
    piece.remove_prefix(begin);
  }
  head_ += piece;
  if (!finder_.feed(piece)) return;
  settle_separator();
}

void CsvParser::settle_separator() {
  const std::string most = finder_.most();
  if (most.size() > 1) {
    fail_at(byte_, line_, kNoField,
            fmt::format("what separates the fields is not clear, as there are as many {} as {}; it "
                        "must be given, or names that have them be in quotes",
                        separator_name(most[0]), separator_name(most[1])));
  }
  set_separator(most.front());
  take(std::exchange(head_, {}));
}

void CsvParser::finish() {
  if (separator_ == '\0') settle_separator();
  if (state_ == State::kQuoted) {
    fail_at(begins_[stored()], field_line_, count_,
            "the quote that begins here does not end; a quote (\") must follow");
  }
  if (state_ != State::kStart || count_ > 0) end_row();
  if (names_.empty()) {
    fail_at(byte_, line_, kNoField, "the file ends before a header, the names of the columns");
  }
  if (!has_rows_) {
    fail_at(byte_, line_, kNoField, "the file ends after the header; there must be a row");
  }
}

void CsvParser::take(std::string_view piece) {
  const auto is_special = [this](char c) { return is_special_[static_cast<unsigned char>(c)]; };
  for (auto at = piece.begin(); at != piece.end();) {
    const auto end = std::find_if(at, piece.end(), is_special);
    if (end != at) take_plain({at, end});
    if (end == piece.end()) return;
    take_special(*end);
    at = end + 1;
  }
}

void CsvParser::take_plain(std::string_view run) {
  if (state_ == State::kClosed) {
    fail_at(byte_, line_, count_,
            "something follows the quote that ends the field; only a separator or a line end may, "
            "and a quote in a field must be doubled");
  }
  if (state_ == State::kStart) {
    begin_field();
    state_ = State::kPlain;
  }
  fields_[stored()].append(run);
  after_cr_ = false;
  byte_ += std::ssize(run);
}

void CsvParser::take_special(char c) {
  if (c == '\0') fail_at(byte_, line_, count_, "there is a byte 0; a CSV file must be a text");
  const bool after_cr = std::exchange(after_cr_, c == '\r');
  if (c == '"') {
    take_quote();
  } else if (state_ == State::kQuoted) {
    fields_[stored()].push_back(c);
  } else if (c == separator_) {
    end_field();
  } else if (state_ != State::kStart || count_ > 0) {  // else the line is empty, or LF after CR
    end_row();
  }
  if (c == '\r' || (c == '\n' && !after_cr)) ++line_;
  ++byte_;
}

void CsvParser::take_quote() {
  switch (state_) {
    case State::kStart:
      begin_field();
      state_ = State::kQuoted;
      return;
    case State::kQuoted:
      state_ = State::kClosed;
      return;
    case State::kClosed:
      fields_[stored()].push_back('"');
      state_ = State::kQuoted;
      return;
    case State::kPlain:
      fail_at(byte_, line_, count_,
              "there is a quote (\") in a field that does not begin with one; such a field must be "
              "in quotes, and those in it doubled");
  }
}

std::size_t CsvParser::stored() const noexcept {
  return names_.empty() ? count_ : std::min(count_, names_.size());
}

void CsvParser::begin_field() {
  const std::size_t field = stored();
  if (field == fields_.size()) {
    fields_.emplace_back();
    begins_.emplace_back();
  }
  fields_[field].clear();
  begins_[field] = byte_;
  field_line_ = line_;
  if (count_ == 0) row_line_ = line_;
}

void CsvParser::end_field() {
  if (state_ == State::kStart) begin_field();
  const std::string& text = fields_[stored()];
  if (!is_utf8(text)) {
    fail_at(begins_[stored()], field_line_, count_,
            "the field is not UTF-8, which a CSV file must be");
  }
  // At once: else a header of separators alone would claim far more memory than it has bytes.
  if (names_.empty() && !is_header_ && trimmed(text).empty()) {
    fail_at(begins_[stored()], field_line_, count_, kEmptyName);
  }
  if (names_.empty() && static_cast<std::int64_t>(count_) == most_columns_) {
    fail_at(begins_[stored()], field_line_, count_,
            fmt::format("there must be at most {} columns", most_columns_));
  }
  ++count_;
  state_ = State::kStart;
}

void CsvParser::end_row() {
  end_field();
  if (names_.empty()) {
    take_first_row();
  } else if (count_ == names_.size()) {
    has_rows_ = true;
    row_({row_line_, std::span(fields_).first(count_)});
  } else {
    fail_row(fmt::format("the number of fields is {}; it must be that of the header, which is {}{}",
                         count_, names_.size(),
                         count_ > names_.size()
                             ? fmt::format(" (fields that have {} in them must be in quotes)",
                                           separator_name(separator_))
                             : ""));
  }
  count_ = 0;
}

void CsvParser::take_first_row() {
  const CsvRow row = {row_line_, std::span(fields_).first(count_)};
  const bool is_header = !is_header_ || is_header_(row);
  std::vector<std::string> names;
  if (is_header) {
    if (is_header_) number_the_nameless();
    require_names();
    names = fields_;
  } else {
    for (std::size_t i = 1; i <= count_; ++i) names.push_back(fmt::format("{}", i));
  }
  header_({row_line_, names});
  names_ = std::move(names);
  if (!is_header) {
    has_rows_ = true;
    row_(row);
  }
  fields_.emplace_back();
  begins_.emplace_back();
}

void CsvParser::number_the_nameless() {
  for (std::size_t i = 0; i < count_; ++i) {
    if (trimmed(fields_[i]).empty()) fields_[i] = fmt::format("{}", i + 1);
  }
}

void CsvParser::require_names() const {
  std::unordered_map<std::string_view, std::size_t> columns;
  for (std::size_t i = 0; i < count_; ++i) {
    const std::string_view name = trimmed(fields_[i]);
    if (name.empty()) fail(i, kEmptyName);
    const auto [found, is_new] = columns.try_emplace(name, i);
    if (!is_new) {
      fail(i, fmt::format("the name is {}, as that of column {}; all must differ", in_quotes(name),
                          found->second + 1));
    }
  }
}

void CsvParser::fail(std::size_t field, const std::string& what) const {
  fail_at(begins_[field], row_line_, field, what);
}

void CsvParser::fail_row(const std::string& what) const {
  fail_at(begins_.front(), row_line_, kNoField, what);
}

void CsvParser::fail_at(std::int64_t byte, std::int64_t line, std::size_t field,
                        const std::string& what) const {
  std::string place = fmt::format("line {}", line);
  if (field < names_.size()) {
    place += fmt::format(", column {}", in_quotes(trimmed(names_[field])));
  } else if (field != kNoField) {
    place += fmt::format(", column {}", field + 1);
  }
  throw FormatError(path_, static_cast<std::uint64_t>(byte), fmt::format("{}: {}", place, what));
}

}  // namespace riverrun::data
