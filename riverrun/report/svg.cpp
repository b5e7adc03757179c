// Figures as SVG, drawn by gnuplot.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "riverrun/core/error.h"
#include "riverrun/data/text/utf8.h"
#include "riverrun/report/figure.h"

extern char** environ;  // NOLINT: unistd.h does not declare it everywhere

namespace riverrun::report {
namespace {

/// A file without a name, gone when it is closed.
class TemporaryFile {
 public:
  TemporaryFile() : file_(std::tmpfile()) {
    if (file_ == nullptr) throw IoError("temporary file", errno, "cannot make one for gnuplot");
  }
  [[nodiscard]] int descriptor() const { return ::fileno(file_.get()); }
  void write(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size() ||
        std::fflush(file_.get()) != 0) {
      throw IoError("temporary file", errno, "cannot write what gnuplot is to read");
    }
    std::rewind(file_.get());
  }
  [[nodiscard]] std::string read() {
    std::rewind(file_.get());
    std::string text;
    char buffer[1 << 16];
    while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, file_.get())) {
      text.append(buffer, got);
    }
    return text;
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { static_cast<void>(std::fclose(file)); }
  };
  std::unique_ptr<std::FILE, Close> file_;
};

/// What gnuplot puts out for a script. Files, not pipes, so that neither side waits for the other.
std::string run_gnuplot(std::string_view script) {
  TemporaryFile input;
  TemporaryFile output;
  TemporaryFile errors;
  input.write(script);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input.descriptor(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output.descriptor(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors.descriptor(), STDERR_FILENO);
  // -d: whatever the user's own settings are.
  char name[] = "gnuplot";
  char defaults[] = "-d";
  char* const arguments[] = {name, defaults, nullptr};
  pid_t child = 0;
  const int code = ::posix_spawnp(&child, name, &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (code != 0) {
    throw IoError(name, code,
                  "cannot start it; it draws SVG figures (Debian's package gnuplot-nox)");
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw IoError(name, errno, "cannot wait for its end");
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw Error(fmt::format("gnuplot failed: {}", errors.read()));
  }
  return output.read();
}

/// U+FFFE, which to_valid_xml() leaves in no text: what stands for the ">" of "]]>" on the way
/// through gnuplot. It writes "<" and "&" as XML needs them, but not this.
constexpr std::string_view kGreater = "\xEF\xBF\xBE";

/// `text` with `to` in place of each `from`.
std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

/// In single quotes, where gnuplot takes every character but the quote as it is; on one line. The
/// quote becomes an apostrophe, as gnuplot does not read a doubled one everywhere.
std::string quoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text::to_valid_xml(text)) {
    if (c == '\'') {
      result += "\u2019";
    } else {
      result += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
  }
  return replaced(result + "'", "]]>", "]]" + std::string(kGreater));
}

/// The name of a tic is a format for its number too, which begins with a percent sign.
std::string tic_name(std::string_view text) {
  std::string name;
  for (const char c : text) {
    name += c;
    if (c == '%') name += c;
  }
  return quoted(name);
}

std::string axis_commands(char name, const Axis& axis) {
  std::string script = fmt::format("set {}label {} noenhanced\n", name, quoted(axis.heading()));
  if (axis.scale == Scale::kLogarithmic) {
    script += fmt::format("set logscale {}\n", name);
  } else if (axis.scale == Scale::kPowersOfTen) {
    script += fmt::format("set format {} '10^{{%g}}'\n", name);
  }
  const auto end = [](const std::optional<double>& value) {
    return value ? fmt::format("{}", *value) : "*";
  };
  script += fmt::format("set {}range [{}:{}]\n", name, end(axis.low), end(axis.high));
  if (!axis.categories.empty()) {
    // No lines through them, and aslant only where they would run into each other.
    constexpr std::size_t kCharactersInAxis = 80;
    const std::size_t longest = std::ranges::max(axis.categories, {}, &std::string::size).size();
    const bool is_crowded = longest * axis.categories.size() > kCharactersInAxis;
    script += fmt::format("set grid no{0}tics\nset {0}tics noenhanced {1} (", name,
                          is_crowded ? "rotate by -45" : "norotate");
    for (std::size_t i = 0; i < axis.categories.size(); ++i) {
      script += fmt::format("{}{} {}", i == 0 ? "" : ", ", tic_name(axis.categories[i]), i);
    }
    script += ")\n";
  }
  return script;
}

std::string_view style(Mark mark) {
  switch (mark) {
    case Mark::kLine:
      return "lines linewidth 2";
    case Mark::kPoints:
      return "points pointtype 7 pointsize 0.5";
    case Mark::kBars:
      return "boxes fill solid 0.8 noborder";
  }
  return "";
}

/// As page.js: told apart by the dashes too, others where the colours begin anew.
std::size_t dash_type(std::size_t series) {
  constexpr std::size_t kDashTypes = 5;  // as many as gnuplot has for SVG
  return 1 + (series + series / std::size(kPalette)) % kDashTypes;
}

/// Of the characters that XML gives a meaning to.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text::to_valid_xml(text)) {
    if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else if (c == '&') {
      result += "&amp;";
    } else {
      result += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
  }
  return result;
}

