#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "riverrun/core/tensor.h"
#include "riverrun/insight/attribution.h"
#include "riverrun/insight/input_reach.h"
#include "riverrun/nn/recurrent.h"
#include "riverrun/nn/sequence_model.h"

#include "cli/kind.h"

namespace riverrun::cli {

/// Which number of a model's answer is looked at. What is not set, its kind chooses.
struct WantedAnswer {
  std::string name = {};                  ///< of a class or a tag
  std::optional<std::int64_t> word = {};  ///< of a sentence, from 1
  std::optional<std::int64_t> step = {};  ///< of a horizon, from 1
  std::string target = {};                ///< of a forecaster
};

/// One example: what a model reads, and one number of its answer.
struct InspectedExample {
  std::string name;                ///< "sequence 3 (line 12)"
  std::string said;                ///< what the model says of it, and what is right
  std::string target;              ///< "the logit of \"a\""
  std::vector<std::string> steps;  ///< [T], their names
  /// The step that distances are counted from; not set: it is answered from all.
  std::optional<std::size_t> answered = {};
  Tensor x;                ///< what is read, [T', 1, I]; see Inspectable::place()
  insight::Answer answer;  ///< it lives as long as the model
  /// The number is offset + factor · answer.
  double factor = 1;
  double offset = 0;
};

/// A model and data that it reads, whatever its kind, as `inspect` and `gradients` see it: a list
/// of examples.
class Inspectable {
 public:
  Inspectable() = default;
  Inspectable(const Inspectable&) = delete;
  Inspectable& operator=(const Inspectable&) = delete;
  virtual ~Inspectable() = default;

  /// The words that a report needs.
  struct About {
    std::string example;                ///< "sequence"
    std::string step;                   ///< "row"
    std::string read_step;              ///< of what the recurrent layers read: "segment of 24 rows"
    std::string loss;                   ///< whose gradient is looked at
    std::string baseline;               ///< what an example is compared with
    std::vector<std::string> channels;  ///< what a step consists of
  };
  [[nodiscard]] virtual About about() const = 0;

  /// Examples, counted from 0.
  [[nodiscard]] virtual std::int64_t size() const = 0;
  /// The first one that has all of its past, and the one that is shown if nobody chooses.
  [[nodiscard]] virtual std::int64_t first() const { return 0; }
  [[nodiscard]] virtual std::int64_t usual() const { return 0; }
  /// Throws ConfigError for an answer that it does not give.
  [[nodiscard]] virtual InspectedExample example(std::int64_t n, const WantedAnswer& wanted) = 0;
  /// Where x [T', 1, I] of an example has what.
  struct Place {
    std::size_t step = 0;
    std::size_t channel = 0;
  };
  [[nodiscard]] virtual Place place(std::size_t step, std::size_t input) const {
    return {.step = step, .channel = input};
  }

  /// The recurrent layers, and what they read of an example, [T, 1, I].
  [[nodiscard]] virtual const Recurrent& stack() const = 0;
  [[nodiscard]] virtual Tensor read(std::int64_t n) = 0;
  /// Of the loss of each example by itself. `steps` are as many as are wanted, of examples that may
  /// be cut anywhere. Throws FormatError if they have no labels.
  [[nodiscard]] virtual insight::StackGradient gradient(std::span<const std::int64_t> which,
                                                        std::int64_t steps) = 0;
  /// The same data with initial weights.
  [[nodiscard]] virtual std::unique_ptr<Inspectable> untrained(std::uint64_t seed) const = 0;
};

/// What is opened.
struct InspectableSource {
  std::filesystem::path model;
  std::filesystem::path data;
  WantedAnswer wanted;
  const char* verb = "";
};
/// Each throws as what reads the model and the data. One of a task needs data only if the task
/// does; of a language model there is none.
[[nodiscard]] std::unique_ptr<Inspectable> open_inspectable(Kind kind,
                                                            const InspectableSource& source);
[[nodiscard]] std::unique_ptr<Inspectable> open_classifier(const InspectableSource& source);
[[nodiscard]] std::unique_ptr<Inspectable> open_tagger(const InspectableSource& source);
[[nodiscard]] std::unique_ptr<Inspectable> open_forecaster(const InspectableSource& source);
[[nodiscard]] std::unique_ptr<Inspectable> open_signal_model(const InspectableSource& source);
[[nodiscard]] std::unique_ptr<Inspectable> open_task_network(const InspectableSource& source);

/// `count` examples at most, spread evenly over those that have all of their past.
[[nodiscard]] std::vector<std::int64_t> spread(const Inspectable& model, std::int64_t count);

/// "1", "2", …, each behind what they are called: "channel 1".
[[nodiscard]] std::vector<std::string> numbered(std::int64_t count, const char* called = "");

/// Carries the gradient of `loss` back and takes what reached the stack: its output at the steps
/// that are answered from, or if none are named its last states.
[[nodiscard]] insight::StackGradient stack_gradient(Var loss, Var read, Var output,
                                                    std::span<const Var> state,
                                                    std::vector<std::int64_t> lengths,
                                                    std::vector<std::int64_t> answered);

/// x as what a SequenceModel reads.
[[nodiscard]] SequenceInput computed_input(Var x);

}  // namespace riverrun::cli
