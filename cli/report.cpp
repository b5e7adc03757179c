#include "cli/report.h"

#include <cerrno>
#include <set>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"

namespace riverrun::cli {

namespace fs = std::filesystem;

void add_report_options(CLI::App& app, ReportFiles& files) {
  app.add_option("--html", files.html, "Write a page with charts to this file; it opens anywhere");
  app.add_option("--svg", files.svg, "Write the chart alone to this file, drawn by gnuplot");
  app.add_option("--csv", files.csv, "Write the chart's numbers to this file");
}

void require(const ReportFiles& files) {
  std::set<fs::path> paths;
  for (const fs::path& path : {files.html, files.svg, files.csv}) {
    if (path.empty()) continue;
    if (!paths.insert(fs::absolute(path).lexically_normal()).second) {
      throw ConfigError(fmt::format("{}: two reports cannot be in one file", path.string()));
    }
    std::error_code error;
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    if (!fs::is_directory(folder, error)) {
      throw IoError(folder.string(), ENOENT, "cannot write a report there");
    }
    if (::access(folder.c_str(), W_OK | X_OK) != 0) {
      throw IoError(folder.string(), errno, "cannot write a report there");
    }
    if (fs::exists(path, error) && !fs::is_regular_file(path, error)) {
      throw IoError(path.string(), fs::is_directory(path, error) ? EISDIR : EINVAL,
                    "cannot write a report there");
    }
  }
  if (!files.html.empty()) insight::require_charts();
  if (!files.svg.empty()) insight::require_gnuplot();
}

void write(const ReportFiles& files, const insight::Figure& figure,
           const std::function<insight::Page()>& page) {
  constexpr std::size_t kMostPoints = 400;
  if (!files.csv.empty()) replace_file(files.csv, insight::to_csv(figure));
  if (!files.svg.empty()) {
    replace_file(files.svg, insight::to_svg(insight::thinned(figure, kMostPoints)));
  }
  if (!files.html.empty()) replace_file(files.html, page().str());
}

}  // namespace riverrun::cli
