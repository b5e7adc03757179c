#include "riverrun/report/html.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>

#include "riverrun/data/text/utf8.h"

namespace riverrun::report {
namespace {

constexpr std::string_view kTags[] = {
    "caption",    "code",   "dd",      "details", "div",    "dl",  "dt",   "em",
    "figcaption", "figure", "h1",      "h2",      "h3",     "li",  "mark", "ol",
    "p",          "pre",    "section", "span",    "strong", "sub", "sup",  "summary",
    "table",      "tbody",  "td",      "th",      "thead",  "tr",  "ul"};
constexpr std::string_view kAttributes[] = {"aria-label", "class", "colspan", "id",   "lang",
                                            "role",       "scope", "style",   "title"};

void require(const auto& known, std::string_view name, const char* what) {
  if (std::find(std::begin(known), std::end(known), name) != std::end(known)) return;
  throw std::invalid_argument(std::string("Html: no ") + what + " \"" + std::string(name) +
                              "\" can be made");
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text::to_valid_xml(text)) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

}  // namespace

Html Html::text(std::string_view text) {
  Html html;
  html.markup_ = escaped(text);
  return html;
}

Html Html::element(std::string_view tag, Attributes attributes, const Html& content) {
  require(kTags, tag, "element");
  Html html;
  html.markup_ = "<" + std::string(tag);
  for (const auto& [name, value] : attributes) {
    require(kAttributes, name, "attribute");
    html.markup_ += " " + std::string(name) + "=\"" + escaped(value) + '"';
  }
  html.markup_ += ">" + content.markup_ + "</" + std::string(tag) + ">";
  return html;
}

Html& Html::operator+=(const Html& next) {
  markup_ += next.markup_;
  return *this;
}

}  // namespace riverrun::report
