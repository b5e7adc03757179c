// The embedded Reber grammar, against an automaton of its own.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "riverrun/tasks/catalogue.h"

namespace riverrun::tasks {
namespace {

/// Whether the Reber grammar has the string, by its definition as a regular expression's automaton,
/// written as a table of its own: state -> symbol -> state.
bool is_reber(const std::string& string) {
  const std::map<int, std::map<char, int>> next = {
      {0, {{'B', 1}}},           {1, {{'T', 2}, {'P', 3}}},
      {2, {{'S', 2}, {'X', 4}}}, {3, {{'T', 3}, {'V', 5}}},
      {4, {{'X', 3}, {'S', 6}}}, {5, {{'P', 4}, {'V', 6}}},
      {6, {{'E', 7}}},           {7, {}}};
  int state = 0;
  for (const char symbol : string) {
    const auto found = next.at(state).find(symbol);
    if (found == next.at(state).end()) return false;
    state = found->second;
  }
  return state == 7;
}

std::string spelled(const Sequence& sequence) {
  std::string string;
  for (const std::int32_t symbol : sequence.symbols) {
    string += "BTPSXVE"[static_cast<std::size_t>(symbol)];
  }
  return string + "BTPSXVE"[static_cast<std::size_t>(sequence.classes.back())];
}

TEST(Reber, StringsAreOfTheEmbeddedGrammarAndTheTestSetIsNew) {
  const auto task = make_task(find_task("reber"), {});
  ASSERT_EQ(task->held_out_size(), 512);
  std::set<std::string> sets[2];
  for (std::int64_t n = 0; n < 512; ++n) {
    const Sequence sequence = task->held_out(n);
    const std::string string = spelled(sequence);
    ASSERT_TRUE(string.starts_with("BT") || string.starts_with("BP")) << string;
    ASSERT_EQ(string[1], string[string.size() - 2]) << string;
    ASSERT_EQ(string.back(), 'E');
    ASSERT_TRUE(is_reber(string.substr(2, string.size() - 4))) << string;
    ASSERT_EQ(sequence.asked.size(), string.size() - 1);
    sets[n < 256 ? 0 : 1].insert(string);
  }
  for (const std::string& string : sets[1]) EXPECT_FALSE(sets[0].contains(string)) << string;
  std::set<std::string> learnt;
  for (std::int64_t n = 0; n < 20'000; ++n) learnt.insert(spelled(task->training(n)));
  EXPECT_EQ(learnt, sets[0]);
}

TEST(Reber, RightIsWhatPutsAllThatMayFollowFirst) {
  const auto task = make_task(find_task("reber"), {});
  const Sequence sequence = task->held_out(0);
  const std::string string = spelled(sequence);
  // What may follow, found by trying every symbol and every end against the grammar.
  std::vector<float> outputs;
  for (std::size_t t = 0; t + 1 < string.size(); ++t) {
    for (const char symbol : std::string("BTPSXVE")) {
      bool may = false;
      if (t == 0) may = symbol == 'T' || symbol == 'P';
      if (t == string.size() - 3) may = symbol == string[1];
      if (t == string.size() - 2) may = symbol == 'E';
      if (t >= 1 && t <= string.size() - 4) {
        const std::string begun = string.substr(2, t - 1) + symbol;
        for (const char* end : {"", "E", "SE", "VE", "XSE", "VVE", "TXSE"}) {
          may = may || is_reber(begun + end);
        }
      }
      outputs.push_back(may ? 1.0f : 0.0f);
    }
  }
  EXPECT_TRUE(task->judge(sequence, outputs).right);
  std::vector<float> wrong = outputs;
  const std::size_t last_but_one = (string.size() - 3) * 7;
  wrong[last_but_one + 1] = wrong[last_but_one + 2] = 1.0f;  // T or P, as without memory
  EXPECT_FALSE(task->judge(sequence, wrong).right);
}

}  // namespace
}  // namespace riverrun::tasks
