#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace riverrun::report {

enum class Scale {
  kLinear,
  kLogarithmic,
  kPowersOfTen,  ///< a value is the decimal logarithm of what is shown, which may be 1e-2000
};

struct Axis {
  std::string label;
  std::string unit = {};  ///< "steps"; may be empty
  Scale scale = Scale::kLinear;
  /// The ends of what is drawn; not set: those of the data.
  std::optional<double> low = {};
  std::optional<double> high = {};
  /// If not empty, the x values are whole numbers from 0 on, and these are their names.
  std::vector<std::string> categories = {};

  /// "lag (steps)"
  [[nodiscard]] std::string heading() const;
};

enum class Mark {
  kLine,
  kPoints,
  kBars,  ///< only over categories; those of several series stand side by side
  /// A filled area between y and Series::upper, behind all else, in the colour of the next series
  /// that is no band: a forecast's, whose median is a line.
  kBand,
};

struct Series {
  std::string name;
  std::vector<double> x;
  std::vector<double> y;  ///< a value that is not finite, or not positive on a log axis, is a gap
  Mark mark = Mark::kLine;
  std::vector<double> upper = {};  ///< of a band, its upper edge, as y is its lower one
};

/// A figure as data; what draws it knows nothing of where it comes from.
struct Figure {
  std::string title;
  Axis x;
  Axis y;
  std::vector<Series> series;
};

/// 10^log10 in three digits, also far outside a double's range: "3.20e-07", "1.00e-2000".
[[nodiscard]] std::string power_of_ten(double log10);

/// Throws ConfigError unless there is a series, each has as many x as y (and upper, if it is a
/// band), all x are finite (and positive on a logarithmic axis, or numbers of categories), and bars
/// have categories.
void check(const Figure& figure);

/// Whether point i of a series cannot be drawn: y, or either edge of a band.
[[nodiscard]] bool is_gap(const Figure& figure, const Series& series, std::size_t i);

/// The figure with at most about `most` points a series, spread evenly as the x axis shows them;
/// the first and the last are kept.
[[nodiscard]] Figure thinned(const Figure& figure, std::size_t most);

/// A field of a CSV file as RFC 4180 has it: in quotes if it has commas, quotes or line ends. What
/// is not UTF-8 becomes U+FFFD.
[[nodiscard]] std::string csv_field(std::string_view text);

/// One line for each point: the series' name, x, y; a gap's y is empty. If there are bands, a
/// fourth column is called "upper", and empty for all that is no band. As RFC 4180, with a line of
/// headings, in UTF-8. Throws as check().
[[nodiscard]] std::string to_csv(const Figure& figure);

/// Drawn by gnuplot, which must be installed (Debian's package gnuplot-nox). Throws IoError if it
/// cannot be started, Error with what it said if it fails, and as check().
[[nodiscard]] std::string to_svg(const Figure& figure);

/// Throws IoError unless gnuplot can be started.
void require_gnuplot();

/// The number of the colour and of the dashes that series number `series` has: those that are no
/// bands count from 0, and a band has that of the next one.
[[nodiscard]] std::size_t style_of(const Figure& figure, std::size_t series);

/// The colours in turn, told apart by the colour-blind too (Okabe & Ito 2008).
inline constexpr const char* kPalette[] = {"#0072b2", "#d55e00", "#009e73",
                                           "#cc79a7", "#e69f00", "#56b4e9"};

}  // namespace riverrun::report
