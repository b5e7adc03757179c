#include "riverrun/nn/optimizer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string_view>
#include <unordered_set>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/nn/parallel_chunks.h"

namespace riverrun {
namespace {

constexpr std::size_t kMaxBuffers = 3;

// `in_range` is false for NaN in all the tests below.
void check(bool in_range, const char* who, const char* option, double value, const char* rule) {
  if (in_range) return;
  throw ConfigError(fmt::format("{}: {} is {}; it must be {}", who, option, value, rule));
}

void check_lr(double lr) {
  check(lr >= 0.0 && std::isfinite(lr), "Optimizer", "lr", lr, "finite and at least 0");
}

void check_weight_decay(const char* who, double value) {
  check(value >= 0.0 && std::isfinite(value), who, "weight_decay", value, "finite and at least 0");
}

void check_eps(const char* who, double value) {
  check(value >= 0.0 && std::isfinite(value), who, "eps", value, "finite and at least 0");
}

void check_fraction(const char* who, const char* option, double value) {
  check(value >= 0.0 && value < 1.0, who, option, value, "in [0, 1)");
}

std::vector<std::string> sgd_buffers(const SGDOptions& options) {
  if (options.momentum == 0.0) return {};
  return {"momentum_buffer"};
}

std::vector<std::string> rmsprop_buffers(const RMSPropOptions& options) {
  std::vector<std::string> names{"square_avg"};
  if (options.momentum != 0.0) names.emplace_back("momentum_buffer");
  if (options.centered) names.emplace_back("grad_avg");
  return names;
}

}  // namespace

Optimizer::Optimizer(const ParameterList& parameters, double lr, std::vector<std::string> buffers)
    : buffer_names_(std::move(buffers)), lr_(lr) {
  check_lr(lr);
  for (const auto& [name, parameter] : distinct(parameters)) {
    if (parameter == nullptr) {
      throw ConfigError(fmt::format("Optimizer: there is no parameter behind \"{}\"", name));
    }
    Slot slot{name, parameter, {}};
    for (std::size_t i = 0; i < buffer_names_.size(); ++i) {
      slot.buffers.emplace_back(parameter->value().shape());
    }
    slots_.push_back(std::move(slot));
  }
}

void Optimizer::set_lr(double lr) {
  check_lr(lr);
  lr_ = lr;
}

void Optimizer::step() {
  ++steps_;
  prepare();
  struct Piece {
    Slot* slot;
    float* values;
    std::int64_t begin, end;
  };
  // All parameters in one list of pieces: the many small ones then share one hand-over to the
  // threads with the large ones.
  std::vector<Piece> pieces;
  for (Slot& slot : slots_) {
    if (slot.parameter->grad().empty()) continue;
    Tensor& value = slot.parameter->mutable_value();
    const std::span<const std::int32_t> rows = slot.parameter->grad_rows();
    if (!rows.empty() && leaves_values_without_gradient()) {
      const std::int64_t width = value.elements() / value.size(0);
      for (const std::int32_t row : rows) {
        pieces.push_back({&slot, value.data(), row * width, (row + 1) * width});
      }
      continue;
    }
    for (std::int64_t begin = 0; begin < value.elements(); begin += kElementsPerChunk) {
      pieces.push_back(
          {&slot, value.data(), begin, std::min(value.elements(), begin + kElementsPerChunk)});
    }
  }
  parallel_for(static_cast<std::int64_t>(pieces.size()), [&](std::int64_t index) {
    const auto [slot, values, begin, end] = pieces[static_cast<std::size_t>(index)];
    std::array<float*, kMaxBuffers> buffers{};
    for (std::size_t i = 0; i < slot->buffers.size(); ++i) {
      buffers[i] = slot->buffers[i].data() + begin;
    }
    update(end - begin, values + begin, slot->parameter->grad().data() + begin, buffers.data());
  });
}

std::vector<std::pair<std::string, Tensor*>> Optimizer::state() {
  std::vector<std::pair<std::string, Tensor*>> tensors;
  std::unordered_set<std::string_view> names;
  for (Slot& slot : slots_) {
    if (!slot.buffers.empty() && !names.insert(slot.name).second) {
      throw ConfigError(fmt::format(
          "Optimizer.state: two parameters are called \"{}\"; prefixed() tells lists apart",
          slot.name));
    }
    for (std::size_t i = 0; i < slot.buffers.size(); ++i) {
      tensors.emplace_back(slot.name + "." + buffer_names_[i], &slot.buffers[i]);
    }
  }
  return tensors;
}

SGD::SGD(const ParameterList& parameters, const SGDOptions& options)
    : Optimizer(parameters, options.lr, sgd_buffers(options)), options_(options) {
  check_fraction("SGD", "momentum", options.momentum);
  check_weight_decay("SGD", options.weight_decay);
  if (options.nesterov && options.momentum == 0.0) {
    throw ConfigError("SGD: momentum is 0; nesterov needs a positive one");
  }
}

void SGD::update(std::int64_t n, float* value, const float* grad, float* const* buffers) const {
  const auto step = static_cast<float>(lr());
  const auto decay = static_cast<float>(options_.weight_decay);
  if (options_.momentum == 0.0) {
    for (std::int64_t i = 0; i < n; ++i) value[i] -= step * (grad[i] + decay * value[i]);
    return;
  }
  const auto momentum = static_cast<float>(options_.momentum);
  // The velocity, and what Nesterov looks ahead by.
  const float ahead = options_.nesterov ? momentum : 1.0f;
  const float direct = options_.nesterov ? 1.0f : 0.0f;
  float* velocity = buffers[0];
  for (std::int64_t i = 0; i < n; ++i) {
    const float g = grad[i] + decay * value[i];
    velocity[i] = momentum * velocity[i] + g;
    value[i] -= step * (direct * g + ahead * velocity[i]);
  }
}

Adam::Adam(const ParameterList& parameters, const AdamOptions& options)
    : Adam(parameters, options, WeightDecay::kInGradient) {}

Adam::Adam(const ParameterList& parameters, const AdamOptions& options, WeightDecay kind)
    : Optimizer(parameters, options.lr, {"exp_avg", "exp_avg_sq"}), options_(options), kind_(kind) {
  const char* who = kind == WeightDecay::kDecoupled ? "AdamW" : "Adam";
  check_fraction(who, "beta1", options.beta1);
  check_fraction(who, "beta2", options.beta2);
  check_eps(who, options.eps);
  check_weight_decay(who, options.weight_decay);
}

void Adam::prepare() {
  const auto t = static_cast<double>(steps());
  step_size_ = static_cast<float>(lr() / (1.0 - std::pow(options_.beta1, t)));
  bias_correction2_sqrt_ = static_cast<float>(std::sqrt(1.0 - std::pow(options_.beta2, t)));
}

void Adam::update(std::int64_t n, float* value, const float* grad, float* const* buffers) const {
  const bool decoupled = kind_ == WeightDecay::kDecoupled;
  const auto keep = static_cast<float>(decoupled ? 1.0 - lr() * options_.weight_decay : 1.0);
  const auto decay = static_cast<float>(decoupled ? 0.0 : options_.weight_decay);
  const auto one_minus_beta1 = static_cast<float>(1.0 - options_.beta1);
  const auto beta2 = static_cast<float>(options_.beta2);
  const auto one_minus_beta2 = static_cast<float>(1.0 - options_.beta2);
  const auto eps = static_cast<float>(options_.eps);
  const float step_size = step_size_;
  const float inverse_root = 1.0f / bias_correction2_sqrt_;
  float* mean = buffers[0];
  float* square = buffers[1];
  for (std::int64_t i = 0; i < n; ++i) {
    const float g = grad[i] + decay * value[i];
    mean[i] += one_minus_beta1 * (g - mean[i]);
    square[i] = beta2 * square[i] + one_minus_beta2 * g * g;
    value[i] = keep * value[i] - step_size * mean[i] / (std::sqrt(square[i]) * inverse_root + eps);
  }
}

AdamW::AdamW(const ParameterList& parameters, const AdamWOptions& options)
    : Adam(parameters,
           {options.lr, options.beta1, options.beta2, options.eps, options.weight_decay},
           WeightDecay::kDecoupled) {}

RMSProp::RMSProp(const ParameterList& parameters, const RMSPropOptions& options)
    : Optimizer(parameters, options.lr, rmsprop_buffers(options)), options_(options) {
  check_fraction("RMSProp", "alpha", options.alpha);
  check_eps("RMSProp", options.eps);
  check_weight_decay("RMSProp", options.weight_decay);
  check_fraction("RMSProp", "momentum", options.momentum);
}

template <bool kMomentum, bool kCentered>
void RMSProp::update_as(std::int64_t n, float* value, const float* grad,
                        float* const* buffers) const {
  const auto step = static_cast<float>(lr());
  const auto decay = static_cast<float>(options_.weight_decay);
  const auto alpha = static_cast<float>(options_.alpha);
  const auto one_minus_alpha = static_cast<float>(1.0 - options_.alpha);
  const auto eps = static_cast<float>(options_.eps);
  const auto momentum = static_cast<float>(options_.momentum);
  float* square = buffers[0];
  float* velocity = kMomentum ? buffers[1] : nullptr;
  float* mean = kCentered ? buffers[kMomentum ? 2 : 1] : nullptr;
  for (std::int64_t i = 0; i < n; ++i) {
    const float g = grad[i] + decay * value[i];
    square[i] = alpha * square[i] + one_minus_alpha * g * g;
    float variance = square[i];
    if constexpr (kCentered) {
      mean[i] += one_minus_alpha * (g - mean[i]);
      variance -= mean[i] * mean[i];
    }
    float direction = g / (std::sqrt(variance) + eps);
    if constexpr (kMomentum) direction = velocity[i] = momentum * velocity[i] + direction;
    value[i] -= step * direction;
  }
}

void RMSProp::update(std::int64_t n, float* value, const float* grad, float* const* buffers) const {
  if (options_.momentum != 0.0) {
    options_.centered ? update_as<true, true>(n, value, grad, buffers)
                      : update_as<true, false>(n, value, grad, buffers);
  } else {
    options_.centered ? update_as<false, true>(n, value, grad, buffers)
                      : update_as<false, false>(n, value, grad, buffers);
  }
}

}  // namespace riverrun