std::size_t points_shown(const Figure& figure, const Series& series) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < series.x.size(); ++i) {
    if (!is_gap(figure, series, i)) ++count;
  }
  return count;
}

}  // namespace

void require_gnuplot() { static_cast<void>(run_gnuplot("")); }

std::string to_svg(const Figure& figure) {
  check(figure);
  std::string script =
      "set encoding utf8\n"
      "set terminal svg size 860,560 dynamic font 'sans-serif,15' background '#ffffff'\n"
      "set grid linecolor rgb '#d9dce1'\n"
      "set border 3 linecolor rgb '#5d6066'\n"
      "set tics nomirror\n"
      // The height keeps it away from the label of the axis.
      "set key below Left reverse height 1 noenhanced\n";
  // Bars of one category stand side by side.
  constexpr double kCategory = 0.8;
  const auto bars = std::ranges::count(figure.series, Mark::kBars, &Series::mark);
  const double bar = kCategory / static_cast<double>(std::max<std::ptrdiff_t>(bars, 1));
  double place = (bar - kCategory) / 2;
  script += fmt::format("set boxwidth {}\n", bar);
  script += fmt::format("set title {} noenhanced\n", quoted(figure.title));
  script += axis_commands('x', figure.x) + axis_commands('y', figure.y);
  // Bars begin at 0, as in a page, or the lowest would not be seen.
  if (bars > 0 && !figure.y.low && figure.y.scale == Scale::kLinear)
    script += "set yrange [*<0:]\n";
  if (bars > 0) {
    script += fmt::format("set xrange [-0.5:{}]\n",
                          static_cast<double>(figure.x.categories.size()) - 0.5);
  }
  // Without a point gnuplot finds no range, and draws nothing.
  const bool is_empty = std::ranges::all_of(
      figure.series, [&](const Series& s) { return points_shown(figure, s) == 0; });
  if (is_empty) script += "set xrange [1:10]\nset yrange [1:10]\n";
  std::string plot;
  for (std::size_t s = 0; s < figure.series.size(); ++s) {
    const Series& series = figure.series[s];
    const double shift = series.mark == Mark::kBars ? std::exchange(place, place + bar) : 0;
    script += fmt::format("$series{} << END\n", s);
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      // An empty line ends a line that is drawn.
      script += is_gap(figure, series, i)
                    ? "\n"
                    : fmt::format("{} {}\n", series.x[i] + shift, series.y[i]);
    }
    script += "END\n";
    // A line of a single point would not be seen.
    const bool is_point = series.mark == Mark::kLine && points_shown(figure, series) == 1;
    plot += fmt::format("{}$series{} using 1:2 with {} dashtype {} linecolor rgb '{}' title {}",
                        s == 0 ? "plot " : ", ", s, style(is_point ? Mark::kPoints : series.mark),
                        dash_type(s), kPalette[s % std::size(kPalette)], quoted(series.name));
  }
  std::string svg = replaced(run_gnuplot(script + plot + "\n"), kGreater, "&gt;");
  // On a full disk it may say nothing of what it could not put out.
  if (svg.rfind("</svg>") == std::string::npos) throw Error("gnuplot did not draw to the end");
  // What a screen reader says of the picture.
  constexpr std::string_view kNoTitle = "<title>Gnuplot</title>";
  if (const std::size_t at = svg.find(kNoTitle); at != std::string::npos) {
    svg.replace(at, kNoTitle.size(), "<title>" + escaped(figure.title) + "</title>");
  }
  return svg;
}

}  // namespace riverrun::report
