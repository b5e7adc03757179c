#pragma once

#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/report/figure.h"

namespace riverrun::test {

/// Whether gnuplot is there; if not, says that a test is skipped.
class NeedsGnuplot : public testing::Test {
 protected:
  void SetUp() override {
    try {
      report::require_gnuplot();
    } catch (const IoError& error) {
      GTEST_SKIP() << error.what();
    }
  }
};

}  // namespace riverrun::test
