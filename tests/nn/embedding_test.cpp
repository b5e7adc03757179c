#include "riverrun/nn/embedding.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/threads.h"

#include "tests/nn/gradient_check.h"

namespace riverrun {
namespace {

TEST(Embedding, LooksUpVectors) {
  Embedding embedding({.num_embeddings = 3, .embedding_dim = 2});
  embedding.weight().mutable_value() = Tensor({3, 2}, {1, 2, 3, 4, 5, 6});
  const std::vector<std::int32_t> tokens{2, 0, 0, 1};
  const std::vector<float> expected{5, 6, 1, 2, 1, 2, 3, 4};
  const Tensor y = embedding.forward(tokens, {2, 2});
  EXPECT_EQ(y.shape(), (Shape{2, 2, 2}));
  EXPECT_TRUE(std::ranges::equal(y.values(), expected));
  Tape tape;
  EXPECT_TRUE(std::ranges::equal(embedding.forward(tape, tokens, {4}).value().values(), expected));
}

TEST(Embedding, HasTheGradientsOfCentralDifferences) {
  Embedding embedding({.num_embeddings = 6, .embedding_dim = 3, .seed = 1});
  test::check_gradients(
      [&](Tape& tape, const auto&) {
        // The tokens must be copied: these die before the backward pass.
        const std::vector<std::int32_t> tokens{4, 0, 4, 4, 1, 0};
        return embedding.forward(tape, tokens, {3, 2});
      },
      {}, embedding.parameters());
}

TEST(Embedding, TakesTokensAsTheyCome) {
  Embedding embedding({.num_embeddings = 3, .embedding_dim = 2});
  const std::vector<std::int64_t> wide{2, 0};
  const Tensor expected = embedding.forward(std::vector<std::int32_t>{2, 0}, {2});
  EXPECT_TRUE(std::ranges::equal(embedding.forward(wide, {2}).values(), expected.values()));
  EXPECT_TRUE(std::ranges::equal(embedding.forward({2, 0}, {2}).values(), expected.values()));
  Tape tape;
  EXPECT_TRUE(
      std::ranges::equal(embedding.forward(tape, {2, 0}, {2}).value().values(), expected.values()));
  EXPECT_THROW((void)embedding.forward({std::int64_t{1} << 32}, {1}), ConfigError);
  EXPECT_THROW(Embedding({.num_embeddings = (std::int64_t{1} << 31) + 1, .embedding_dim = 1}),
               ConfigError);
}

TEST(Embedding, StartsNormallyDistributed) {
  const Embedding embedding({.num_embeddings = 200, .embedding_dim = 100, .seed = 3});
  double mean = 0.0;
  double square = 0.0;
  for (const float x : embedding.weight().value().values()) {
    mean += x / 20000.0;
    square += static_cast<double>(x) * x / 20000.0;
  }
  EXPECT_NEAR(mean, 0.0, 0.03);    // its standard deviation is 0.007
  EXPECT_NEAR(square, 1.0, 0.04);  // and 0.01
}

TEST(Embedding, SaysWhatIsWrong) {
  EXPECT_THROW(Embedding({.num_embeddings = 0, .embedding_dim = 3}), ConfigError);
  EXPECT_THROW(Embedding({.num_embeddings = 3, .embedding_dim = 0}), ConfigError);
  const Embedding embedding({.num_embeddings = 3, .embedding_dim = 2});
  const std::vector<std::int32_t> tokens{1, 2, 3};
  try {
    static_cast<void>(embedding.forward(tokens, {3}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "Embedding.forward: token 2 is 3; it must be in [0, num_embeddings = 3)");
  }
  const std::vector<std::int32_t> negative{-1};
  EXPECT_THROW(static_cast<void>(embedding.forward(negative, {1})), ConfigError);
  EXPECT_THROW(static_cast<void>(embedding.forward(tokens, {2})), ShapeError);
  EXPECT_THROW(static_cast<void>(embedding.forward(tokens, {1, 1, 1, 3})), ShapeError);
}

TEST(Embedding, HasTheSameBitsWithAnyNumberOfThreads) {
  const int before = num_threads();
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    Embedding embedding({.num_embeddings = 11, .embedding_dim = 333, .seed = 1});
    std::vector<std::int32_t> tokens;
    for (int i = 0; i < 500; ++i) tokens.push_back(i * i % 11);
    Tape tape;
    std::vector<Tape::Upstream> upstream;
    upstream.push_back(
        {embedding.forward(tape, tokens, {500}), test::random_tensor({500, 333}, 2)});
    tape.backward(std::move(upstream));
    const auto values = embedding.weight().grad().values();
    results.emplace_back(values.begin(), values.end());
  }
  set_num_threads(before);
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

}  // namespace
}  // namespace riverrun
