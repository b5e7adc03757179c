#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

#include "riverrun/core/fields.h"
#include "riverrun/tasks/task.h"

namespace riverrun::tasks {

struct TaskOptions {
  /// T of the task's definition; 0: as TaskSetup has it. Without a meaning for some tasks.
  std::int64_t length = 0;
  std::uint64_t seed = 1;
  /// The folder of the files that some tasks read.
  std::filesystem::path data = {};
  /// A text file of word vectors, for a task of words; may be empty.
  std::filesystem::path vectors = {};
};

/// A network and a training to begin with.
struct TaskSetup {
  std::int64_t length = 0;  // 0: the task has none
  std::string cell = "lstm";
  std::int64_t hidden_size = 0;
  std::int64_t embedding_size = 0;  // of symbols
  bool bidirectional = false;
  float dropout = 0;
  std::string init = "chrono";
  std::int64_t batch_size = 0;
  double lr = 0;
  std::string schedule = "constant";
  double clip = 1;
  std::int64_t max_sequences = 0;
  std::int64_t evaluate_every = 0;  // sequences
};

}  // namespace riverrun::tasks

template <>
inline constexpr auto riverrun::kFields<riverrun::tasks::TaskSetup> = [] {
  using S = tasks::TaskSetup;
  return std::tuple{
      Field{"length", &S::length, at_least(0), "T of the task"},
      Field{"cell", &S::cell},
      Field{"hidden_size", &S::hidden_size, at_least(0), "Units of a layer"},
      Field{"embedding_size", &S::embedding_size, at_least(0), "Numbers of a symbol's vector"},
      Field{
          "dropout", &S::dropout, from_below(0, 1),
          "Part of the input's and the answering states' numbers that is left out while training"},
      Field{"init", &S::init, any_value(),
            "How the recurrent layers begin: pytorch, forget=X, chrono (for T steps), chrono=N, "
            "orthogonal, identity=X; joined by +. Not given, with another cell than the task's "
            "own: pytorch"},
      Field{"batch_size", &S::batch_size, at_least(0), "Sequences of an update"},
      Field{"lr", &S::lr, at_least(0), "Learning rate of Adam"},
      Field{"schedule", &S::schedule, any_value(),
            "Of the learning rate: constant, or cosine, which ends at 0 with the last sequence"},
      Field{"clip", &S::clip, at_least(0), "Largest norm of a gradient; 0: any"},
      Field{"max_sequences", &S::max_sequences, at_least(0), "Give up after learning from so many"},
      Field{"evaluate_every", &S::evaluate_every, at_least(0),
            "Sequences between two points of the learning curve"},
  };
}();

namespace riverrun::tasks {

struct TaskEntry {
  std::string_view name;
  std::string_view definition;
  std::string_view source;
  std::string_view criterion;
  std::string_view score;
  std::int64_t least_length;
  /// The files in TaskOptions::data; empty for tasks that need none.
  std::string_view files;
  bool of_words = false;
  TaskSetup setup;
  std::unique_ptr<Task> (*make)(const TaskOptions&);
};

[[nodiscard]] std::span<const TaskEntry> task_catalogue();
/// Throws ConfigError, which lists the names there are.
[[nodiscard]] const TaskEntry& find_task(std::string_view name);
/// Throws ConfigError for an invalid length, or files that are missing or not wanted; IoError
/// and FormatError for what is wrong with them.
[[nodiscard]] std::unique_ptr<Task> make_task(const TaskEntry& entry, TaskOptions options);

}  // namespace riverrun::tasks
