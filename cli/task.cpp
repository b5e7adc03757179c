#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/nn/cells.h"
#include "riverrun/tasks/catalogue.h"
#include "riverrun/tasks/task_folder.h"
#include "riverrun/tasks/train_task.h"

#include "cli/command.h"
#include "cli/field_option.h"
#include "cli/interrupt.h"
#include "cli/kind.h"
#include "cli/options.h"
#include "cli/parameters_report.h"
#include "cli/run_report.h"
#include "cli/task_report.h"

namespace riverrun::cli {
namespace {

namespace fs = std::filesystem;

/// All tasks, as --help shows them.
std::string footer() {
  std::string text = "\nTasks:\n";
  for (const tasks::TaskEntry& entry : tasks::task_catalogue()) {
    text += fmt::format("  {}: {}.\n    Solved: {}.\n    {}\n", entry.name, entry.definition,
                        entry.criterion, entry.source);
    if (!entry.files.empty()) text += fmt::format("    --data: a folder with {}\n", entry.files);
  }
  return text + R"(
Example: what a plain network cannot learn, and an LSTM can
  riverrun task adding --length 750 --cell lstm --init chrono
  riverrun task adding --length 750 --cell rnn_tanh --max-sequences 100000)";
}

class TaskCommand {
 public:
  explicit TaskCommand(CLI::App& app);
  ExitCode run();

 private:
  void add_setup_options(CLI::App& app);
  [[nodiscard]] SequenceModelOptions network_options(const tasks::Task& task) const;
  void require_memory_for(const tasks::Task& task) const;
  [[nodiscard]] std::optional<RunFolder> open_run() const;

