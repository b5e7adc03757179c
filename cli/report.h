#pragma once

#include <filesystem>
#include <functional>

#include "riverrun/insight/figure.h"
#include "riverrun/insight/page.h"

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

/// To be called before the work is done. Throws ConfigError if this build cannot make what is asked
/// for or two are asked for in one file, IoError if gnuplot is not there or a file cannot be
/// written.
void require(const ReportFiles& files);

/// Writes what was asked for, each file atomically: `figure` as CSV and SVG, and the page, which is
/// made only for --html. Throws IoError.
void write(const ReportFiles& files, const insight::Figure& figure,
           const std::function<insight::Page()>& page);

}  // namespace riverrun::cli
