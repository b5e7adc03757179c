// Parameters in memory of somebody else are used where they are, and nothing beside them is read.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "riverrun/nn/cells.h"
#include "riverrun/nn/linear.h"
#include "riverrun/nn/loss.h"
#include "riverrun/nn/optimizer.h"
#include "riverrun/nn/recurrent.h"

#include "tests/nn/expect_near.h"
#include "tests/nn/gradient_check.h"

namespace riverrun {
namespace {

using test::random_tensor;

/// Floats that end where a page begins that nobody may touch.
class BeforeAGuard {
 public:
  explicit BeforeAGuard(std::int64_t floats) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t bytes = static_cast<std::size_t>(floats) * sizeof(float);
    const std::size_t before = (bytes + page - 1) / page * page;
    size_ = before + page;
    memory_ = static_cast<char*>(
        mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(memory_ + before, page, PROT_NONE);
    data_ = reinterpret_cast<float*>(memory_ + before - bytes);
  }
  BeforeAGuard(const BeforeAGuard&) = delete;
  BeforeAGuard& operator=(const BeforeAGuard&) = delete;
  ~BeforeAGuard() { munmap(memory_, size_); }

  [[nodiscard]] float* data() const { return data_; }

 private:
  char* memory_ = nullptr;
  std::size_t size_ = 0;
  float* data_ = nullptr;
};

/// Its value, before a guard.
void lend_guarded(Parameter& parameter) {
  const auto lender = std::make_shared<BeforeAGuard>(parameter.value().elements());
  std::ranges::copy(parameter.value().values(), lender->data());
  parameter.set_value(Tensor::borrow(parameter.value().shape(), lender->data(), lender));
}

/// A network of sizes that fill no vector, with a step of training behind it.
struct Trained {
  Trained(const CellDescriptor& cell, RecurrentOptions options, std::int64_t batch, bool guarded)
      : net(cell, options),
        head({.in_features = options.proj_size > 0 ? options.proj_size : options.hidden_size,
              .out_features = 5}) {
    if (guarded) {
      for (const NamedParameter& entry : parameters()) lend_guarded(*entry.parameter);
    }
    Tensor x = random_tensor({7, batch, options.input_size});
    const auto lender = std::make_shared<BeforeAGuard>(x.elements());
    std::ranges::copy(x.values(), lender->data());
    if (guarded) x = Tensor::borrow(x.shape(), lender->data(), lender);
    const std::vector<std::int32_t> targets(static_cast<std::size_t>(7 * batch), 3);

    output = net.forward(x).output;
    for (const WeightType type : {WeightType::kBFloat16, WeightType::kInt8}) {
      net.set_inference_weights(type);
      smaller.push_back(net.forward(x).output);
    }
    Stream stream = net.stream(batch);
    Tensor step({batch, output.size(2)});
    stream.step(x.values().first(static_cast<std::size_t>(batch * options.input_size)),
                step.values());
    Tape tape;
    const Var read = tape.input(std::move(x), true);
    const Var h = net.forward(tape, read).output;
    tape.backward(linear_cross_entropy(head, tape, h, targets));
    grad_input = read.grad();
    Adam(parameters()).step();
  }

  [[nodiscard]] ParameterList parameters() {
    return prefixed("rnn", net.parameters()) + prefixed("head", head.parameters());
  }

  Recurrent net;
  Linear head;
  Tensor output;
  std::vector<Tensor> smaller;
  Tensor grad_input;
};

TEST(BorrowedParameters, AreUsedAndTrainedAsAnyOthersAndReadToTheirEnd) {
  for (const std::string& name : cell_names()) {
    for (const std::int64_t batch : {1, 5, 13}) {
      SCOPED_TRACE(name + ", batch " + std::to_string(batch));
      const CellDescriptor& cell = find_cell(name);
      const RecurrentOptions options{.input_size = 3,
                                     .hidden_size = 13,
                                     .num_layers = 2,
                                     .proj_size = cell.allows_projection() ? 6 : 0};
      Trained own(cell, options, batch, /*guarded=*/false);
      Trained guarded(cell, options, batch, /*guarded=*/true);
      test::expect_near(own.output, guarded.output, 0.0f);
      for (std::size_t i = 0; i < own.smaller.size(); ++i) {
        test::expect_near(own.smaller[i], guarded.smaller[i], 0.0f);
      }
      test::expect_near(own.grad_input, guarded.grad_input, 0.0f);
      const ParameterList expected = own.parameters(), found = guarded.parameters();
      for (std::size_t i = 0; i < expected.size(); ++i) {
        SCOPED_TRACE(expected[i].name);
        EXPECT_TRUE(found[i].parameter->value().is_borrowed());
        test::expect_near(expected[i].parameter->value(), found[i].parameter->value(), 0.0f);
      }
    }
  }
}

TEST(BorrowedParameters, AreWrittenToWhereTheyAre) {
  Linear linear({.in_features = 2, .out_features = 2, .bias = false});
  std::vector<float> memory(4, 1.0f);
  Parameter& weight = *linear.parameters().front().parameter;
  weight.set_value(Tensor::borrow({2, 2}, memory.data()));
  weight.set_value(Tensor({2, 2}, {1, 2, 3, 4}));
  EXPECT_EQ(memory, (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(linear.forward(Tensor({1, 2}, {1, 0})).values()[1], 3);

  memory[2] = 30;  // by its owner, who says so:
  static_cast<void>(weight.mutable_value());
  EXPECT_EQ(linear.forward(Tensor({1, 2}, {1, 0})).values()[1], 30);

  std::vector<float> other(4, 7.0f);
  weight.set_value(Tensor::borrow({2, 2}, other.data()));
  EXPECT_EQ(memory, (std::vector<float>{1, 2, 30, 4}));
  EXPECT_EQ(weight.value().data(), other.data());
}

TEST(BorrowedParameters, AreOwnedByAClone) {
  std::vector<float> memory(4, 1.0f);
  Linear linear({.in_features = 2, .out_features = 2, .bias = false});
  linear.parameters().front().parameter->set_value(Tensor::borrow({2, 2}, memory.data()));
  const Linear clone = linear.clone();
  memory[0] = 5;
  EXPECT_FALSE(clone.weight().value().is_borrowed());
  EXPECT_EQ(clone.weight().value().values()[0], 1);
}

TEST(Tape, CopiesABorrowedInputSoThatItMayGo) {
  Tape tape;
  Var x;
  {
    std::vector<float> memory(3, 2.0f);
    x = tape.input(Tensor::borrow({3}, memory.data()));
  }
  EXPECT_FALSE(x.value().is_borrowed());
  EXPECT_EQ(x.value().values()[2], 2);
}

}  // namespace
}  // namespace riverrun
