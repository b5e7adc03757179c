#pragma once

// Labelled texts, read as they come in; not for users, who call read_labelled_text().

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "riverrun/data/csv_columns.h"
#include "riverrun/data/labelled_text.h"
#include "riverrun/data/lines.h"
#include "riverrun/data/ts_line.h"

namespace riverrun::data {

/// Reads a text that comes in pieces; a line may be cut anywhere between two. What is in memory is
/// what was read, and one line. Throws as read_labelled_text() does.
class LabelledTextReader {
 public:
  /// `path` and `first_byte` are as TsLine has them.
  explicit LabelledTextReader(std::string path, std::optional<LabelForm> form = {},
                              LabelColumn label = LabelColumn::kRequired,
                              std::int64_t first_byte = 0);

  void feed(std::string_view piece);
  [[nodiscard]] LabelledSequences finish();
  /// What was given, or what the first text has.
  [[nodiscard]] std::optional<LabelForm> form() const noexcept { return form_; }

 private:
  void take_line(std::string_view raw);
  /// Of the first text: whether it, and so each, has a label, and of which form.
  void settle(std::string_view text);
  [[nodiscard]] bool has_label(std::string_view text) const noexcept;
  /// Takes the label off `text`.
  [[nodiscard]] std::int32_t take_label(std::string_view& text);

  LineSplitter splitter_;
  TsLine line_;
  std::optional<LabelForm> form_;
  LabelColumn label_column_;
  bool labelled_ = false;
  LabelledSequences data_;
  ByName<std::int32_t> labels_;
};

}  // namespace riverrun::data
