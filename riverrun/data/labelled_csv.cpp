#include "riverrun/data/labelled_csv.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <limits>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/number.h"
#include "riverrun/data/labelled_csv_reader.h"
#include "riverrun/data/text/text_input.h"
#include "riverrun/data/text/words_and_marks.h"
#include "riverrun/data/ts_line.h"

namespace riverrun::data {
namespace {

bool contains(const CsvRow& header, std::string_view name) {
  return std::ranges::any_of(header.fields,
                             [&](const std::string& field) { return trimmed(field) == name; });
}

std::string_view kind_name(TimeStamp::Kind kind) noexcept {
  switch (kind) {
    case TimeStamp::Kind::kNumber:
      return "a number";
    case TimeStamp::Kind::kLocal:
      return "a date without a time zone";
    case TimeStamp::Kind::kZoned:
      return "a date with a time zone";
  }
  return "";
}

}  // namespace

LabelledSequences read_labelled_csv(const std::filesystem::path& path, SequenceColumns& columns,
                                    LabelColumn label) {
  require_distinct(columns);
  const text::TextPart part = text::open_texts(std::span(&path, 1)).front();
  LabelledCsvReader reader(part.path.string(), columns, label, part.begin);
  text::for_each_piece(part, [&reader](std::string_view piece) { reader.feed(piece); });
  LabelledSequences data = reader.finish();
  columns.channels = reader.channels();
  return data;
}

void require_distinct(const SequenceColumns& columns) {
  const bool has_texts = !columns.text_column.empty();
  if (has_texts && !(columns.series.empty() && columns.time.empty() && columns.channels.empty())) {
    throw ConfigError(
        fmt::format("columns: the text is {}, so each row is a text of its own; there can be no "
                    "columns of series, time or channels",
                    in_quotes(columns.text_column)));
  }
  DistinctColumns distinct("series, label, time, text and a channel");
  if (has_texts) distinct.add("text", columns.text_column);
  if (!columns.series.empty()) distinct.add("series", columns.series);
  if (!columns.label.empty()) distinct.add("label", columns.label);
  if (!columns.time.empty()) distinct.add("time", columns.time);
  distinct.add("a channel", std::span(columns.channels));
}

LabelledCsvReader::LabelledCsvReader(std::string path, const SequenceColumns& columns,
                                     LabelColumn label, std::int64_t first_byte)
    : columns_(columns),
      label_column_(label),
      channels_given_(!columns.channels.empty()),
      parser_(
          std::move(path), {}, [this](const CsvRow& header) { take_header(header); },
          [this](const CsvRow& row) { take_row(row); }, first_byte) {}

LabelledSequences LabelledCsvReader::finish() {
  parser_.finish();
  data_.path = parser_.path();
  data_.channel_names = columns_.channels;
  return std::move(data_);
}

void LabelledCsvReader::take_header(const CsvRow& row) {
  series_ = find(row, columns_.series, "the series");
  const bool may_lack = label_column_ == LabelColumn::kIfThere && !contains(row, columns_.label);
  if (!may_lack) label_ = find(row, columns_.label, "the label");
  time_ = find(row, columns_.time, "the time");
  text_ = find(row, columns_.text_column, "the text");
  if (!text_) find_channels(row);
  data_.channels = std::ssize(channels_);
}

std::optional<std::size_t> LabelledCsvReader::find(const CsvRow& header, std::string_view name,
                                                   std::string_view role) const {
  if (name.empty()) return std::nullopt;
  return find_column(parser_, header, name, role);
}

void LabelledCsvReader::find_channels(const CsvRow& header) {
  for (const std::string& name : columns_.channels) {
    channels_.push_back(*find(header, name, "a channel"));
  }
  if (channels_given_) return;
  for (std::size_t i = 0; i < header.fields.size(); ++i) {
    if (series_ == i || label_ == i || time_ == i) continue;
    channels_.push_back(i);
    columns_.channels.emplace_back(trimmed(header.fields[i]));
  }
  if (channels_.empty()) {
    parser_.fail_row(
        fmt::format("no column is left to be a channel; there must be one besides those named: {}",
                    listed(header.fields)));
  }
}

void LabelledCsvReader::take_row(const CsvRow& row) {
  if (text_) return take_text(row);
  const std::size_t number = sequence_of(row);
  LabelledSequence& sequence = data_.sequences[number];
  if (label_) take_label(row, sequence);
  if (time_) take_time(row, sequence, lasts_[number]);
  for (const std::size_t column : channels_) sequence.values.push_back(value(row, column));
  ++sequence.seq_len;
}

std::size_t LabelledCsvReader::sequence_of(const CsvRow& row) {
  // Rows of one sequence mostly are neighbours.
  const std::string_view name =
      series_ ? text_of(parser_, row, *series_, "the name of a sequence") : "";
  if (!data_.sequences.empty() && name == data_.sequences[newest_].name) return newest_;
  const auto found = sequences_.find(name);
  if (found != sequences_.end()) return newest_ = found->second;
  newest_ = data_.sequences.size();
  sequences_.emplace(name, newest_);
  lasts_.emplace_back();
  LabelledSequence& sequence = data_.sequences.emplace_back();
  sequence.line = row.line;
  sequence.name = name;
  return newest_;
}

void LabelledCsvReader::take_text(const CsvRow& row) {
  LabelledSequence& sequence = data_.sequences.emplace_back();
  sequence.line = row.line;
  sequence.text = text::without_outer_space(row.fields[*text_]);
  if (sequence.text.empty()) parser_.fail(*text_, "the text is empty; it must have a word");
  if (label_) take_label(row, sequence);
}

void LabelledCsvReader::take_label(const CsvRow& row, LabelledSequence& sequence) {
  const std::string_view text = text_of(parser_, row, *label_, "the name of a class");
  auto found = labels_.find(text);
  if (found == labels_.end()) {
    found = labels_.emplace(text, static_cast<std::int32_t>(data_.classes.size())).first;
    data_.classes.emplace_back(text);
  }
  if (sequence.seq_len == 0) sequence.label = found->second;
  if (sequence.label == found->second) return;
  parser_.fail(
      *label_,
      fmt::format("the label is {}; it must be that of line {}, {}, as {}", in_quotes(text),
                  sequence.line, in_quotes(data_.classes[static_cast<std::size_t>(sequence.label)]),
                  series_ ? fmt::format("both are of the sequence {}", in_quotes(sequence.name))
                          : "all rows are one sequence unless a column of series is named"));
}

void LabelledCsvReader::take_time(const CsvRow& row, const LabelledSequence& sequence, Last& last) {
  const std::string_view text = text_of(parser_, row, *time_, "a time");
  const std::optional<TimeStamp> time = parse_time(text);
  if (!time) {
    parser_.fail(*time_, fmt::format("the time is {}; it must be a number or a date such as "
                                     "2024-03-01, 2024-03-01T12:30 or 2024-03-01 12:30:00.5+02:00",
                                     in_quotes(text)));
  }
  if (!kind_) {
    kind_ = time->kind;
    kind_line_ = row.line;
  }
  if (time->kind != *kind_) {
    parser_.fail(*time_,
                 fmt::format("the time, {}, is {}; it must be {} as on line {}", in_quotes(text),
                             kind_name(time->kind), kind_name(*kind_), kind_line_));
  }
  if (sequence.seq_len > 0 && !(*time > last.time)) {
    parser_.fail(
        *time_,
        fmt::format("the time is {}; it must be after that of line {}, the row before it{}",
                    in_quotes(text), last.line,
                    series_ ? fmt::format(" of the sequence {}", in_quotes(sequence.name))
                            : ", as all rows are one sequence unless a column of series is named"));
  }
  last = {*time, row.line};
}

float LabelledCsvReader::value(const CsvRow& row, std::size_t column) const {
  const std::string_view text = trimmed(row.fields[column]);
  const std::optional<double> number = parse_double(text);
  if (number && std::abs(*number) <= std::numeric_limits<float>::max()) {
    return static_cast<float>(*number);
  }
  if (!is_missing(text)) refuse_value(column, text);
  return std::numeric_limits<float>::quiet_NaN();
}

void LabelledCsvReader::refuse_value(std::size_t column, std::string_view text) const {
  const std::string_view advice =
      is_like_a_number(text) || channels_given_
          ? number_advice(text)
          : "; if the column is no channel, name the channels that are to be read";
  parser_.fail(column,
               fmt::format("the value is {}; it must be a finite number of at most 3.4e38, such as "
                           "1234.5, -0.5 or 1e-3{}",
                           in_quotes(text), advice));
}

}  // namespace riverrun::data
