// Figures as SVG, drawn by gnuplot.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

/// Names of categories, without lines through them, upright if there is room for all of them. Else
/// they are aslant; and of more than a few dozen, which only show how far along a curve is, there
/// are as many as stand side by side. As page.js.
std::string category_commands(char axis, const std::vector<std::string>& names) {
  constexpr std::size_t kCharactersInAxis = 80;
  constexpr std::size_t kMostAslant = 64;
  constexpr std::size_t kAslantInAxis = 40;
  const std::size_t longest = std::ranges::max(names, {}, &std::string::size).size();
  const bool is_crowded = longest * names.size() > kCharactersInAxis;
  const bool is_aslant = is_crowded && names.size() <= kMostAslant;
  std::size_t room = names.size();
  if (is_aslant) {
    room = kAslantInAxis;
  } else if (is_crowded) {
    room = std::max<std::size_t>(kCharactersInAxis / longest, 2);
  }
  const std::size_t step = (names.size() + room - 1) / room;
  std::string script = fmt::format("set grid no{0}tics\nset {0}tics noenhanced {1} (", axis,
                                   is_aslant ? "rotate by 45 right" : "norotate");
  for (std::size_t i = 0; i < names.size(); i += step) {
    script += fmt::format("{}{} {}", i == 0 ? "" : ", ", tic_name(names[i]), i);
  }
  script += ")\n";
  // Left of the axis there is room for a name of some 15 characters; gnuplot makes no more.
  constexpr std::size_t kCharactersInMargin = 15;
  if (is_aslant && longest > kCharactersInMargin) {
    constexpr double kCharacter = 0.0075;  // of the width of the picture
    constexpr double kWidest = 0.3;
    script += fmt::format("set lmargin at screen {}\n",
                          std::min(kCharacter * static_cast<double>(longest), kWidest));
  }
  return script;
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
  return axis.categories.empty() ? script : script + category_commands(name, axis.categories);
}

/// How gnuplot calls all but bands.
std::string_view style_name(Mark mark) {
  switch (mark) {
    case Mark::kLine:
      return "lines linewidth 2";
    case Mark::kPoints:
      return "points pointtype 7 pointsize 0.5";
    case Mark::kBars:
      return "boxes fill solid 0.8 noborder";
    case Mark::kBand:
      break;
  }
  return "";
}

/// As page.js: told apart by the dashes too, others where the colours begin anew.
std::size_t dash_type(std::size_t style) {
  constexpr std::size_t kDashTypes = 5;  // as many as gnuplot has for SVG
  return 1 + (style + style / std::size(kPalette)) % kDashTypes;
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

/// The points as lines of gnuplot's data; an empty one ends a line that is drawn.
std::string data_of(const Figure& figure, const Series& series, double shift) {
  std::string data;
  for (std::size_t i = 0; i < series.x.size(); ++i) {
    if (!is_gap(figure, series, i)) {
      data += fmt::format("{} {}", series.x[i] + shift, series.y[i]);
      if (series.mark == Mark::kBand) data += fmt::format(" {}", series.upper[i]);
    }
    data += '\n';
  }
  return data;
}

/// The command that draws the data. Bands come first, behind all else, and once more without data
/// where their turn is in the legend.
std::string plot_of(const Figure& figure) {
  std::string bands;
  std::string rest;
  for (std::size_t s = 0; s < figure.series.size(); ++s) {
    const Series& series = figure.series[s];
    const std::size_t style = style_of(figure, s);
    const std::string_view colour = kPalette[style % std::size(kPalette)];
    // A line or a band of a single point would not be seen.
    const bool is_single = points_shown(figure, series) == 1;
    std::string drawn;
    if (series.mark == Mark::kBand && is_single) {
      drawn = fmt::format(
          "$series{} using 1:2:(0):($3-$2) with vectors nohead linewidth 8 linecolor rgb '#c7{}'",
          s, colour.substr(1));
    } else if (series.mark == Mark::kBand) {
      const std::string look = fmt::format(
          "filledcurves fill transparent solid 0.22 noborder linecolor rgb '{}'", colour);
      bands += fmt::format("$series{} using 1:2:3 with {} notitle, ", s, look);
      drawn = "NaN with " + look;
    } else {
      const Mark mark = is_single && series.mark == Mark::kLine ? Mark::kPoints : series.mark;
      drawn = fmt::format("$series{} using 1:2 with {} dashtype {} linecolor rgb '{}'", s,
                          style_name(mark), dash_type(style), colour);
    }
    rest += fmt::format("{}{} title {}", s == 0 ? "" : ", ", drawn, quoted(series.name));
  }
  return "plot " + bands + rest + "\n";
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
  for (std::size_t s = 0; s < figure.series.size(); ++s) {
    const Series& series = figure.series[s];
    const double shift = series.mark == Mark::kBars ? std::exchange(place, place + bar) : 0;
    script += fmt::format("$series{} << END\n{}END\n", s, data_of(figure, series, shift));
  }
  std::string svg = replaced(run_gnuplot(script + plot_of(figure)), kGreater, "&gt;");
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
