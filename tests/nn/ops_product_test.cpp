#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/threads.h"
#include "riverrun/nn/ops.h"

#include "tests/nn/gradient_check.h"

namespace riverrun {
namespace {

using test::check_gradients;
using test::random_tensor;

TEST(MatMul, IsTheSumOfProducts) {
  Tape tape;
  for (const auto& sizes : std::vector<std::array<std::int64_t, 3>>{
           {1, 1, 1}, {2, 3, 4}, {13, 70, 33}, {64, 5, 400}, {3, 0, 2}, {0, 2, 3}}) {
    const std::int64_t m = sizes[0], k = sizes[1], n = sizes[2];
    SCOPED_TRACE(std::to_string(m) + " " + std::to_string(k) + " " + std::to_string(n));
    const Tensor a = random_tensor({2, m, k}, 1);
    const Tensor b = random_tensor({2, k, n}, 2);
    const Tensor& all = matmul(tape.input(a), tape.input(b)).value();
    EXPECT_EQ(all.shape(), (Shape{2, m, n}));
    const Tensor& shared = matmul(tape.input(a), select(tape.input(b), 0, 1)).value();
    const auto expected = [&](std::int64_t of_a, std::int64_t of_b, std::int64_t i,
                              std::int64_t j) {
      double sum = 0.0;
      for (std::int64_t l = 0; l < k; ++l) {
        sum += static_cast<double>(a.data()[(of_a * m + i) * k + l]) *
               b.data()[(of_b * k + l) * n + j];
      }
      return sum;
    };
    for (std::int64_t p = 0; p < 2; ++p) {
      for (std::int64_t i = 0; i < m; ++i) {
        for (std::int64_t j = 0; j < n; ++j) {
          const std::int64_t at = (p * m + i) * n + j;
          ASSERT_NEAR(all.data()[at], expected(p, p, i, j), 1e-4);
          ASSERT_NEAR(shared.data()[at], expected(p, 1, i, j), 1e-4);
        }
      }
    }
  }
}

TEST(MatMul, HasGradients) {
  const auto product = [](Tape&, const auto& in) { return matmul(in[0], in[1]); };
  check_gradients(product, {random_tensor({3, 4}, 1), random_tensor({4, 5}, 2)});
  check_gradients(product, {random_tensor({2, 3, 4}, 1), random_tensor({4, 5}, 2)});
  check_gradients(product, {random_tensor({2, 3, 4}, 1), random_tensor({2, 4, 5}, 2)});
  check_gradients(product, {random_tensor({2, 2, 3, 4}, 1), random_tensor({2, 2, 4, 20}, 2)});
  check_gradients([](Tape&, const auto& in) { return matmul(in[0], transpose(in[0], 1, 2)); },
                  {random_tensor({2, 3, 4}, 1)});
}

TEST(MatMul, RefusesWhatDoesNotFit) {
  Tape tape;
  Tape other;
  const auto in = [&](const Shape& shape) { return tape.input(Tensor(shape)); };
  EXPECT_THROW(matmul(in({2, 3}), in({2, 3})), ShapeError);
  EXPECT_THROW(matmul(in({3}), in({3, 2})), ShapeError);
  EXPECT_THROW(matmul(in({2, 2, 3}), in({3, 3, 2})), ShapeError);
  EXPECT_THROW(matmul(in({2, 3}), in({2, 3, 2})), ShapeError);
  EXPECT_THROW(matmul(in({2, 3}), other.input(Tensor(Shape{3, 2}))), Error);
}

// As torch.nn.functional.conv1d defines it, but for the order of the dimensions.
Tensor convolve(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv1dOptions& o) {
  const std::int64_t steps = x.size(0), batch = x.size(1), in = x.size(2);
  const std::int64_t out = w.size(0), kernel = w.size(2);
  const std::int64_t length =
      (steps + 2 * o.padding - o.dilation * (kernel - 1) - 1) / o.stride + 1;
  Tensor y({length, batch, out});
  for (std::int64_t t = 0; t < length; ++t) {
    for (std::int64_t b = 0; b < batch; ++b) {
      for (std::int64_t c = 0; c < out; ++c) {
        double sum = bias.data()[c];
        for (std::int64_t k = 0; k < kernel; ++k) {
          const std::int64_t from = t * o.stride + k * o.dilation - o.padding;
          if (from < 0 || from >= steps) continue;
          for (std::int64_t i = 0; i < in; ++i) {
            sum += static_cast<double>(x.data()[(from * batch + b) * in + i]) *
                   w.data()[(c * in + i) * kernel + k];
          }
        }
        y.data()[(t * batch + b) * out + c] = static_cast<float>(sum);
      }
    }
  }
  return y;
}

struct Case {
  std::int64_t steps;
  std::int64_t kernel;
  Conv1dOptions options;
};
const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {7, 1, {}},
      {7, 3, {}},
      {7, 7, {}},
      {7, 3, {.padding = 1}},
      {5, 3, {.padding = 4}},
      {2, 5, {.padding = 2}},
      {8, 3, {.stride = 2, .padding = 1}},
      {9, 4, {.stride = 3}},
      {9, 3, {.padding = 2, .dilation = 2}},
      {11, 3, {.stride = 2, .padding = 5, .dilation = 3}},
      {3, 2, {.stride = 5, .padding = 9, .dilation = 2}},
  };
  return all;
}

