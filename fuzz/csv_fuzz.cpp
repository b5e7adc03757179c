// Any bytes as a CSV file: it is refused with a FormatError, or its rows are as the interface has
// them, and so are the labelled sequences; the same however it comes in pieces. What was read can
// be written as CSV and read again.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "riverrun/core/error.h"
#include "riverrun/data/csv_parser.h"
#include "riverrun/data/labelled_csv_reader.h"

namespace {

using namespace riverrun::data;
using Row = std::vector<std::string>;

void require(bool condition) {
  if (!condition) std::abort();
}

template <class Reader>
void feed(Reader& reader, std::string_view text, std::size_t piece) {
  for (std::size_t i = 0; i < text.size(); i += piece) reader.feed(text.substr(i, piece));
}

/// What was read, the header first, or why it was refused.
struct Rows {
  std::vector<Row> rows;
  std::vector<std::int64_t> lines;
  std::string refused;
};

Rows read_rows(std::string_view text, char separator, std::size_t piece) {
  Rows result;
  const auto take = [&result](const CsvRow& row) {
    result.rows.emplace_back(row.fields.begin(), row.fields.end());
    result.lines.push_back(row.line);
  };
  try {
    CsvParser parser("fuzzed", {.separator = separator}, take, take);
    feed(parser, text, piece);
    parser.finish();
  } catch (const riverrun::FormatError& error) {
    result.refused = error.what();
  }
  return result;
}

void require_sound(const Rows& read, std::string_view text) {
  const auto ends = std::ranges::count_if(text, [](char c) { return c == '\n' || c == '\r'; });
  std::size_t bytes = 0;
  std::int64_t line = 0;
  for (std::size_t i = 0; i < read.rows.size(); ++i) {
    require(read.rows[i].size() == read.rows[0].size());
    require(read.lines[i] > line && read.lines[i] <= ends + 1);
    line = read.lines[i];
    for (const std::string& field : read.rows[i]) bytes += field.size() + 1;
  }
  require(bytes <= text.size() + 1);
}

std::string written(const std::vector<Row>& rows, char separator) {
  std::string text;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) text += separator;
      text += '"';
      for (const char c : row[i]) text.append(c == '"' ? 2 : 1, c);
      text += '"';
    }
    text += "\r\n";
  }
  return text;
}

/// What was read, or why it was refused.
struct Labelled {
  LabelledSequences data;
  std::vector<std::string> channels;
  std::string refused;
};

Labelled read_labelled(std::string_view text, const SequenceColumns& columns, std::size_t piece) {
  try {
    LabelledCsvReader reader("fuzzed", columns);
    feed(reader, text, piece);
    LabelledSequences data = reader.finish();
    return {std::move(data), reader.channels(), ""};
  } catch (const riverrun::FormatError& error) {
    return {{}, {}, error.what()};
  }
}

bool same_value(float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }

bool same_sequence(const LabelledSequence& a, const LabelledSequence& b) {
  return a.seq_len == b.seq_len && a.label == b.label && a.line == b.line &&
         std::ranges::equal(a.values, b.values, same_value) && a.text == b.text;
}

void require_sound(const Labelled& read, std::size_t rows) {
  const LabelledSequences& data = read.data;
  require(data.channels == std::ssize(read.channels));
  if (data.are_texts()) {
    require(data.sequences.size() == rows);
    require(std::ranges::none_of(data.sequences,
                                 [](const LabelledSequence& row) { return row.text.empty(); }));
    return;
  }
  std::int64_t steps = 0;
  for (const LabelledSequence& sequence : data.sequences) {
    require(sequence.seq_len > 0 && sequence.line > 1);
    require(sequence.values.size() == static_cast<std::size_t>(sequence.seq_len * data.channels));
    require(std::ranges::none_of(sequence.values, [](float x) { return std::isinf(x); }));
    require(data.classes.empty()
                ? sequence.label == LabelledSequence::kNoLabel
                : sequence.label >= 0 && sequence.label < std::ssize(data.classes));
    steps += sequence.seq_len;
  }
  require(steps == static_cast<std::int64_t>(rows));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  constexpr std::array kSeparators = {'\0', ',', ';', '\t', '|'};
  const char separator = kSeparators[data[0] % kSeparators.size()];
  const std::size_t piece = std::size_t{1} + data[1] % 16;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);

  const Rows whole = read_rows(text, separator, text.size() + 1);
  const Rows pieces = read_rows(text, separator, piece);
  require(whole.refused == pieces.refused && whole.rows == pieces.rows &&
          whole.lines == pieces.lines);
  if (whole.refused.empty()) {
    require_sound(whole, text);
    const char other = separator == '\0' ? ';' : separator;
    const Rows again = read_rows(written(whole.rows, other), other, piece);
    require(again.refused.empty() && again.rows == whole.rows);
  }

  // One column is one of the three at most, the others are channels; or one has texts.
  SequenceColumns columns;
  if ((data[0] & 0x40) != 0) columns.label = "l";
  if ((data[1] & 0x10) != 0) {
    columns.text_column = "t";
  } else {
    if ((data[0] & 0x20) != 0) columns.series = "s";
    if ((data[0] & 0x80) != 0) columns.time = "t";
  }
  const Labelled sequences = read_labelled(text, columns, text.size() + 1);
  const Labelled in_pieces = read_labelled(text, columns, piece);
  require(sequences.refused == in_pieces.refused);
  if (!sequences.refused.empty()) return 0;
  require(sequences.channels == in_pieces.channels &&
          sequences.data.classes == in_pieces.data.classes &&
          std::ranges::equal(sequences.data.sequences, in_pieces.data.sequences, same_sequence));
  require_sound(sequences, read_rows(text, '\0', piece).rows.size() - 1);
  return 0;
}
