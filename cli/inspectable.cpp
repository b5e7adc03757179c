#include "cli/inspectable.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"

namespace riverrun::cli {

std::unique_ptr<Inspectable> open_inspectable(Kind kind, const InspectableSource& source) {
  switch (kind) {
    case Kind::kClassify:
      return open_classifier(source);
    case Kind::kTag:
      return open_tagger(source);
    case Kind::kForecast:
      return open_forecaster(source);
    case Kind::kTransform:
      return open_signal_model(source);
    case Kind::kTask:
      return open_task_network(source);
    case Kind::kLanguage:
      break;
  }
  throw ConfigError(fmt::format("{}: {} is {}, which has no examples", source.verb,
                                source.model.string(), noun(kind)));
}

std::vector<std::int64_t> spread(const Inspectable& model, std::int64_t count) {
  const std::int64_t all = model.size() - model.first();
  count = std::min(count, all);
  std::vector<std::int64_t> chosen;
  for (std::int64_t i = 0; i < count; ++i) {
    const double part = count > 1 ? static_cast<double>(i) / static_cast<double>(count - 1) : 0;
    chosen.push_back(model.first() + std::llround(part * static_cast<double>(all - 1)));
  }
  return chosen;
}

std::vector<std::string> numbered(std::int64_t count, const char* called) {
  std::vector<std::string> names;
  for (std::int64_t i = 1; i <= count; ++i) names.push_back(fmt::format("{}{}", called, i));
  return names;
}

insight::StackGradient stack_gradient(Var loss, Var read, Var output, std::span<const Var> state,
                                      std::vector<std::int64_t> lengths,
                                      std::vector<std::int64_t> answered) {
  loss.tape().backward(loss);
  insight::StackGradient gradient{.x = read.value(),
                                  .lengths = std::move(lengths),
                                  .answered = std::move(answered),
                                  .output = {},
                                  .state = {}};
  if (!gradient.answered.empty()) {
    gradient.output = output.grad();
    return gradient;
  }
  for (const Var& of_state : state) gradient.state.push_back(of_state.grad());
  return gradient;
}

SequenceInput computed_input(Var x) {
  SequenceInput input{.seq_len = x.shape()[0], .batch = x.shape()[1]};
  input.computed = x;
  return input;
}

}  // namespace riverrun::cli
