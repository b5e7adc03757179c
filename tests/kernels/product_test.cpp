// Packed products against sums in double, on every SIMD target of the machine.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/tensor.h"
#include "riverrun/core/threads.h"
#include "riverrun/kernels/cell_kernels.h"
#include "riverrun/kernels/targets.h"

#include "tests/kernels/on_each_target.h"

namespace riverrun::kernels {
namespace {

using test::normal;
using test::same_bits;

struct Case {
  std::int64_t rows, hidden, depth;
  int gates = 1;
  bool few_rows = false;
};

// Rows around the heights of tiles, columns around vectors and panels, depths around their pieces.
std::vector<Case> cases() {
  std::vector<Case> all;
  for (const std::int64_t rows : {1, 2, 5, 6, 7, 8, 9, 11, 13, 17}) {
    for (const std::int64_t hidden : {1, 7, 16, 17, 40, 65}) {
      all.push_back({rows, hidden, 9});
      all.push_back({rows, hidden, 3, 4});
    }
  }
  for (const std::int64_t rows : {1, 4}) {
    for (const int gates : {2, 3, 5, 16}) all.push_back({rows, 37, 20, gates});
  }
  for (const std::int64_t depth : {1, 127, 128, 129, 300, 512, 513, 1000}) {
    all.push_back({8, 70, depth});
  }
  // A single row of weights that fill the second-level cache, and of more.
  all.push_back({1, 70, 300, 4});
  all.push_back({1, 150, 400, 4});
  // And of panels of unequal width, and with pieces of the depth.
  all.push_back({1, 2600, 9});
  all.push_back({1, 700, 5, 4});
  all.push_back({1, 150, 600, 3});
  all.push_back({1100, 33, 40});  // several parts of the rows
  all.push_back({600, 48, 700});  // and of a transposed operand
  for (std::size_t i = 0, count = all.size(); i < count; ++i) {
    all.push_back(all[i]);
    all.back().few_rows = true;
  }
  return all;
}

/// The nearest number of 8 significant bits.
float to_bfloat16(float x) {
  int exponent = 0;
  const double mantissa = std::frexp(x, &exponent);
  return static_cast<float>(std::ldexp(std::nearbyint(std::ldexp(mantissa, 8)), exponent - 8));
}

/// What stands for `w` [columns, depth] in a type, and by how much its weights may differ.
struct Converted {
  Tensor weights;
  std::vector<double> bound;  // of each column: times the weight in bf16
};
Converted converted(const Tensor& w, WeightType type) {
  Converted to{w, {}};
  const std::int64_t depth = w.size(1);
  for (std::int64_t n = 0; n < w.size(0); ++n) {
    float* row = to.weights.data() + n * depth;
    if (type == WeightType::kBFloat16) {
      for (std::int64_t k = 0; k < depth; ++k) row[k] = to_bfloat16(row[k]);
      to.bound.push_back(std::ldexp(1.0, -8));
      continue;
    }
    float largest = 0.0f;
    for (std::int64_t k = 0; k < depth; ++k) largest = std::max(largest, std::abs(row[k]));
    const float scale = largest / 127.0f;
    const float inverse = 1.0f / scale;
    for (std::int64_t k = 0; k < depth; ++k) row[k] = std::nearbyint(row[k] * inverse) * scale;
    to.bound.push_back(0.5001 * static_cast<double>(scale));
  }
  return to;
}

using ProductTest = test::OnEachTarget;

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
    const GateColumns layout{c.hidden, c.gates, c.gates > 1 ? slots.data() : nullptr, c.few_rows};
    Tensor packed = Tensor::uninitialized({packed_size(layout, c.depth)});
    pack(layout, w.data(), 1, c.depth, c.depth, packed.data());

