#pragma once

#include <filesystem>
#include <functional>

#include "riverrun/report/figure.h"
#include "riverrun/report/page.h"

namespace CLI {
class App;
}

namespace riverrun::cli {

/// What a verb writes to files beside what it prints; empty: not asked for.
struct ReportFiles {
  std::filesystem::path html;
  std::filesystem::path svg;
  std::filesystem::path csv;
};

/// --html, --svg and --csv.
void add_report_options(CLI::App& app, ReportFiles& files);

/// To be called before the work is done; `read` are the files and folders that it is made from.
/// Throws ConfigError if this build cannot make what is asked for, two are asked for in one file,
/// or one would replace what is read: a file, a file directly in a folder that is no model's, or
/// one of those that a model consists of. IoError if gnuplot is not there or a file cannot be
/// written.
void require(const ReportFiles& files, const std::vector<std::filesystem::path>& read);

/// Writes what was asked for: `figure` as CSV and SVG, and the page, which is made only for --html.
/// Each file atomically, and none before all are made. Throws IoError.
void write(const ReportFiles& files, const report::Figure& figure,
           const std::function<report::Page()>& page);

}  // namespace riverrun::cli