  std::string name_;
  tasks::TaskSetup setup_;
  std::vector<std::function<void(const tasks::TaskSetup&)>> settle_;
  tasks::TaskOptions task_options_;
  std::int64_t num_layers_ = 1;
  double max_minutes_ = 0;
  int threads_ = 0;
  bool json_ = false;
  fs::path out_;
  bool resume_ = false;
  bool overwrite_ = false;
  ReportFiles files_;
  const tasks::TaskEntry* entry_ = nullptr;
  CLI::Option* embedding_option_ = nullptr;
  CLI::Option* init_option_ = nullptr;
};

/// Options that, if they are not given, are as the task has them.
void TaskCommand::add_setup_options(CLI::App& app) {
  for_each_field<tasks::TaskSetup>([&](const auto& field) {
    const auto member = field.member;
    auto& value = setup_.*member;
    CLI::Option* option = app.add_option(flag_of(field.name), value, field.help);
    if constexpr (std::is_same_v<decltype(value), std::int64_t&>) {
      option->check(whole_number(0, INT64_MAX));
    }
    settle_.push_back([&value, option, member](const tasks::TaskSetup& usual) {
      if (option->count() == 0) value = usual.*member;
    });
  });
  app.get_option("--cell")->description(known_cells());
  embedding_option_ = app.get_option("--embedding-size");
  init_option_ = app.get_option("--init");
}

TaskCommand::TaskCommand(CLI::App& app) {
  app.footer(footer());
  app.add_option("NAME", name_, "The task; below is what there is")->required();
  add_setup_options(app);
  app.add_option("--num-layers", num_layers_, "Recurrent layers, one above the other")
      ->capture_default_str()
      ->check(whole_number(0, INT64_MAX));
  app.add_option("--max-minutes", max_minutes_, "Give up after so many minutes; 0: never")
      ->capture_default_str()
      ->check(not_negative());
  app.add_option("--data", task_options_.data, "Folder of the files that a task reads");
  app.add_option(
      "--vectors", task_options_.vectors,
      "File of the vectors that a task's words begin with, a word and numbers a line, as "
      "GloVe's");
  app.add_option("--out", out_, "Folder for the network; not given: it is not kept");
  app.add_flag("--resume", resume_, "Go on with the run in --out; begin if there is none")
      ->needs("--out");
  app.add_flag("--overwrite", overwrite_, "Replace the model in --out, once the new one is there")
      ->needs("--out")
      ->excludes("--resume");
  app.add_option("--seed", task_options_.seed, "Same seed, same result, to the bit")
      ->capture_default_str()
      ->check(whole_number(0, UINT64_MAX));
  add_threads_option(app, threads_);
  app.add_flag("--json", json_, "Print the result as one JSON object");
  add_report_options(app, files_);
}

SequenceModelOptions TaskCommand::network_options(const tasks::Task& task) const {
  SequenceModelOptions options;
  options.cell = setup_.cell;
  options.hidden_size = setup_.hidden_size;
  options.num_layers = num_layers_;
  options.bidirectional = setup_.bidirectional;
  options.input_size = setup_.embedding_size;
  options.dropout = setup_.dropout;
  // Without a length, chrono is for that of a first sequence.
  const std::int64_t length =
      setup_.length > 0 ? setup_.length : task.training(0).seq_len(task.traits().sizes);
  // Chrono needs more than 2 steps, and a shorter task no more.
  options.init = parse_initialization(setup_.init, std::max<std::int64_t>(3, length));
  options.seed = task_options_.seed;
  // An LSTM keeps some eight numbers a unit and step: beyond half a gigabyte of them, recompute.
  constexpr std::int64_t kMostUnitSteps = std::int64_t{1} << 24;
  const bool large = setup_.hidden_size > 0 && setup_.batch_size > 0 && num_layers_ > 0 &&
                     length > kMostUnitSteps / setup_.hidden_size / setup_.batch_size / num_layers_;
  if (large) options.recompute_steps = kRecomputeAuto;
  return options;
}

/// Counts what is certain: of a batch, what a layer reads, its states and what is answered, the
/// latter two with their gradients; of what is learnt for each symbol, unit and class, Adam's
/// moments too.
void TaskCommand::require_memory_for(const tasks::Task& task) const {
  const tasks::TaskSizes& sizes = task.traits().sizes;
  const tasks::Sequence first = task.training(0);
  const auto steps = static_cast<double>(first.seq_len(sizes));
  const auto asked = static_cast<double>(first.asked.size());
  const auto batch = static_cast<double>(std::min(setup_.batch_size, setup_.max_sequences));
  const auto outputs = static_cast<double>(sizes.outputs());
  const auto hidden = static_cast<double>(setup_.hidden_size);
  const auto read =
      static_cast<double>(sizes.symbols > 0 ? setup_.embedding_size : sizes.input_size);
  const std::size_t gates = find_cell(setup_.cell).gates.size();
  const double layers = static_cast<double>(num_layers_) * (setup_.bidirectional ? 2 : 1);
  const double learnt = static_cast<double>(sizes.symbols) * read + outputs * hidden +
                        layers * static_cast<double>(gates) * hidden * hidden;
  const double floats =
      batch * (steps * (read + 2 * hidden) + asked * 2 * (hidden + outputs)) + 4 * learnt;
  require_memory(fmt::format("task {}: {} and a batch of {}", name_,
                             counted(first.seq_len(sizes), "step"), setup_.batch_size),
                 floats * sizeof(float));
}

/// That of the run that is resumed, if one is. Throws ConfigError unless a run can go on or begin
/// in
/// --out: before the task is made, which may take a while.
std::optional<RunFolder> TaskCommand::open_run() const {
  if (out_.empty()) return std::nullopt;
  if (!resume_ || !RunFolder::can_resume(out_)) {
    check_out(out_, resume_, overwrite_);
    return std::nullopt;
  }
  RunFolder folder = RunFolder::resume(out_);
  require_kind(Kind::kTask, folder.path(), "task --resume");
  const std::string task = tasks::load_config(Folder(folder.path())).task;
  if (task != entry_->name) {
    throw ConfigError(
        fmt::format("task {}: the run in {} is of the task {}", entry_->name, out_.string(), task));
  }
  return folder;
}

ExitCode TaskCommand::run() {
  entry_ = &tasks::find_task(name_);
  for (const auto& settle : settle_) settle(entry_->setup);
  setup_.bidirectional = entry_->setup.bidirectional;
  // It need not have the gates.
  if (init_option_->count() == 0 && setup_.cell != entry_->setup.cell) setup_.init = "pytorch";
  require(files_, {task_options_.data, task_options_.vectors, out_});
  check_initialization(setup_.init);
  use_threads(threads_);
  std::optional<RunFolder> folder = open_run();
  const bool going_on = folder.has_value();
  task_options_.length = setup_.length;
  const std::unique_ptr<tasks::Task> task = tasks::make_task(*entry_, task_options_);
  if (embedding_option_->count() > 0 && task->traits().sizes.symbols == 0) {
    throw ConfigError(fmt::format("task {}: it reads numbers, which are not embedded", name_));
  }
  if (setup_.embedding_size < 1 && task->traits().sizes.symbols > 0) {
    throw ConfigError(fmt::format("task {}: embedding-size is {}; it must be at least 1", name_,
                                  setup_.embedding_size));
  }
  if (const Tensor& vectors = task->symbol_vectors();
      !vectors.empty() && embedding_option_->count() == 0) {
    setup_.embedding_size = vectors.size(1);
  }
  const tasks::TaskTrainerOptions trainer{.batch_size = setup_.batch_size,
                                          .lr = setup_.lr,
                                          .schedule = setup_.schedule,
                                          .clip = setup_.clip,
                                          .max_sequences = setup_.max_sequences,
                                          .evaluate_every = setup_.evaluate_every,
                                          .seed = task_options_.seed};
  check(trainer);
  require_memory_for(*task);
  SequenceModel network = tasks::make_network(*task, network_options(*task));
  const std::int64_t parameters = parameter_count(network.parameters());
  note(fmt::format("{}: {}", entry_->name, entry_->definition));
  note(fmt::format("{}, {} x {}, {}; without memory: {} {:.4g}", setup_.cell, num_layers_,
                   counted(setup_.hidden_size, "unit"), counted(parameters, "parameter"),
                   entry_->score, task->traits().memoryless_score));

  if (!task->symbol_vectors().empty()) {
    // One symbol stands for all words that are not there.
    note(fmt::format("vectors: {} of {} words are in {}",
                     grouped(task->traits().symbols_with_vectors),
                     grouped(task->traits().sizes.symbols - 1), task_options_.vectors.string()));
  }

  const InterruptGuard guard;
  const bool had_no_model = going_on && !fs::exists(folder->path() / kWeightsFile);
  if (!out_.empty() && !going_on) {
    folder = RunFolder::start(out_, overwrite_);
    tasks::save_config(folder->path(), {.task = std::string(entry_->name),
                                        .length = setup_.length,
                                        .seed = task_options_.seed,
                                        .network = network.options()});
  }
  tasks::TaskWatch watch;
  watch.stop = &guard.interrupted();
  watch.max_seconds = max_minutes_ * 60;
  watch.point = [&](const tasks::TaskPoint& point) {
    std::string line = fmt::format("{} sequences  loss {:.6f}  error {:.4f}  right {:.2f} %",
                                   grouped(point.sequences), point.training.loss(),
                                   point.training.error(), 100 * point.training.right_share());
    if (point.held_out) {
      line += fmt::format("  held out {:.6f}, {} of {} right", point.held_out->loss(),
                          grouped(point.held_out->right), grouped(point.held_out->sequences));
    }
    note(line);
  };
  const tasks::TaskResult result = tasks::train_task(
      *task, network, trainer, watch, {.folder = folder ? &*folder : nullptr, .resume = going_on});
  if (folder) {
    note_end({.out = out_,
              .folder = *folder,
              .result = result.run,
              .unit = task->traits().sizes.classes > 0 ? "nats per answer" : "mean squared error",
              .had_no_model = had_no_model});
  }
  report({.entry = *entry_,
          .setup = setup_,
          .num_layers = num_layers_,
          .parameters = parameters,
          .seed = task_options_.seed,
          .traits = task->traits(),
          .result = result,
          .out = out_},
         files_, json_);
  return guard.interrupted().load() ? kInterrupted : kOk;
}

}  // namespace

void add_task(CLI::App& program, Verb& chosen) {
  CLI::App* app = program.add_subcommand("task", "Learn a task that needs memory");
  auto command = std::make_shared<TaskCommand>(*app);
  app->callback([&chosen, command] { chosen = [command] { return command->run(); }; });
}

}  // namespace riverrun::cli
