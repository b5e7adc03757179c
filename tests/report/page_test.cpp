#include "riverrun/report/page.h"

#include <limits>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"

#include "tests/report/sample_figures.h"

namespace riverrun::report {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Html, TextIsNeverMarkup) {
  EXPECT_EQ(Html::text("a < b & \"c\" > d").str(), "a &lt; b &amp; &quot;c&quot; &gt; d");
  EXPECT_EQ(Html::text("\xff").str(), "\xEF\xBF\xBD");
  EXPECT_EQ(Html::text(std::string_view("\0", 1)).str(), "\xEF\xBF\xBD");
  EXPECT_EQ(Html::text("\x1b\t\xEF\xBF\xBF").str(), "\xEF\xBF\xBD\t\xEF\xBF\xBD");
  EXPECT_EQ(Html::element("span", {{"title", "\"><script>"}}, Html::text("<")).str(),
            "<span title=\"&quot;&gt;&lt;script&gt;\">&lt;</span>");
}

TEST(Html, ElementsNest) {
  Html items = Html::element("li", "one");
  items += Html::element("li", "two");
  EXPECT_EQ(Html::element("ul", items).str(), "<ul><li>one</li><li>two</li></ul>");
}

TEST(Html, MakesNothingThatRunsOrLoads) {
  for (const char* tag : {"script", "style", "iframe", "img", "SPAN", "span onclick=x", ""}) {
    EXPECT_THROW(static_cast<void>(Html::element(tag, "x")), std::invalid_argument) << tag;
  }
  for (const char* name : {"onclick", "href", "src", "Class", "class x"}) {
    EXPECT_THROW(static_cast<void>(Html::element("span", {{name, "x"}}, Html())),
                 std::invalid_argument)
        << name;
  }
}

/// Skipped in a build without Chart.js.
class PageTest : public testing::Test {
 protected:
  void SetUp() override {
    try {
      require_charts();
    } catch (const ConfigError& error) {
      GTEST_SKIP() << error.what();
    }
  }
};

TEST_F(PageTest, HoldsWhatWasAddedInOrderAndEscaped) {
  Page page("Title & <more>");
  page.heading("One <h2>");
  page.paragraph("Two </main>");
  page.table({.caption = "Three <caption>", .header = {"", "a<b"}, .rows = {{"row", "<td>"}}});
  page.add(Html::element("p", "Four"));
  const std::string html = page.str();
  EXPECT_THAT(html, HasSubstr("<title>Title &amp; &lt;more&gt;</title>"));
  EXPECT_THAT(html, HasSubstr("<h2>One &lt;h2&gt;</h2><p>Two &lt;/main&gt;</p>"));
  EXPECT_THAT(html, HasSubstr("<caption>Three &lt;caption&gt;</caption>"));
  EXPECT_THAT(html, HasSubstr("<th scope=\"col\">a&lt;b</th>"));
  EXPECT_THAT(html, HasSubstr("<td>&lt;td&gt;</td>"));
  EXPECT_LT(html.find("Three"), html.find("Four"));
}

TEST_F(PageTest, NamesCannotEndTheScriptTheyStandIn) {
  Page page("Report");
  for (const Figure& figure : test::sample_figures()) page.chart(figure);
  const std::string html = page.str();
  EXPECT_THAT(html, Not(HasSubstr("alert(1)</script>")));
  EXPECT_THAT(html, HasSubstr("\\u003c/script>\\u003cscript>alert(1)"));
  EXPECT_THAT(html, HasSubstr("<figcaption>Gradient &lt;b&gt;norm&lt;/b&gt; &amp; lag"));
}

TEST_F(PageTest, ABandHasBothEdgesInTheChartAndInTheTable) {
  constexpr double kGap = std::numeric_limits<double>::quiet_NaN();
  Page page("Report");
  page.chart({.title = "Forecast",
              .x = {.label = "step"},
              .y = {.label = "load"},
              .series = {{.name = "before", .x = {0}, .y = {3}},
                         {.name = "band",
                          .x = {1, 2, 3},
                          .y = {-1.5, kGap, 2},
                          .mark = Mark::kBand,
                          .upper = {4.25, 5, kGap}},
                         {.name = "median", .x = {1}, .y = {1}}}});
  const std::string html = page.str();
  EXPECT_THAT(html, HasSubstr("{\"name\":\"band\",\"mark\":\"band\",\"style\":1,\"points\":"
                              "[[1.0,-1.5,4.25],[2.0,null,null],[3.0,null,null]]}"));
  EXPECT_THAT(html, HasSubstr("{\"name\":\"median\",\"mark\":\"line\",\"style\":1,"));
  EXPECT_THAT(html, HasSubstr("<td>-1.5 to 4.25</td>"));
  EXPECT_THAT(html, HasSubstr("<td>3</td><td>–</td>"));
}

TEST_F(PageTest, NeedsNothingElse) {
  Page page("Report");
  page.chart(test::sample_figures()[0]);
  const std::string html = page.str();
  for (const char* loads : {" src=", "@import", "url(", "<link rel=\"stylesheet\""}) {
    // Up to where Chart.js begins, which is not ours.
    EXPECT_THAT(html.substr(0, html.find("Chart.js")), Not(HasSubstr(loads)));
  }
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
}

TEST_F(PageTest, RefusesARowOfAnotherLength) {
  Page page("Report");
  EXPECT_THROW(page.table({.header = {"", "a"}, .rows = {{"row"}}}), ConfigError);
}

}  // namespace
}  // namespace riverrun::report
