// The tasks that are drawn, against their definitions.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/tasks/catalogue.h"

namespace riverrun::tasks {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

std::unique_ptr<Task> make(const char* name, std::int64_t length, std::uint64_t seed = 1) {
  return make_task(find_task(name), {.length = length, .seed = seed});
}

constexpr std::int64_t kMany = 20'000;

/// The variance of the only answer, which is the squared error of the best constant one.
double variance_of_answers(const Task& task) {
  double sum = 0.0;
  double squares = 0.0;
  for (std::int64_t n = 0; n < kMany; ++n) {
    const double value = task.training(n).values.at(0);
    sum += value / kMany;
    squares += value * value / kMany;
  }
  return squares - sum * sum;
}

/// How often each class is the only answer.
std::map<std::int32_t, std::int64_t> class_counts(const Task& task) {
  std::map<std::int32_t, std::int64_t> counts;
  for (std::int64_t n = 0; n < kMany; ++n) ++counts[task.training(n).classes.at(0)];
  return counts;
}

void expect_balanced(const Task& task) {
  const auto classes = task.traits().sizes.classes;
  const auto counts = class_counts(task);
  ASSERT_EQ(static_cast<std::int64_t>(counts.size()), classes);
  for (const auto& [name, count] : counts) {
    // Six standard deviations.
    EXPECT_NEAR(static_cast<double>(count), static_cast<double>(kMany) / classes,
                6 * std::sqrt(static_cast<double>(kMany) / classes))
        << "class " << name;
  }
}

TEST(PublishedAdding, SequencesAreAsDefined) {
  constexpr std::int64_t kLength = 100;
  const auto task = make("adding-1997", kLength);
  std::set<std::size_t> lengths;
  std::set<std::int64_t> first_places;
  std::int64_t last_second = 0;
  for (std::int64_t n = 0; n < kMany; ++n) {
    const Sequence sequence = task->training(n);
    const auto steps = static_cast<std::int64_t>(sequence.input.size() / 2);
    lengths.insert(static_cast<std::size_t>(steps));
    std::vector<std::int64_t> marked;
    float sum = 0.0f;
    for (std::int64_t t = 0; t < steps; ++t) {
      const float value = sequence.input[static_cast<std::size_t>(2 * t)];
      const float marker = sequence.input[static_cast<std::size_t>(2 * t + 1)];
      ASSERT_GE(value, -1.0f);
      ASSERT_LT(value, 1.0f);
      if (marker == 1.0f) {
        marked.push_back(t);
        sum += value;
      } else {
        ASSERT_EQ(marker, t == 0 || t == steps - 1 ? -1.0f : 0.0f) << "step " << t;
      }
    }
    ASSERT_EQ(marked.size(), 2u);
    ASSERT_LT(marked[0], 10) << "X1 is among the first ten, X2 may be too";
    ASSERT_LT(marked[1], kLength / 2 - 1);
    if (marked[0] == 0) {
      ASSERT_EQ(sequence.input[0], 0.0f);
    }
    first_places.insert(marked[0]);
    last_second = std::max(last_second, marked[1]);
    ASSERT_THAT(sequence.asked, testing::ElementsAre(steps - 1));
    ASSERT_FLOAT_EQ(sequence.values.at(0), 0.5f + sum / 4.0f);
  }
  EXPECT_EQ(lengths.size(), 11u);
  EXPECT_EQ(*lengths.begin(), 100u);
  EXPECT_EQ(*lengths.rbegin(), 110u);
  EXPECT_EQ(first_places.size(), 10u);
  EXPECT_EQ(last_second, kLength / 2 - 2);
}

TEST(PublishedAdding, MemorylessScoreIsTheVarianceOfWhatIsDrawn) {
  for (const std::int64_t length : {24, 100, 1000}) {
    const auto task = make("adding-1997", length);
    EXPECT_NEAR(variance_of_answers(*task), task->traits().memoryless_score, 1e-3) << length;
  }
}

TEST(Adding, OneMarkerInEachHalfAndAVarianceOfASixth) {
  const auto task = make("adding", 51);
  for (std::int64_t n = 0; n < 2000; ++n) {
    const Sequence sequence = task->training(n);
    ASSERT_EQ(sequence.input.size(), 102u);
    float sum = 0.0f;
    std::vector<std::int64_t> marked;
    for (std::int64_t t = 0; t < 51; ++t) {
      if (sequence.input[static_cast<std::size_t>(2 * t + 1)] != 1.0f) continue;
      marked.push_back(t);
      sum += sequence.input[static_cast<std::size_t>(2 * t)];
    }
    ASSERT_EQ(marked.size(), 2u);
    ASSERT_LT(marked[0], 25);
    ASSERT_GE(marked[1], 25);
    ASSERT_EQ(sequence.values.at(0), sum);
  }
  EXPECT_NEAR(variance_of_answers(*task), 1.0 / 6.0, 5e-3);
  EXPECT_DOUBLE_EQ(task->traits().memoryless_score, 1.0 / 6.0);
}

TEST(TemporalOrder, SymbolsStandWhereTheyShouldAndDecideTheClass) {
  struct Case {
    const char* name;
    std::vector<std::pair<std::int64_t, std::int64_t>> places;
  };
  for (const auto& [name, places] : {Case{"temporal-order-2", {{10, 20}, {50, 60}}},
                                     Case{"temporal-order-3", {{10, 20}, {33, 43}, {66, 76}}}}) {
    const auto task = make(name, 100);
    for (std::int64_t n = 0; n < 2000; ++n) {
      const Sequence sequence = task->training(n);
      const auto steps = static_cast<std::int64_t>(sequence.symbols.size());
      ASSERT_GE(steps, 100);
      ASSERT_LE(steps, 110);
      ASSERT_EQ(sequence.symbols.front(), 6) << "E";
      ASSERT_EQ(sequence.symbols.back(), 7) << "B";
      std::int32_t order = 0;
      std::size_t found = 0;
      for (std::int64_t t = 1; t < steps - 1; ++t) {
        const std::int32_t symbol = sequence.symbols[static_cast<std::size_t>(t)];
        ASSERT_LT(symbol, 6);
        if (symbol < 4) continue;
        ASSERT_LT(found, places.size());
        ASSERT_GE(t, places[found].first);
        ASSERT_LE(t, places[found].second);
        order = order * 2 + symbol - 4;
        ++found;
      }
      ASSERT_EQ(found, places.size());
      ASSERT_THAT(sequence.classes, testing::ElementsAre(order));
      ASSERT_THAT(sequence.asked, testing::ElementsAre(steps - 1));
    }
    expect_balanced(*task);
    EXPECT_DOUBLE_EQ(task->traits().memoryless_score,
                     std::log(static_cast<double>(task->traits().sizes.classes)));
  }
}

TEST(LongLag, SequencesAreAsDefined) {
  constexpr std::int32_t kP = 12;
  const auto a = make("long-lag-a", kP);
  const auto b = make("long-lag-b", kP);
  const auto c = make("long-lag-c", kP);
  std::set<std::size_t> lengths;
  for (std::int64_t n = 0; n < 500; ++n) {
    const Sequence counted = a->training(n);
    ASSERT_EQ(counted.symbols.size(), static_cast<std::size_t>(kP));
    ASSERT_GE(counted.symbols[0], kP - 1);
    ASSERT_EQ(counted.classes.back(), counted.symbols[0]);
    for (std::int32_t t = 1; t < kP; ++t) {
      ASSERT_EQ(counted.symbols[static_cast<std::size_t>(t)], t - 1);
      ASSERT_EQ(counted.classes[static_cast<std::size_t>(t - 1)], t - 1);
    }
    const Sequence random = b->training(n);
    ASSERT_EQ(random.symbols.size(), static_cast<std::size_t>(kP));
    ASSERT_EQ(random.classes.back(), random.symbols[0]);
    for (std::size_t t = 1; t < random.symbols.size(); ++t) ASSERT_LT(random.symbols[t], kP - 1);

    const Sequence triggered = c->training(n);
    lengths.insert(triggered.symbols.size());
    ASSERT_GE(triggered.symbols.size(), static_cast<std::size_t>(kP + 3));
    ASSERT_EQ(triggered.symbols[0], kP + 1) << "b";
    ASSERT_EQ(triggered.symbols[1], kP + 2 + triggered.classes.at(0)) << "x or y";
    ASSERT_EQ(triggered.symbols.back(), kP) << "e";
    for (std::size_t t = 2; t + 1 < triggered.symbols.size(); ++t) {
      ASSERT_LT(triggered.symbols[t], kP);
    }
  }
  EXPECT_GT(lengths.size(), 10u);
  expect_balanced(*c);
}

TEST(LongLag, TheExpectedLengthOf2cIsTheQuotedOne) {
  const auto c = make("long-lag-c", 50);
  double mean = 0.0;
  for (std::int64_t n = 0; n < kMany; ++n) {
    // The last symbol, which is the answer, is not read.
    mean += static_cast<double>(c->training(n).symbols.size() + 1) / kMany;
  }
  // q + 14, of which the paper's sum has k = 9 on average and 4 symbols; a standard deviation
  // of 9.5.
  EXPECT_NEAR(mean, 50 + 4 + 9, 0.4);
}

TEST(LongLag, MemorylessScoreOf2bIsThatOfTheSymbolPairsFrequencies) {
  constexpr std::int64_t kP = 6;
  const auto b = make("long-lag-b", kP);
  // The cross-entropy of the next symbol, given only the one read.
  std::map<std::int32_t, std::map<std::int32_t, double>> counts;
  for (std::int64_t n = 0; n < kMany; ++n) {
    const Sequence sequence = b->training(n);
    for (std::size_t t = 0; t < sequence.symbols.size(); ++t) {
      counts[sequence.symbols[t]][sequence.classes[t]] += 1.0 / (kMany * kP);
    }
  }
  double nats = 0.0;
  for (const auto& [symbol, row] : counts) {
    double all = 0.0;
    for (const auto& [next, count] : row) all += count;
    for (const auto& [next, count] : row) nats -= count * std::log(count / all);
  }
  EXPECT_NEAR(b->traits().memoryless_score, nats, 3e-3);
}

TEST(TwoSequence, ThreeEqualNumbersTellAndTheRestIsNoise) {
  const auto task = make("two-sequence", 100);
  double squares = 0.0;
  double count = 0.0;
  for (std::int64_t n = 0; n < 2000; ++n) {
    const Sequence sequence = task->training(n);
    const float sign = sequence.values.at(0) == 1.0f ? 1.0f : -1.0f;
    if (sign < 0) {
      ASSERT_EQ(sequence.values[0], 0.0f);
    }
    ASSERT_GE(sequence.input.size(), 100u);
    ASSERT_LE(sequence.input.size(), 110u);
    for (std::size_t t = 0; t < 3; ++t) ASSERT_EQ(sequence.input[t], sign);
    for (std::size_t t = 3; t < sequence.input.size(); ++t) {
      squares += sequence.input[t] * sequence.input[t];
      count += 1;
    }
  }
  EXPECT_NEAR(squares / count, 0.2, 0.005);
  EXPECT_NEAR(variance_of_answers(*task), task->traits().memoryless_score, 5e-3);
}

TEST(Copy, TheSymbolsComeBackAfterTheSign) {
  constexpr std::size_t kLength = 30;
  const auto task = make("copy", kLength);
  const Sequence sequence = task->training(3);
  ASSERT_EQ(sequence.symbols.size(), kLength + 20);
  ASSERT_EQ(sequence.classes.size(), kLength + 20);
  for (std::size_t t = 0; t < kLength + 20; ++t) {
    const std::int32_t expected = t < 10             ? sequence.classes[kLength + 10 + t]
                                  : t == kLength + 9 ? 9
                                                     : 8;
    EXPECT_EQ(sequence.symbols[t], expected) << "step " << t;
    if (t < kLength + 10) {
      EXPECT_EQ(sequence.classes[t], 8) << "blank at " << t;
    }
    if (t < 10) {
      EXPECT_LT(sequence.symbols[t], 8);
    }
  }
  EXPECT_DOUBLE_EQ(task->traits().memoryless_score, 10 * std::log(8.0) / 50);
}

TEST(Tasks, SequencesAreFunctionsOfTheirNumberAndTheSeed) {
  for (const TaskEntry& entry : task_catalogue()) {
    if (!entry.files.empty()) continue;
    const std::int64_t length = entry.setup.length == 0 ? 0 : 30;
    const auto one = make(entry.name.data(), length, 1);
    const auto again = make(entry.name.data(), length, 1);
    const auto other = make(entry.name.data(), length, 2);
    int differ_by_seed = 0;
    int differ_by_part = 0;
    for (std::int64_t n = 19; n >= 0; --n) {
      const Sequence a = one->training(n);
      const Sequence b = again->training(n);
      EXPECT_EQ(a.symbols, b.symbols);
      EXPECT_EQ(a.input, b.input);
      EXPECT_EQ(a.classes, b.classes);
      EXPECT_EQ(a.values, b.values);
      const Sequence c = other->training(n);
      differ_by_seed += a.symbols != c.symbols || a.input != c.input ? 1 : 0;
      const Sequence d = one->held_out(n);
      differ_by_part += a.symbols != d.symbols || a.input != d.input ? 1 : 0;
    }
    EXPECT_GT(differ_by_seed, 0) << entry.name;
    EXPECT_GT(differ_by_part, 0) << entry.name;
  }
}

TEST(Tasks, EachSaysWhatItIs) {
  for (const TaskEntry& entry : task_catalogue()) {
    EXPECT_FALSE(entry.definition.empty() || entry.source.empty() || entry.criterion.empty() ||
                 entry.score.empty())
        << entry.name;
    EXPECT_EQ(&find_task(entry.name), &entry);
  }
}

TEST(Tasks, RefusesWhatCannotBe) {
  const auto expect = [](const char* name, const TaskOptions& options, const char* message) {
    EXPECT_THAT([&] { static_cast<void>(make_task(find_task(name), options)); },
                ThrowsMessage<ConfigError>(HasSubstr(message)));
  };
  EXPECT_THAT([] { static_cast<void>(find_task("subtracting")); },
              ThrowsMessage<ConfigError>(HasSubstr("there are adding-1997, adding")));
  expect("adding", {.length = 0}, "length is 0; it must be from 2 to 10000000");
  expect("copy", {.length = -5}, "length is -5");
  expect("adding-1997", {.length = 9}, "from 10");
  expect("adding", {.length = 100'000'000}, "length is 100000000");
  expect("reber", {.length = 5}, "no length to choose");
  expect("adding", {.length = 50, .data = "folder"}, "it reads no files");
  expect("mnist", {}, "it needs a folder with train-images-idx3-ubyte");
  expect("mnist", {.data = "folder", .vectors = "file"}, "no words");
}

}  // namespace
}  // namespace riverrun::tasks