TEST(Conv1d, IsPyTorchs) {
  for (std::size_t i = 0; i < cases().size(); ++i) {
    SCOPED_TRACE(i);
    const auto& [steps, kernel, options] = cases()[i];
    const Tensor x = random_tensor({steps, 2, 3}, 1);
    const Tensor w = random_tensor({4, 3, kernel}, 2);
    const Tensor bias = random_tensor({4}, 3);
    Tape tape;
    const Tensor expected = convolve(x, w, bias, options);
    const Tensor& y = conv1d(tape.input(x), tape.input(w), tape.input(bias), options).value();
    ASSERT_EQ(y.shape(), expected.shape());
    for (std::size_t k = 0; k < y.values().size(); ++k) {
      ASSERT_NEAR(y.values()[k], expected.values()[k], 1e-5);
    }
  }
}

TEST(Conv1d, HasGradients) {
  for (std::size_t i = 0; i < cases().size(); ++i) {
    SCOPED_TRACE(i);
    const Case& c = cases()[i];
    check_gradients([&](Tape&, const auto& in) { return conv1d(in[0], in[1], in[2], c.options); },
                    {random_tensor({c.steps, 2, 3}, 1), random_tensor({4, 3, c.kernel}, 2),
                     random_tensor({4}, 3)});
  }
  // Of the input alone, and without a bias.
  check_gradients(
      [](Tape& t, const auto& in) {
        return conv1d(in[0], t.input(random_tensor({2, 3, 2}, 2)));
      },
      {random_tensor({4, 1, 3}, 1)});
}

TEST(Conv1d, RefusesWhatDoesNotFit) {
  Tape tape;
  const Var x = tape.input(Tensor(Shape{4, 2, 3}));
  const Var w = tape.input(Tensor(Shape{5, 3, 2}));
  EXPECT_THROW(conv1d(x, tape.input(Tensor(Shape{5, 2, 2}))), ShapeError);
  EXPECT_THROW(conv1d(x, tape.input(Tensor(Shape{5, 3, 5}))), ShapeError);
  EXPECT_THROW(conv1d(x, tape.input(Tensor(Shape{5, 3, 0}))), ShapeError);
  EXPECT_THROW(conv1d(x, w, {}, {.dilation = 4}), ShapeError);
  EXPECT_THROW(conv1d(x, w, {}, {.dilation = std::int64_t{1} << 30}), ShapeError);
  EXPECT_THROW(conv1d(x, w, {}, {.dilation = std::int64_t{1} << 62}), ConfigError);
  EXPECT_THROW(conv1d(x, w, {}, {.padding = std::int64_t{1} << 62}), ConfigError);
  EXPECT_THROW(conv1d(x, tape.input(Tensor(Shape{0, 3, 1}))), ShapeError);
  EXPECT_THROW(conv1d(tape.input(Tensor(Shape{4, 2, 0})), tape.input(Tensor(Shape{3, 0, 1}))),
               ShapeError);
  EXPECT_EQ(conv1d(tape.input(Tensor(Shape{4, 0, 3})), w).shape(), (Shape{3, 0, 5}));
  EXPECT_THROW(conv1d(x, w, tape.input(Tensor(Shape{4}))), ShapeError);
  EXPECT_THROW(conv1d(tape.input(Tensor(Shape{4, 3})), w), ShapeError);
  EXPECT_THROW(conv1d(x, w, {}, {.stride = 0}), ConfigError);
  EXPECT_THROW(conv1d(x, w, {}, {.padding = -1}), ConfigError);
  EXPECT_THROW(conv1d(x, w, {}, {.dilation = 0}), ConfigError);
}

TEST(OpsProduct, TheNumberOfThreadsChangesNoBits) {
  const int threads = num_threads();
  const auto results = [] {
    Tape tape;
    const Var x = tape.input(random_tensor({60, 8, 40}, 1), true);
    const Var w = tape.input(random_tensor({40, 40, 3}, 2), true);
    const Var y = conv1d(x, w, {}, {.stride = 2});
    const Var z = matmul(y, transpose(y, 1, 2));
    tape.backward(sum(multiply(z, z)));
    std::vector<float> all(x.grad().values().begin(), x.grad().values().end());
    all.insert(all.end(), w.grad().values().begin(), w.grad().values().end());
    return all;
  };
  set_num_threads(1);
  const std::vector<float> alone = results();
  set_num_threads(3);
  EXPECT_EQ(results(), alone);
  set_num_threads(threads);
}

}  // namespace
}  // namespace riverrun
