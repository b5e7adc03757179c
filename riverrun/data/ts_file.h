#pragma once

// Files of the format ts, read as they come in; not for users, who call read_ts().

#include <cstdint>
#include <string>
#include <string_view>

#include "riverrun/data/labelled.h"
#include "riverrun/data/lines.h"
#include "riverrun/data/ts_header.h"
#include "riverrun/data/ts_line.h"

namespace riverrun::data {

/// Reads a text of the format ts that comes in pieces; a line may be cut anywhere between two. What
/// is in memory is at most a small multiple of what was read, whatever the header says. Throws as
/// read_ts() does.
class TsReader {
 public:
  /// As TsLine has them.
  explicit TsReader(std::string path, std::int64_t first_byte = 0);

  void feed(std::string_view piece);
  [[nodiscard]] LabelledSequences finish();

 private:
  /// A number that all sequences must have, and where that is said.
  struct Rule {
    std::int64_t count = 0;  // 0: any
    std::string source;
  };

  void take_line(std::string_view line);
  void begin_data();
  void take_sequence(std::string_view line);
  [[nodiscard]] std::string_view without_label(std::string_view line) const;
  void require_channels(std::string_view line);
  [[nodiscard]] std::int64_t count_steps(std::string_view line) const;
  void require_length(std::string_view line, std::int64_t seq_len);
  void read_values(std::string_view line, LabelledSequence& sequence) const;
  [[nodiscard]] float value(std::string_view text, std::int64_t channel, std::int64_t step) const;
  [[nodiscard]] std::int32_t label(std::string_view text) const;
  [[nodiscard]] const TsHeader& header() const noexcept { return header_reader_.header(); }

  LineSplitter splitter_;
  TsLine line_;
  TsHeaderReader header_reader_;
  bool in_data_ = false;
  Rule channels_;
  Rule length_;
  LabelledSequences data_;
};

}  // namespace riverrun::data
