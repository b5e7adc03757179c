// Writes a page with a chart of each kind to standard output, for browser.sh.
#include <cstdio>
#include <exception>

#include "riverrun/report/page.h"

#include "tests/report/sample_figures.h"

int main() {
  using namespace riverrun;
  try {
    report::Page page("A page with a chart of each kind");
    page.paragraph("An unbroken word: " + std::string(300, 'x'));
    page.table({.caption = "A table that is wider than a phone",
                .header = {"", "a long heading", "another long heading", "a third long heading",
                           "a fourth long heading"},
                .rows = {{"row", "1", "2", "3", "4"}, {"row", "10", "20", "30", "40"}}});
    for (const report::Figure& figure : test::sample_figures()) page.chart(figure);
    std::fputs(page.str().c_str(), stdout);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 77;  // a build without charts: skipped
  }
}
