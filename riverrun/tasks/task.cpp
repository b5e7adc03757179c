#include "riverrun/tasks/task.h"

#include <algorithm>
#include <cmath>

namespace riverrun::tasks {

std::int64_t Sequence::seq_len(const TaskSizes& sizes) const {
  if (sizes.symbols > 0) return static_cast<std::int64_t>(symbols.size());
  return static_cast<std::int64_t>(input.size()) / sizes.input_size;
}

TaskBatch::TaskBatch(std::span<const Sequence> sequences, const TaskSizes& sizes) {
  const auto batch = static_cast<std::int64_t>(sequences.size());
  for (const Sequence& sequence : sequences) lengths.push_back(sequence.seq_len(sizes));
  seq_len = std::ranges::max(lengths);
  if (sizes.symbols > 0) {
    symbols.resize(static_cast<std::size_t>(seq_len * batch));
  } else {
    input = Tensor({seq_len, batch, sizes.input_size});
  }
  for (std::int64_t b = 0; b < batch; ++b) {
    const Sequence& from = sequences[static_cast<std::size_t>(b)];
    for (std::size_t t = 0; t < from.symbols.size(); ++t) {
      symbols[t * sequences.size() + static_cast<std::size_t>(b)] = from.symbols[t];
    }
    for (std::int64_t t = 0; sizes.symbols == 0 && t < from.seq_len(sizes); ++t) {
      std::copy_n(from.input.data() + t * sizes.input_size, sizes.input_size,
                  input.data() + (t * batch + b) * sizes.input_size);
    }
    for (const std::int64_t step : from.asked) asked.push_back(step * batch + b);
    classes.insert(classes.end(), from.classes.begin(), from.classes.end());
    values.insert(values.end(), from.values.begin(), from.values.end());
  }
}

void Tally::add(const Verdict& verdict) {
  ++sequences;
  right += verdict.right ? 1 : 0;
  losses += verdict.loss;
  errors += verdict.error;
  rare += verdict.rare ? 1 : 0;
  called_rare += verdict.called_rare ? 1 : 0;
  rare_right += verdict.rare && verdict.called_rare ? 1 : 0;
}

double score(const Tally& tally, Score kind) {
  switch (kind) {
    case Score::kLoss:
      return tally.loss();
    case Score::kRightShare:
      return tally.right_share();
    case Score::kF1:
      break;
  }
  return tally.f1();
}

bool Criterion::met(const Tally& tally) const {
  if (tally.sequences == 0 || tally.sequences < window) return false;
  if (all_right && tally.right < tally.sequences) return false;
  return tally.error() < error_below && tally.loss() < loss_below &&
         tally.right_share() >= right_share && tally.f1() > f1_above;
}

namespace {

/// Calls body(answer, row of outputs) for each answer of `classes`.
template <class Body>
void for_answers(std::span<const float> outputs, std::size_t answers, Body body) {
  const std::size_t width = outputs.size() / answers;
  for (std::size_t i = 0; i < answers; ++i) body(i, outputs.subspan(i * width, width));
}

double log_sum_exp(std::span<const float> logits) {
  const double largest = std::ranges::max(logits);
  double sum = 0.0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  return largest + std::log(sum);
}

}  // namespace

Verdict judge_by_distance(const Sequence& sequence, std::span<const float> outputs,
                          double tolerance, std::size_t first_asked) {
  Verdict verdict{.right = true};
  for_answers(outputs, sequence.asked.size(), [&](std::size_t i, std::span<const float> row) {
    double loss = 0.0;
    double error = 0.0;
    if (sequence.classes.empty()) {
      error = std::fabs(static_cast<double>(row[0]) - sequence.values[i]);
      loss = error * error;
    } else {
      const double log_all = log_sum_exp(row);
      const auto target = static_cast<std::size_t>(sequence.classes[i]);
      loss = log_all - row[target];
      error = 1.0 - std::exp(-loss);
      for (std::size_t c = 0; c < row.size(); ++c) {
        if (c != target) error = std::fmax(error, std::exp(row[c] - log_all));
      }
    }
    verdict.loss += loss / static_cast<double>(sequence.asked.size());
    if (i < first_asked) return;
    verdict.error = std::fmax(verdict.error, error);
    if (!(error < tolerance)) verdict.right = false;  // NaN is not below anything
  });
  return verdict;
}

Verdict judge_by_largest(const Sequence& sequence, std::span<const float> outputs) {
  Verdict verdict = judge_by_distance(sequence, outputs, 0.0);
  verdict.right = !std::isnan(verdict.loss);  // NaN has no largest output
  for_answers(outputs, sequence.asked.size(), [&](std::size_t i, std::span<const float> row) {
    const auto answer = std::ranges::max_element(row) - row.begin();
    if (answer != sequence.classes[i]) verdict.right = false;
    if (row.size() != 2) return;
    verdict.rare = sequence.classes[i] == 1;
    verdict.called_rare = answer == 1;
  });
  return verdict;
}

}  // namespace riverrun::tasks
