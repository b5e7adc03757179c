#pragma once

// CSV files of labelled sequences or texts, read as they come in; not for users, who call
// read_labelled_csv().

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "riverrun/data/csv_columns.h"
#include "riverrun/data/csv_parser.h"
#include "riverrun/data/labelled.h"
#include "riverrun/data/labelled_csv.h"
#include "riverrun/data/time_stamp.h"

namespace riverrun::data {

/// Throws ConfigError if a column is to be two things, or they are of sequences and of texts.
void require_distinct(const SequenceColumns& columns);

/// Reads a text that comes in pieces. Throws as read_labelled_csv() does.
class LabelledCsvReader {
 public:
  /// `columns` must be distinct; `path` and `first_byte` are as CsvParser has them.
  LabelledCsvReader(std::string path, const SequenceColumns& columns,
                    LabelColumn label = LabelColumn::kRequired, std::int64_t first_byte = 0);

  void feed(std::string_view piece) { parser_.feed(piece); }
  [[nodiscard]] LabelledSequences finish();
  /// The names of the columns that are read; after finish().
  [[nodiscard]] const std::vector<std::string>& channels() const noexcept {
    return columns_.channels;
  }

 private:
  /// What the next row of a sequence is compared with.
  struct Last {
    TimeStamp time;
    std::int64_t line = 0;
  };

  void take_header(const CsvRow& row);
  void take_row(const CsvRow& row);
  /// Where the column is; nothing if `name` is empty.
  [[nodiscard]] std::optional<std::size_t> find(const CsvRow& header, std::string_view name,
                                                std::string_view role) const;
  void find_channels(const CsvRow& header);
  [[nodiscard]] std::size_t sequence_of(const CsvRow& row);
  void take_text(const CsvRow& row);
  void take_label(const CsvRow& row, LabelledSequence& sequence);
  void take_time(const CsvRow& row, const LabelledSequence& sequence, Last& last);
  [[nodiscard]] float value(const CsvRow& row, std::size_t column) const;
  [[noreturn]] void refuse_value(std::size_t column, std::string_view text) const;

  SequenceColumns columns_;
  LabelColumn label_column_;
  bool channels_given_;
  CsvParser parser_;

  std::optional<std::size_t> series_, label_, time_, text_;
  std::vector<std::size_t> channels_;

  LabelledSequences data_;
  ByName<std::size_t> sequences_;  // where they are in data_
  std::vector<Last> lasts_;        // of each
  std::size_t newest_ = 0;         // the sequence of the row before
  ByName<std::int32_t> labels_;
  std::optional<TimeStamp::Kind> kind_;
  std::int64_t kind_line_ = 0;
};

}  // namespace riverrun::data
