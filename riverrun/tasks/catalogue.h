#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

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
