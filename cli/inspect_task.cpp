#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/nn/finite.h"
#include "riverrun/nn/loss.h"
#include "riverrun/nn/ops.h"
#include "riverrun/tasks/catalogue.h"
#include "riverrun/tasks/network.h"
#include "riverrun/tasks/task_folder.h"

#include "cli/inspectable.h"

namespace riverrun::cli {
namespace {

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

/// Examples are the sequences held out; the answer is the last one that is asked for.
class InspectableTaskNetwork final : public Inspectable {
 public:
  InspectableTaskNetwork(SequenceModel network, std::shared_ptr<const tasks::Task> task)
      : network_(std::move(network)), task_(std::move(task)) {}

  [[nodiscard]] About about() const override {
    const bool reads_symbols = sizes().symbols > 0;
    return {.example = "sequence",
            .step = "step",
            .read_step = "step",
            .loss = sizes().classes > 0 ? "the cross-entropy of the last answer"
                                        : "the squared error of the last answer",
            .baseline = reads_symbols ? "symbols whose vectors are 0" : "zeros",
            .channels = reads_symbols ? std::vector<std::string>{"symbol"}
                                      : numbered(sizes().input_size, "channel ")};
  }
  [[nodiscard]] std::int64_t size() const override { return task_->held_out_size(); }

  [[nodiscard]] InspectedExample example(std::int64_t n, const WantedAnswer& /*wanted*/) override {
    const tasks::Sequence sequence = task_->held_out(n);
    const std::int64_t steps = sequence.seq_len(sizes());
    const std::int64_t asked = sequence.asked.back();
    const tasks::TaskBatch batch(std::span(&sequence, 1), sizes());
    const Tensor said = network_.forward(tasks::input_of(batch)).output;
    const std::span<const float> last = said.values().last(at(sizes().outputs()));
    const auto output = std::ranges::max_element(last) - last.begin();
    const bool names = sizes().classes > 0;
    InspectedExample example{
        .name = fmt::format("sequence {}", n + 1),
        .said = names ? fmt::format("at step {}: class {}; right is {}", asked + 1, output,
                                    sequence.classes.back())
                      : fmt::format("at step {}: {:.4f}; right is {:.4f}", asked + 1, last[0],
                                    sequence.values.back()),
        .target = names ? fmt::format("the logit of class {}", output) : "this number",
        .steps = numbered(steps),
        .answered = at(asked),
        .x = read(n),
        .answer = [this, asked, output](Tape& tape, Var x) {
          SequenceInput input = computed_input(x);
          std::vector<std::int64_t> rows;
          for (std::int64_t b = 0; b < input.batch; ++b) rows.push_back(asked * input.batch + b);
          input.asked = rows;
          return select(network_.forward(tape, input).output, 1, output);
        }};
    for (std::size_t t = 0; t < sequence.symbols.size(); ++t) {
      example.steps[t] += fmt::format(": {}", sequence.symbols[t]);
    }
    return example;
  }
  [[nodiscard]] Place place(std::size_t step, std::size_t input) const override {
    return {.step = step, .channel = sizes().symbols > 0 ? 0 : input};
  }

  [[nodiscard]] const Recurrent& stack() const override { return network_.rnn(); }
  [[nodiscard]] Tensor read(std::int64_t n) override {
    const tasks::Sequence sequence = task_->held_out(n);
    tasks::TaskBatch batch(std::span(&sequence, 1), sizes());
    if (sizes().symbols == 0) return std::move(batch.input);
    return network_.embedding().forward(batch.symbols, {batch.seq_len, 1});
  }
  [[nodiscard]] insight::StackGradient gradient(std::span<const std::int64_t> which,
                                                std::int64_t /*steps*/) override {
    std::vector<tasks::Sequence> sequences;
    std::vector<std::int64_t> answered;
    for (const std::int64_t n : which) {
      tasks::Sequence& sequence = sequences.emplace_back(task_->held_out(n));
      sequence.asked = {sequence.asked.back()};
      if (!sequence.classes.empty()) sequence.classes = {sequence.classes.back()};
      if (!sequence.values.empty()) sequence.values = {sequence.values.back()};
      answered.push_back(sequence.asked.front());
    }
    const tasks::TaskBatch batch(sequences, sizes());
    Tape tape(/*training=*/false);
    const SequenceModel::VarOutput said = network_.forward(tape, tasks::input_of(batch));
    const Var mean = sizes().classes > 0 ? cross_entropy(said.output, batch.classes)
                                         : mse_loss(said.output, batch.values);
    return stack_gradient(multiply(mean, static_cast<float>(which.size())), said.read, said.hidden,
                          said.state, batch.lengths, std::move(answered));
  }
  [[nodiscard]] std::unique_ptr<Inspectable> untrained(std::uint64_t seed) const override {
    SequenceModelOptions options = network_.options();
    options.seed = seed;
    return std::make_unique<InspectableTaskNetwork>(SequenceModel(options), task_);
  }

 private:
  [[nodiscard]] const tasks::TaskSizes& sizes() const { return task_->traits().sizes; }

  SequenceModel network_;
  std::shared_ptr<const tasks::Task> task_;
};

}  // namespace

std::unique_ptr<Inspectable> open_task_network(const InspectableSource& source) {
  std::optional<tasks::LoadedTaskNetwork> loaded;
  read_model_folder(source.model,
                    [&](const Folder& folder) { loaded = tasks::load_task_network(folder); });
  require_finite(loaded->network.parameters(), (source.model / kWeightsFile).string());
  const tasks::TaskConfig& config = loaded->config;
  std::shared_ptr<const tasks::Task> task =
      tasks::make_task(tasks::find_task(config.task),
                       {.length = config.length, .seed = config.seed, .data = source.data});
  const SequenceModelOptions& of_network = loaded->network.options();
  const tasks::TaskSizes& sizes = task->traits().sizes;
  if (of_network.num_embeddings != sizes.symbols || of_network.output_size != sizes.outputs() ||
      (sizes.symbols == 0 && of_network.input_size != sizes.input_size)) {
    throw ConfigError(fmt::format("{}: {} has learnt {} from other files than those in \"{}\"",
                                  source.verb, source.model.string(), config.task,
                                  source.data.string()));
  }
  return std::make_unique<InspectableTaskNetwork>(std::move(loaded->network), std::move(task));
}

}  // namespace riverrun::cli
