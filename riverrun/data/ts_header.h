#pragma once

// The header of a file of the format ts; not for users.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "riverrun/data/ts_line.h"

namespace riverrun::data {

/// What a header says, as far as it says it.
struct TsHeader {
  std::optional<bool> time_stamps, missing, univariate, equal_length, class_label, target_label;
  std::optional<std::int64_t> dimensions, series_length;
  std::vector<std::string> classes;
  std::map<std::string, std::int32_t, std::less<>> labels;  ///< where a class is in `classes`
};

/// Whether `line` begins with a name that a header has.
[[nodiscard]] bool is_ts_header_line(std::string_view line) noexcept;

/// Reads a header line by line.
class TsHeaderReader {
 public:
  /// `line` is what is in `place`, without blanks around it and neither empty nor a comment. True
  /// if it is @data, which is the last one. Throws FormatError.
  bool take(std::string_view line, const TsLine& place);
  [[nodiscard]] const TsHeader& header() const noexcept { return header_; }

 private:
  static constexpr std::size_t kNames = 10;

  void take_class_label(std::string_view value, const TsLine& place);
  void take_class(std::string_view name, const TsLine& place);
  void require_supported(std::string_view value, const TsLine& place) const;
  void require_complete(std::string_view value, const TsLine& place) const;

  TsHeader header_;
  std::array<std::int64_t, kNames> lines_{};  // where each name is; 0: nowhere yet
};

}  // namespace riverrun::data
