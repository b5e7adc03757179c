#include "cli/report.h"

#include <cerrno>
#include <set>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/data/text/tokenizer.h"
#include "riverrun/lm/model_folder.h"
#include "riverrun/train/run_folder.h"

namespace riverrun::cli {

namespace fs = std::filesystem;

void add_report_options(CLI::App& app, ReportFiles& files) {
  app.add_option("--html", files.html, "Write a page with charts to this file; it opens anywhere");
  app.add_option("--svg", files.svg, "Write the chart alone to this file, drawn by gnuplot");
  app.add_option("--csv", files.csv, "Write the chart's numbers to this file");
}

namespace {

/// The files that `read` is or consists of. Others may lie in a model's folder, such as reports.
std::vector<fs::path> files_of(const fs::path& read) {
  std::error_code error;
  if (!fs::is_directory(read, error)) return {read};
  if (fs::exists(read / kConfigFile, error)) {
    return {read / kConfigFile, read / kWeightsFile, read / kCheckpointFile,
            read / text::kTokenizerFile, read / kVocabularyFile};
  }
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(read, error)) {
    files.push_back(entry.path());
  }
  return files;
}

}  // namespace

void require(const ReportFiles& files, const std::vector<fs::path>& read) {
  std::set<fs::path> paths;
  for (const fs::path& path : {files.html, files.svg, files.csv}) {
    if (path.empty()) continue;
    std::error_code error;
    if (!paths.insert(fs::weakly_canonical(fs::absolute(path), error)).second) {
      throw ConfigError(fmt::format("{}: two reports cannot be in one file", path.string()));
    }
    for (const fs::path& from : read) {
      for (const fs::path& file : files_of(from)) {
        if (!fs::equivalent(path, file, error)) continue;
        throw ConfigError(
            fmt::format("{}: the output cannot replace what it is made from", path.string()));
      }
    }
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    if (!fs::is_directory(folder, error)) {
      throw IoError(folder.string(), ENOENT, "cannot write a file there");
    }
    if (::access(folder.c_str(), W_OK | X_OK) != 0) {
      throw IoError(folder.string(), errno, "cannot write a file there");
    }
    if (fs::exists(path, error) && !fs::is_regular_file(path, error)) {
      throw IoError(path.string(), fs::is_directory(path, error) ? EISDIR : EINVAL,
                    "cannot write a file there");
    }
  }
  if (!files.html.empty()) report::require_charts();
  if (!files.svg.empty()) report::require_gnuplot();
}

void write(const ReportFiles& files, const report::Figure& figure,
           const std::function<report::Page()>& page) {
  constexpr std::size_t kMostPoints = 400;
  std::vector<std::pair<fs::path, std::string>> made;
  if (!files.svg.empty()) {
    made.emplace_back(files.svg, report::to_svg(report::thinned(figure, kMostPoints)));
  }
  if (!files.html.empty()) made.emplace_back(files.html, page().str());
  if (!files.csv.empty()) made.emplace_back(files.csv, report::to_csv(figure));
  for (const auto& [path, content] : made) replace_file(path, content);
}

}  // namespace riverrun::cli
