#include "riverrun/report/page.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"

namespace riverrun::embedded {  // made by cmake/RiverrunEmbed.cmake
std::string_view chart_js();
std::string_view page_js();
std::string_view page_css();
}  // namespace riverrun::embedded

namespace riverrun::report {
namespace {

using nlohmann::ordered_json;

std::string_view scale_name(Scale scale) {
  switch (scale) {
    case Scale::kLinear:
      return "linear";
    case Scale::kLogarithmic:
      return "logarithmic";
    case Scale::kPowersOfTen:
      return "powers-of-ten";
  }
  return "";
}

std::string_view mark_name(Mark mark) {
  switch (mark) {
    case Mark::kLine:
      return "line";
    case Mark::kPoints:
      return "points";
    case Mark::kBars:
      return "bars";
    case Mark::kBand:
      return "band";
  }
  return "";
}

ordered_json to_json(const Axis& axis) {
  ordered_json json = {{"label", axis.heading()}, {"scale", scale_name(axis.scale)}};
  if (axis.low) json["low"] = *axis.low;
  if (axis.high) json["high"] = *axis.high;
  if (!axis.categories.empty()) json["categories"] = axis.categories;
  return json;
}

/// What page.js draws, in ASCII: no character of a name can be one that HTML forbids. No "<" is
/// left in it, so it cannot end the element it stands in.
std::string to_json(const Figure& figure) {
  ordered_json json = {{"title", figure.title},
                       {"x", to_json(figure.x)},
                       {"y", to_json(figure.y)},
                       {"palette", kPalette},
                       {"series", ordered_json::array()}};
  for (std::size_t s = 0; s < figure.series.size(); ++s) {
    const Series& series = figure.series[s];
    ordered_json points = ordered_json::array();
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      const bool gap = is_gap(figure, series, i);
      const auto shown = [gap](double y) { return gap ? ordered_json() : ordered_json(y); };
      ordered_json point = ordered_json::array({series.x[i], shown(series.y[i])});
      if (series.mark == Mark::kBand) point.push_back(shown(series.upper[i]));
      points.push_back(std::move(point));
    }
    json["series"].push_back({{"name", series.name},
                              {"mark", mark_name(series.mark)},
                              {"style", style_of(figure, s)},
                              {"points", std::move(points)}});
  }
  const std::string text = json.dump(-1, ' ', true, ordered_json::error_handler_t::replace);
  std::string safe;
  for (const char c : text) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
}

std::string cell_text(const Figure& figure, const Series& series, std::size_t i) {
  if (is_gap(figure, series, i)) return "–";
  const auto text = [&](double y) {
    return figure.y.scale == Scale::kPowersOfTen ? power_of_ten(y) : fmt::format("{:.4g}", y);
  };
  if (series.mark != Mark::kBand) return text(series.y[i]);
  return fmt::format("{} to {}", text(series.y[i]), text(series.upper[i]));
}

/// The numbers of a chart, one line for each point of a few.
Table numbers_of(const Figure& figure) {
  constexpr std::size_t kMostLines = 24;
  Table table{.caption = {}, .header = {"", figure.x.heading(), figure.y.heading()}, .rows = {}};
  const Figure few = thinned(figure, kMostLines);
  for (const Series& series : few.series) {
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      const double x = series.x[i];
      table.rows.push_back({series.name,
                            figure.x.categories.empty()
                                ? fmt::format("{:.6g}", x)
                                : figure.x.categories[static_cast<std::size_t>(x)],
                            cell_text(figure, series, i)});
    }
  }
  return table;
}

/// A shade of the palette's blue, on which text can be read in a light and a dark page.
std::string background(const Table& table, std::size_t row, std::size_t column) {
  if (table.shades.size() != table.rows.size() ||
      table.shades[row].size() + 1 != table.rows[row].size()) {
    throw ConfigError("page: a table has not as many shades as cells");
  }
  return fmt::format("background: rgba(0, 114, 178, {:.2f})", 0.55 * table.shades[row][column]);
}

Html to_html(const Table& table) {
  Html head;
  for (const std::string& name : table.header) {
    head += Html::element("th", {{"scope", "col"}}, Html::text(name));
  }
  Html rows;
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    const std::vector<std::string>& row = table.rows[r];
    if (row.size() != table.header.size()) {
      throw ConfigError(
          fmt::format("page: a row has {} cells and the table's header {}; it must "
                      "be as many",
                      row.size(), table.header.size()));
    }
    Html cells;
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (c == 0) {
        cells += Html::element("th", {{"scope", "row"}}, Html::text(row[c]));
      } else if (table.shades.empty()) {
        cells += Html::element("td", row[c]);
      } else {
        cells += Html::element("td", {{"style", background(table, r, c - 1)}}, Html::text(row[c]));
      }
    }
    rows += Html::element("tr", cells);
  }
  Html all;
  if (!table.caption.empty()) all += Html::element("caption", table.caption);
  all += Html::element("thead", Html::element("tr", head));
  all += Html::element("tbody", rows);
  return Html::element("div", {{"class", "wide"}}, Html::element("table", all));
}

/// What is said in place of the picture.
std::string description(const Figure& figure) {
  std::string text = fmt::format("Chart: {}. {} against {}. Curves:", figure.title,
                                 figure.y.heading(), figure.x.heading());
  for (const Series& series : figure.series) text += " " + series.name + ";";
  return text + " their numbers are in the table below.";
}

}  // namespace

void require_charts() {
  if (!embedded::chart_js().empty()) return;
  throw ConfigError(
      "this build has no charts for HTML pages: install Chart.js (Debian's package "
      "libjs-chart.js), "
      "configure and build again; SVG and CSV need no Chart.js");
}

Page::Page(std::string_view title) : title_(title) { require_charts(); }

void Page::heading(std::string_view text) { body_ += Html::element("h2", text); }
void Page::paragraph(std::string_view text) { body_ += Html::element("p", text); }
void Page::table(const Table& table) { body_ += to_html(table); }
void Page::add(const Html& html) { body_ += html; }

void Page::chart(const Figure& figure) {
  check(figure);
  constexpr std::size_t kMostPoints = 400;
  charts_ += fmt::format("<script type=\"application/json\" class=\"figure\">{}</script>\n",
                         to_json(thinned(figure, kMostPoints)));
  const std::string id = fmt::format("chart-{}", chart_count_++);
  Html numbers = Html::element("summary", "The numbers of this chart");
  numbers += to_html(numbers_of(figure));
  Html content = Html::element("figcaption", figure.title);
  content += Html::element(
      "div", {{"class", "chart"}, {"id", id}, {"role", "img"}, {"aria-label", description(figure)}},
      Html());
  content += Html::element("details", numbers);
  body_ += Html::element("figure", content);
}

std::string Page::str() const {
  const std::string title = Html::text(title_).str();
  // Nothing may be loaded, from anywhere.
  return fmt::format(
      "<!DOCTYPE html>\n"
      "<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n"
      "<title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n<h1>{}</h1>\n{}\n"
      "<noscript><p>The charts are drawn by a script, which does not run here; their numbers are "
      "in the tables.</p></noscript>\n</main>\n{}<script>\n{}</script>\n<script>\n{}</script>\n"
      "</body>\n</html>\n",
      title, embedded::page_css(), title, body_.str(), charts_, embedded::chart_js(),
      embedded::page_js());
}

}  // namespace riverrun::report
