#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "riverrun/report/figure.h"
#include "riverrun/report/html.h"

namespace riverrun::report {

struct Table {
  std::string caption = {};
  std::vector<std::string> header;
  /// Each as long as the header. The first column names the row; the others are numbers or words.
  std::vector<std::vector<std::string>> rows;
  /// If not empty, how strongly each cell but the first of its row is coloured, from 0 to 1.
  std::vector<std::vector<double>> shades = {};
};

/// Throws ConfigError if this build has no charts: if Chart.js was not there when it was made.
void require_charts();

/// A report as one HTML file that needs nothing else: no network, no other file. What is added
/// appears from top to bottom. All text is plain text.
class Page {
 public:
  /// Throws as require_charts().
  explicit Page(std::string_view title);

  void heading(std::string_view text);
  void paragraph(std::string_view text);
  /// Throws ConfigError if a row is not as long as the header, or shades are not as many as cells.
  void table(const Table& table);
  /// Drawn by Chart.js when the page is opened, beside its numbers as a table. Throws as check().
  void chart(const Figure& figure);
  void add(const Html& html);

  [[nodiscard]] std::string str() const;

 private:
  std::string title_;
  Html body_;
  std::string charts_;  // JSON, each a script element of its own
  int chart_count_ = 0;
};

}  // namespace riverrun::report
