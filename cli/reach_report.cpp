#include "cli/reach_report.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/nn/cells.h"

namespace riverrun::cli {

std::optional<std::string> ReachReport::take(const Progress& progress) {
  const double usual = sum_of_norms_ / static_cast<double>(std::max<std::int64_t>(updates_, 1));
  ++updates_;
  sum_of_norms_ += progress.grad_norm;
  shown_norm_ = progress.mean_grad_norm;
  if (progress.grad_norm > largest_norm_) {
    largest_norm_ = progress.grad_norm;
    largest_step_ = progress.step;
  }
  constexpr std::int64_t kFewUpdates = 10;  // of which nothing can be called usual
  if (warned_of_exploding_ || updates_ <= kFewUpdates ||
      progress.grad_norm <= insight::kHorizonFactor * usual) {
    return std::nullopt;
  }
  warned_of_exploding_ = true;
  return fmt::format(
      "warning: the gradient explodes: its norm was {:.2g} on average, and is {:.2g} at step {}; "
      "{}",
      usual, progress.grad_norm, progress.step, against_exploding(progress.step));
}

std::optional<std::string> ReachReport::take(const lm::Reach& reach) {
  last_ = reach.gradients;
  measured_.push_back({reach.step, last_.back().lag, lm::memory_horizon(last_)});
  const auto& [step, seq_len, horizon] = measured_.back();
  if (!warned_of_exploding_ && horizon.fate == insight::Fate::kExplodes) {
    warned_of_exploding_ = true;
    return fmt::format(
        "warning: the gradient explodes: each step back multiplies it by {:.3g}, and it flows back "
        "through {}; {}",
        std::exp(horizon.log_growth.value_or(0)), seq_len, against_exploding(step));
  }
  // Every network begins with a short memory and learns a longer one: not the first measurements,
  // and not a single one.
  constexpr int kInARow = 2;
  in_a_row_ = horizon.fate == insight::Fate::kVanishes && step > 0 ? in_a_row_ + 1 : 0;
  if (told_of_vanishing_ || in_a_row_ < kInARow) return std::nullopt;
  told_of_vanishing_ = true;
  // No advice: gates, and a larger forget bias, lengthen the reach of a network as it begins.
  // Whether they do once it has learnt, and whether that lowers the loss, differs from text to
  // text.
  return fmt::format(
      "note: the gradient vanishes within the {} steps that it flows back through: {:.0f} steps "
      "back it is 1 % of what it is one step back, so what lies further back hardly teaches the "
      "network anything; a longer --seq-len alone does not change that",
      seq_len, *horizon.lag);
}

std::string ReachReport::against_exploding(std::int64_t step) const {
  const std::optional<float>& init = options_.model.init_uniform;
  if (step == 0 && init) {
    return fmt::format("begin with smaller weights (--init-uniform, here {})", *init);
  }
  const double clip = options_.trainer.clip;
  return fmt::format("lower --lr (here {}){}", options_.trainer.lr,
                     clip > 0 ? fmt::format(" or --clip (here {})", clip)
                              : std::string(", or bound the norm with --clip 1"));
}

std::string ReachReport::figures() const {
  if (updates_ == 0) return {};
  std::string text = fmt::format("gradient {:.2g}", shown_norm_);
  if (measured_.empty()) return text;
  const Measured& now = measured_.back();
  const std::optional<double>& lag = now.horizon.lag;
  text += lag ? fmt::format("  reaches {:.0f} of {} steps", *lag, now.seq_len)
              : fmt::format("  reaches > {} steps", now.seq_len);
  return text;
}

nlohmann::ordered_json ReachReport::to_json() const {
  using Json = nlohmann::ordered_json;
  const auto or_null = [](const std::optional<double>& value) {
    return value ? Json(*value) : Json(nullptr);
  };
  Json reached = Json::array();
  for (const Measured& m : measured_) {
    reached.push_back({{"step", m.step},
                       {"fate", insight::to_string(m.horizon.fate)},
                       {"horizon", or_null(m.horizon.lag)},
                       {"log_growth_per_step", or_null(m.horizon.log_growth)}});
  }
  Json norms = Json::array();
  const std::vector<std::string>& states = options_.model.cell.descriptor().states;
  for (const lm::StateGradient& gradient : last_) {
    Json entry = {{"lag", gradient.lag}};
    for (std::size_t s = 0; s < states.size(); ++s) entry[states[s]] = gradient.norms[s];
    norms.push_back(std::move(entry));
  }
  return {{"mean_norm",
           updates_ > 0 ? Json(sum_of_norms_ / static_cast<double>(updates_)) : Json(nullptr)},
          {"largest_norm", largest_norm_},
          {"largest_norm_step", largest_step_},
          {"reach", reached},
          {"last_norms", norms}};
}

}  // namespace riverrun::cli