    for (const bool transposed : {false, true}) {
      if (transposed && (c.few_rows || c.gates > 1)) continue;
      for (const bool add : {false, true}) {
        Tensor out = before;
        const Rows<float> to{out.data(), columns};
        if (transposed) {
          // The last row of x ends with its last number.
          const std::array<Term, 1> terms{{{c.hidden, packed.data(), to, add}}};
          transposed_product(c.rows, c.depth, {transposed_x.data() + 3, c.rows + 3}, terms,
                             nullptr);
        } else {
          product(layout, c.rows, c.depth, {x.data(), c.depth}, packed.data(),
                  add ? nullptr : bias.data(), add, to);
        }
        const auto left = [&](std::int64_t row, std::int64_t k) -> double {
          return transposed ? transposed_x.data()[k * (c.rows + 3) + 3 + row]
                            : x.data()[row * c.depth + k];
        };
        double worst = 0.0;
        for (std::int64_t row = 0; row < c.rows; ++row) {
          for (std::int64_t column = 0; column < columns; ++column) {
            const std::int64_t place =
                (c.gates - 1 - column / c.hidden) * c.hidden + column % c.hidden;
            const std::int64_t at = row * columns + place;
            double sum = add ? before.data()[at] : transposed ? 0.0 : bias.data()[place];
            double magnitude = std::abs(sum);
            for (std::int64_t k = 0; k < c.depth; ++k) {
              const double term = left(row, k) * w.data()[column * c.depth + k];
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
                                << (transposed ? " transposed" : "") << (add ? " added" : "")
                                << (c.few_rows ? " few" : "");
      }
    }
  }
}

// A layer's gradients: of its weights from two inputs, and of its bias.
TEST_P(ProductTest, SeveralTermsAndSumsAreThoseOfEachAlone) {
  for (const auto& [rows, depth] :
       {std::pair<std::int64_t, std::int64_t>{1, 1}, {5, 130}, {47, 300}, {600, 129}}) {
    const std::int64_t columns[] = {21, 70};
    const Tensor x = normal({depth, rows}, 1);
    Tensor together[2], alone[2], packed[2];
    std::vector<Term> terms;
    for (std::size_t i = 0; i < 2; ++i) {
      const Tensor w = normal({depth, columns[i]}, 2 + i);
      packed[i] = Tensor::uninitialized({packed_size({columns[i]}, depth)});
      pack({columns[i]}, w.data(), columns[i], 1, depth, packed[i].data());
      together[i] = alone[i] = normal({rows, columns[i]}, 4 + i);
      terms.push_back(
          {columns[i], packed[i].data(), {together[i].data(), columns[i]}, /*add=*/i == 1});
      const std::array<Term, 1> one{
          {{columns[i], packed[i].data(), {alone[i].data(), columns[i]}, /*add=*/i == 1}}};
      transposed_product(rows, depth, {x.data(), rows}, one, nullptr);
    }
    const Tensor before = normal({rows}, 6);
    Tensor sums;
    const int threads_before = num_threads();
    for (const int threads : {1, 3}) {
      set_num_threads(threads);
      const Tensor first_sums = sums;
      sums = before;
      const Tensor start = together[1];
      transposed_product(rows, depth, {x.data(), rows}, terms, sums.data());
      for (std::size_t i = 0; i < 2; ++i) EXPECT_TRUE(same_bits(together[i], alone[i]));
      if (threads > 1) {
        EXPECT_TRUE(same_bits(sums, first_sums));
      }
      std::copy_n(start.data(), start.elements(), together[1].data());
    }
    set_num_threads(threads_before);
    for (std::int64_t row = 0; row < rows; ++row) {
      double sum = before.data()[row];
      for (std::int64_t k = 0; k < depth; ++k) sum += x.data()[k * rows + row];
      EXPECT_NEAR(sums.data()[row], sum, 1e-4);
    }
  }
}

// Whatever lies behind a row, the product is the one of the packed matrix, to the bit.
TEST_P(ProductTest, AMatrixAsItIsGivesTheSameBits) {
  for (const auto& [rows, columns, depth] :
       {std::tuple<std::int64_t, std::int64_t, std::int64_t>{1, 1, 1},
        {1, 200, 300},
        {3, 17, 40},
        {7, 47, 513},
        {9, 64, 40},
        {19, 70, 300},
        {300, 33, 40}}) {
    Tensor wide = normal({depth, columns + 5}, 1);
    Tensor w = Tensor::uninitialized({depth, columns});
    for (std::int64_t k = 0; k < depth; ++k) {
      float* row = wide.data() + k * wide.size(1);
      std::copy_n(row, columns, w.data() + k * columns);
      std::fill_n(row + columns, 5, std::numeric_limits<float>::quiet_NaN());
    }
    const Tensor x = normal({rows, depth}, 2), transposed_x = normal({depth, rows}, 3);
    const Tensor before = normal({rows, columns}, 4);
    const GateColumns layout{columns};
    Tensor packed({packed_size(layout, depth)});
    pack(layout, w.data(), columns, 1, depth, packed.data());
    ASSERT_EQ(right_operand_size(layout, depth), 0);
    Weights of_wide(wide.data());
    of_wide.row_stride = wide.size(1);
    std::vector<Tensor> products, transposed;
    for (const Weights& operand :
         {Weights(packed.data()), right_operand(layout, w.data(), depth, nullptr), of_wide}) {
      products.push_back(before);
      product(layout, rows, depth, {x.data(), depth}, operand, nullptr, /*add=*/true,
              {products.back().data(), columns});
      transposed.push_back(before);
      const std::array<Term, 1> terms{
          {{columns, operand, {transposed.back().data(), columns}, /*add=*/true}}};
      transposed_product(rows, depth, {transposed_x.data(), rows}, terms, nullptr);
    }
    for (const Tensor& out : products) EXPECT_TRUE(same_bits(out, products[0])) << columns;
    for (const Tensor& out : transposed) EXPECT_TRUE(same_bits(out, transposed[0])) << columns;
  }
}

TEST_P(ProductTest, MatricesOfLongRowsArePacked) {
  EXPECT_EQ(right_operand_size({384}, 40), 0);
  EXPECT_EQ(right_operand_size({385}, 40), packed_size({385}, 40));
}

TEST_P(ProductTest, SmallerWeightsAgreeWithSumsInDouble) {
  for (const Case& c : cases()) {
    const std::int64_t columns = c.hidden * c.gates;
    const Tensor w = normal({columns, c.depth}, 1);
    const Tensor x = normal({c.rows, c.depth}, 2);
    const Tensor bias = normal({columns}, 4);
    const Tensor before = normal({c.rows, columns}, 5);
    std::vector<int> slots;
    for (int g = 0; g < c.gates; ++g) slots.push_back(c.gates - 1 - g);
    const GateColumns layout{c.hidden, c.gates, c.gates > 1 ? slots.data() : nullptr, c.few_rows};
    for (const WeightType type : {WeightType::kBFloat16, WeightType::kInt8}) {
      const Converted expected = converted(w, type);
      Tensor packed = Tensor::uninitialized({packed_size(layout, c.depth, type)});
      pack(layout, w.data(), 1, c.depth, c.depth, packed.data(), type);
      for (const bool add : {false, true}) {
        Tensor out = before;
        product(layout, c.rows, c.depth, {x.data(), c.depth}, {packed.data(), type},
                add ? nullptr : bias.data(), add, {out.data(), columns});
        double worst = 0.0;   // against the converted weights
        bool is_near = true;  // to the unconverted ones
        for (std::int64_t row = 0; row < c.rows; ++row) {
          for (std::int64_t column = 0; column < columns; ++column) {
            const std::int64_t place =
                (c.gates - 1 - column / c.hidden) * c.hidden + column % c.hidden;
            const std::int64_t at = row * columns + place;
            double sum = add ? before.data()[at] : bias.data()[place];
            double exact = sum;
            double magnitude = std::abs(sum);
            double bound = 0.0;
            for (std::int64_t k = 0; k < c.depth; ++k) {
              const double number = x.data()[row * c.depth + k];
              const std::int64_t weight = column * c.depth + k;
              sum += number * expected.weights.data()[weight];
              exact += number * w.data()[weight];
              magnitude += std::abs(number * expected.weights.data()[weight]);
              bound += std::abs(number) * expected.bound[static_cast<std::size_t>(column)] *
                       (type == WeightType::kBFloat16 ? std::abs(w.data()[weight]) : 1.0);
            }
            const double error = std::abs(out.data()[at] - sum) / magnitude;
            worst = std::isnan(error) ? INFINITY : std::max(worst, error);
            is_near = is_near && std::abs(out.data()[at] - exact) <= bound + 1e-5 * magnitude;
          }
        }
        const double bound = std::ldexp(5.0 + std::sqrt(static_cast<double>(c.depth)), -24);
        const std::string what = std::string(name(type)) + " " + std::to_string(c.rows) + " x " +
                                 std::to_string(c.depth) + " x " + std::to_string(c.gates) + "·" +
                                 std::to_string(c.hidden) + (add ? " added" : "");
        EXPECT_LE(worst, bound) << what;
        EXPECT_TRUE(is_near) << what;
      }
    }
  }
}

TEST_P(ProductTest, ThreadsAndOtherRowsChangeNoBits) {
  const std::int64_t rows = 301, depth = 333, columns = 130;
  const Tensor w = normal({columns, depth}, 1);
  const Tensor x = normal({rows, depth}, 2);
  const int before = num_threads();
  for (const WeightType type : kWeightTypes) {
    const auto run = [&](std::int64_t count, bool few_rows = false) {
      const GateColumns layout{.hidden = columns, .few_rows = few_rows};
      Tensor packed = Tensor::uninitialized({packed_size(layout, depth, type)});
      pack(layout, w.data(), 1, depth, depth, packed.data(), type);
      Tensor out({rows, columns});
      product(layout, count, depth, {x.data(), depth}, {packed.data(), type}, nullptr, false,
              {out.data(), columns});
      return out;
    };
    set_num_threads(1);
    const Tensor one = run(rows);
    for (const int threads : {2, 3}) {
      set_num_threads(threads);
      const Tensor more = run(rows);
      EXPECT_TRUE(std::equal(one.values().begin(), one.values().end(), more.values().begin()));
    }
    for (const std::int64_t count : {1, 4, 7}) {
      for (const bool few_rows : {false, true}) {
        const Tensor few = run(count, few_rows);
        EXPECT_TRUE(std::equal(few.data(), few.data() + count * columns, one.data())) << count;
      }
    }
  }
  set_num_threads(before);
}

TEST_P(ProductTest, ThreadsThatDivideARowChangeNoBits) {
  // So many operations that each of three threads has some groups.
  constexpr std::int64_t kUnits = 700, kDepth = 800;
  constexpr std::array<int, 4> kSlots = {2, 0, 3, 1};
  const GateColumns layout = GateColumns::units(kUnits, kSlots.size(), kSlots.data());
  const Tensor w = normal({kSlots.size() * kUnits, kDepth}, 1);
  const Tensor x = normal({1, kDepth}, 2);
  const int before = num_threads();
  for (const WeightType type : kWeightTypes) {
    Tensor packed = Tensor::uninitialized({packed_size(layout, kDepth, type)});
    pack(layout, w.data(), 1, kDepth, kDepth, packed.data(), type);
    const auto run = [&](int threads) {
      set_num_threads(threads);
      Tensor out({1, kSlots.size() * kUnits});
      product(layout, 1, kDepth, {x.data(), kDepth}, {packed.data(), type}, nullptr, false,
              {out.data(), out.elements()});
      return out;
    };
    const Tensor one = run(1);
    for (const int threads : {2, 3}) {
      const Tensor more = run(threads);
      EXPECT_TRUE(std::equal(one.values().begin(), one.values().end(), more.values().begin()));
    }
  }
  set_num_threads(before);
}

INSTANTIATE_TEST_SUITE_P(Targets, ProductTest, testing::ValuesIn(simd_targets()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace riverrun::kernels
