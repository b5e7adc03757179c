// Packed products against sums in double, on every SIMD target of the machine.
#include <cmath>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/random.h"
#include "riverrun/core/tensor.h"
#include "riverrun/core/threads.h"
#include "riverrun/kernels/cell_kernels.h"
#include "riverrun/kernels/targets.h"

namespace riverrun::kernels {
namespace {

struct Case {
  std::int64_t rows, hidden, depth;
  int gates = 1;
};

Tensor normal(const Shape& shape, std::uint64_t stream) {
  Tensor tensor = Tensor::uninitialized(shape);
  Random(/*seed=*/7, stream).fill_normal(tensor.values(), 0.0f, 1.0f);
  return tensor;
}

// Rows around the heights of tiles, columns around vectors and panels, depths around their pieces.
std::vector<Case> cases() {
  std::vector<Case> all;
  for (const std::int64_t rows : {1, 2, 5, 6, 7, 11, 13}) {
    for (const std::int64_t hidden : {1, 7, 16, 17, 40, 65}) {
      all.push_back({rows, hidden, 9});
      all.push_back({rows, hidden, 3, 4});
    }
  }
  for (const int gates : {2, 3, 5, 16}) all.push_back({4, 37, 20, gates});
  for (const std::int64_t depth : {1, 127, 128, 129, 300, 1000}) all.push_back({8, 70, depth});
  all.push_back({1100, 33, 40});  // several parts of the rows
  all.push_back({600, 48, 700});  // and of a transposed operand
  return all;
}

class ProductTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { force_simd_target(GetParam()); }
  void TearDown() override { force_simd_target(""); }
};

TEST_P(ProductTest, AgreesWithSumsInDouble) {
  for (const Case& c : cases()) {
    const std::int64_t columns = c.hidden * c.gates;
    const Tensor w = normal({columns, c.depth}, 1);  // as PyTorch's weights: [columns, depth]
    const Tensor x = normal({c.rows, c.depth}, 2);
    const Tensor transposed_x = normal({c.depth, c.rows + 3}, 3);
    const Tensor bias = normal({columns}, 4);
    const Tensor before = normal({c.rows, columns}, 5);
    // The gates' results go to the places in reverse.
    std::vector<int> slots;
    for (int g = 0; g < c.gates; ++g) slots.push_back(c.gates - 1 - g);
    const GateColumns layout{c.hidden, c.gates, c.gates > 1 ? slots.data() : nullptr};
    Tensor packed = Tensor::uninitialized({packed_size(layout, c.depth)});
    pack(layout, w.data(), 1, c.depth, c.depth, packed.data());

    for (const bool transposed : {false, true}) {
      for (const bool add : {false, true}) {
        const Operand operand = transposed ? Operand(transposed_x.data(), c.rows + 3, true)
                                           : Operand(x.data(), c.depth);
        Tensor out = before;
        product(layout, c.rows, c.depth, operand, packed.data(), add ? nullptr : bias.data(), add,
                {out.data(), columns});
        double worst = 0.0;
        for (std::int64_t row = 0; row < c.rows; ++row) {
          for (std::int64_t column = 0; column < columns; ++column) {
            const std::int64_t place =
                (c.gates - 1 - column / c.hidden) * c.hidden + column % c.hidden;
            const std::int64_t at = row * columns + place;
            double sum = add ? before.data()[at] : bias.data()[place];
            double magnitude = std::abs(sum);
            for (std::int64_t k = 0; k < c.depth; ++k) {
              const double term =
                  static_cast<double>(*operand.from(row, k).data) * w.data()[column * c.depth + k];
              sum += term;
              magnitude += std::abs(term);
            }
            const double error = std::abs(out.data()[at] - sum) / magnitude;
            worst = std::isnan(error) ? INFINITY : std::max(worst, error);
          }
        }
        // Roundings of half a unit of the last place that go this way and that.
        const double bound = std::ldexp(4.0 + std::sqrt(static_cast<double>(c.depth)), -24);
        EXPECT_LE(worst, bound) << c.rows << " x " << c.depth << " x " << c.gates << "·" << c.hidden
                                << (transposed ? " transposed" : "") << (add ? " added" : "");
      }
    }
  }
}

TEST_P(ProductTest, PacksAMatrixOfEitherOrderAlike) {
  const GateColumns layout{37};
  const Tensor rows = normal({37, 29}, 6);  // [columns, depth]
  Tensor columns = Tensor::uninitialized({29, 37});
  for (std::int64_t i = 0; i < 37; ++i) {
    for (std::int64_t k = 0; k < 29; ++k) columns.data()[k * 37 + i] = rows.data()[i * 29 + k];
  }
  Tensor a({packed_size(layout, 29)});
  Tensor b({packed_size(layout, 29)});
  pack(layout, rows.data(), 1, 29, 29, a.data());
  pack(layout, columns.data(), 37, 1, 29, b.data());
  EXPECT_TRUE(std::equal(a.values().begin(), a.values().end(), b.values().begin()));
}

TEST_P(ProductTest, ThreadsAndOtherRowsChangeNoBits) {
  const std::int64_t rows = 301, depth = 333, columns = 130;
  const Tensor w = normal({columns, depth}, 1);
  const Tensor x = normal({rows, depth}, 2);
  Tensor packed = Tensor::uninitialized({packed_size({columns}, depth)});
  pack({columns}, w.data(), 1, depth, depth, packed.data());
  const auto run = [&](std::int64_t count) {
    Tensor out({rows, columns});
    product({columns}, count, depth, {x.data(), depth}, packed.data(), nullptr, false,
            {out.data(), columns});
    return out;
  };
  const int before = num_threads();
  set_num_threads(1);
  const Tensor one = run(rows);
  for (const int threads : {2, 3}) {
    set_num_threads(threads);
    const Tensor more = run(rows);
    EXPECT_TRUE(std::equal(one.values().begin(), one.values().end(), more.values().begin()));
  }
  for (const std::int64_t count : {1, 4, 7}) {
    const Tensor few = run(count);
    EXPECT_TRUE(std::equal(few.data(), few.data() + count * columns, one.data())) << count;
  }
  set_num_threads(before);
}

INSTANTIATE_TEST_SUITE_P(Targets, ProductTest, testing::ValuesIn(simd_targets()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace riverrun::kernels
