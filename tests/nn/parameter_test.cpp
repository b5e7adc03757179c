#include "riverrun/nn/parameter.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/nn/embedding.h"
#include "riverrun/nn/linear.h"
#include "riverrun/nn/loss.h"
#include "riverrun/nn/recurrent.h"
#include "riverrun/nn/recurrent_cell.h"

#include "tests/nn/gradient_check.h"

namespace riverrun {
namespace {

using test::random_tensor;
using ::testing::ElementsAre;

// A copy would be another parameter, or share its version with one of another value.
static_assert(!std::is_copy_constructible_v<Parameter> && !std::is_copy_assignable_v<Parameter>);
static_assert(!std::is_move_constructible_v<Parameter> && !std::is_move_assignable_v<Parameter>);
// A copy of a layer would share its parameters without a word: clone() says what is meant.
template <class Layer>
constexpr bool kMovesAndDoesNotCopy =
    std::is_nothrow_move_constructible_v<Layer> && !std::is_copy_constructible_v<Layer> &&
    !std::is_copy_assignable_v<Layer>;
static_assert(kMovesAndDoesNotCopy<Linear> && kMovesAndDoesNotCopy<Embedding> &&
              kMovesAndDoesNotCopy<Recurrent> && kMovesAndDoesNotCopy<LSTM> &&
              kMovesAndDoesNotCopy<LSTMCell>);
// A const layer does not give its parameters for changing.
static_assert(
    std::is_same_v<decltype(std::declval<const Linear&>().parameters()), ConstParameterList>);

std::vector<std::string> names(const ConstParameterList& list) {
  std::vector<std::string> result;
  for (const NamedConstParameter& entry : list) result.push_back(entry.name);
  return result;
}

TEST(Parameter, HasAVersionThatNoOtherHas) {
  Parameter a(Shape{2});
  Parameter b(Shape{2});
  EXPECT_NE(a.version(), b.version());
  static_cast<void>(a.mutable_value());
  static_cast<void>(b.mutable_value());
  EXPECT_NE(a.version(), b.version());
  EXPECT_NE(a.clone()->version(), a.version());
}

TEST(Parameter, TakesOnAValueOfItsShapeOnly) {
  Parameter a(Shape{2});
  const std::uint64_t version = a.version();
  EXPECT_THROW(a.set_value(Tensor(Shape{1, 2})), ShapeError);
  EXPECT_THROW(a.set_value(Tensor()), ShapeError);
  EXPECT_EQ(a.version(), version);
  a.set_value(Tensor({2}, {1.0f, 2.0f}));
  EXPECT_THAT(a.value().values(), ElementsAre(1.0f, 2.0f));
  EXPECT_NE(a.version(), version);
}

TEST(Parameter, MayBeAScalar) {
  Parameter scalar{Shape{}};
  scalar.mutable_grad().fill(3.0f);
  scalar.zero_grad();
  EXPECT_TRUE(scalar.grad().empty());
  scalar.mutable_grad().values()[0] += 1.0f;
  EXPECT_EQ(scalar.grad().values()[0], 1.0f);
  const std::array<std::int32_t, 1> row{0};
  EXPECT_THROW(static_cast<void>(scalar.mutable_grad_rows(row)), ShapeError);
}

TEST(Parameter, RefusesAGradientOfARowThatItLacks) {
  Parameter weight(Shape{4, 2});
  for (const std::int32_t row : {-1, 4}) {
    EXPECT_THROW(static_cast<void>(weight.mutable_grad_rows(std::array{row})), ShapeError) << row;
  }
  EXPECT_TRUE(weight.grad().empty());
}

TEST(ParameterList, ListsAreAddedAndReadOnly) {
  Linear a({.in_features = 2, .out_features = 3});
  const Linear b({.in_features = 3, .out_features = 1, .bias = false});
  const ConstParameterList all = prefixed("a", a.parameters()) + prefixed("b", b.parameters());
  EXPECT_THAT(names(all), ElementsAre("a.weight", "a.bias", "b.weight"));
  ParameterList list = a.parameters();
  list += a.parameters();
  EXPECT_EQ(list.size(), 4U);
  EXPECT_THAT(names(distinct(list)), ElementsAre("weight", "bias"));
}

TEST(Clone, ComputesTheSameAndHasParametersOfItsOwn) {
  Linear linear({.in_features = 3, .out_features = 2, .seed = 1});
  Embedding embedding({.num_embeddings = 4, .embedding_dim = 3, .seed = 2});
  LSTM lstm({.input_size = 3, .hidden_size = 4, .num_layers = 2, .bidirectional = true});
  GRUCell cell({.input_size = 3, .hidden_size = 2, .seed = 3});
  const Linear linear_clone = linear.clone();
  const Embedding embedding_clone = embedding.clone();
  const LSTM lstm_clone = lstm.clone();
  const GRUCell cell_clone = cell.clone();
  const Tensor x = random_tensor({2, 1, 3}, 4);
  const Tensor row = random_tensor({2, 3}, 5);
  const std::vector<std::int32_t> tokens{3, 0};
  const auto results = [&](const Linear& l, const Embedding& e, const LSTM& r, const GRUCell& c) {
    std::vector<float> all;
    for (const Tensor& tensor : {l.forward(x), e.forward(tokens, Shape{2}), r.forward(x).output,
                                 c.forward(row).tensors[0]}) {
      all.insert(all.end(), tensor.values().begin(), tensor.values().end());
    }
    return all;
  };
  const std::vector<float> before = results(linear, embedding, lstm, cell);
  EXPECT_EQ(results(linear_clone, embedding_clone, lstm_clone, cell_clone), before);
  for (const NamedParameter& entry :
       linear.parameters() + embedding.parameters() + lstm.parameters() + cell.parameters()) {
    entry.parameter->mutable_value().fill(0.25f);
  }
  EXPECT_NE(results(linear, embedding, lstm, cell), before);
  EXPECT_EQ(results(linear_clone, embedding_clone, lstm_clone, cell_clone), before);
}

// Networks trained in step have changed as often: the count alone would not tell them apart.
TEST(Parameter, CopiedBetweenNetworksTrainedInStepIsPackedAnew) {
  Linear a({.in_features = 3, .out_features = 2, .seed = 1});
  Linear b({.in_features = 3, .out_features = 2, .seed = 2});
  LSTM p({.input_size = 3, .hidden_size = 4, .seed = 1});
  LSTM q({.input_size = 3, .hidden_size = 4, .seed = 2});
  const Tensor x = random_tensor({2, 1, 3}, 4);
  const auto linear = [&](const Linear& net) { return net.forward(x); };
  const auto lstm = [&](const LSTM& net) { return net.forward(x).output; };
  const auto equal = [](const Tensor& one, const Tensor& other) {
    return std::ranges::equal(one.values(), other.values());
  };
  EXPECT_FALSE(equal(linear(a), linear(b)));
  EXPECT_FALSE(equal(lstm(p), lstm(q)));
  const ParameterList to = a.parameters() + p.parameters();
  const ParameterList from = b.parameters() + q.parameters();
  for (std::size_t i = 0; i < to.size(); ++i) {
    to[i].parameter->set_value(from[i].parameter->value());
  }
  EXPECT_TRUE(equal(linear(a), linear(b)));
  EXPECT_TRUE(equal(lstm(p), lstm(q)));
}

TEST(Layers, MayBeMovedOrGoBeforeTheBackwardPass) {
  const Tensor x = random_tensor({3, 2, 4}, 1);
  const std::vector<std::int32_t> tokens{0, 4, 2, 2, 1, 0};
  const auto gradients = [&](bool move, bool destroy) {
    auto embedding = std::make_unique<Embedding>(
        EmbeddingOptions{.num_embeddings = 5, .embedding_dim = 4, .seed = 1});
    auto lstm = std::make_unique<LSTM>(RecurrentOptions{.input_size = 4, .hidden_size = 4});
    auto linear = std::make_unique<Linear>(LinearOptions{.in_features = 4, .out_features = 4});
    auto decoder = std::make_unique<Linear>(LinearOptions{.in_features = 4, .out_features = 5});
    const ParameterList parameters =
        embedding->parameters() + lstm->parameters() + linear->parameters() + decoder->parameters();
    Tape tape;
    Var y = embedding->forward(tape, tokens, {3, 2});
    y = linear->forward(tape, lstm->forward(tape, y).output);
    const Var loss = linear_cross_entropy(*decoder, tape, y, tokens);
    if (move) {
      embedding = std::make_unique<Embedding>(std::move(*embedding));
      lstm = std::make_unique<LSTM>(std::move(*lstm));
      linear = std::make_unique<Linear>(std::move(*linear));
      decoder = std::make_unique<Linear>(std::move(*decoder));
    }
    if (destroy) {
      embedding = nullptr;
      lstm = nullptr;
      linear = nullptr;
      decoder = nullptr;
    }
    tape.backward(loss);
    std::vector<float> all;
    for (const NamedParameter& entry : parameters) {
      const auto grad = entry.parameter->grad().values();
      all.insert(all.end(), grad.begin(), grad.end());
    }
    return all;
  };
  const std::vector<float> expected = gradients(false, false);
  EXPECT_EQ(gradients(true, false), expected);
  EXPECT_EQ(gradients(false, true), expected);
}

}  // namespace
}  // namespace riverrun
