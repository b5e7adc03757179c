#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "riverrun/core/tensor.h"
#include "riverrun/nn/parameter.h"

namespace riverrun {

/// Changes parameters by their gradients. Update equations and defaults are PyTorch's; a
/// parameter that no gradient has reached is left alone, and one that is listed twice is updated
/// once. It shares the parameters: layers may be moved, and destroyed, before it.
class Optimizer {
 public:
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;
  virtual ~Optimizer() = default;

  /// One update. Gradients are kept: zero_grad() clears them.
  void step();

  [[nodiscard]] double lr() const noexcept { return lr_; }
  /// Throws ConfigError unless lr is finite and at least 0.
  void set_lr(double lr);

  /// How many updates there have been; setting it, with state(), resumes a training run.
  [[nodiscard]] std::int64_t steps() const noexcept { return steps_; }
  void set_steps(std::int64_t steps) noexcept { steps_ = steps; }

  /// What is remembered between updates, for a checkpoint: tensors with the shapes of their
  /// parameters, named like "rnn.weight_ih_l0.exp_avg", always the same and in the same order. The
  /// name of a parameter that is listed twice is its first. Throws ConfigError if two of these
  /// parameters have one name, as those of two lists that are added without prefixed().
  [[nodiscard]] std::vector<std::pair<std::string, Tensor*>> state();

 protected:
  /// Keeps one zero tensor per parameter and name in `buffers`. Throws ConfigError for a bad lr,
  /// and for a name without a parameter.
  Optimizer(const ParameterList& parameters, double lr, std::vector<std::string> buffers);

  /// Called once before the pieces of a step, with steps() already counting it.
  virtual void prepare() {}
  /// Whether update() changes nothing where the gradient is zero, so that it may be left out there.
  [[nodiscard]] virtual bool leaves_values_without_gradient() const { return false; }
  /// Updates n consecutive values of one parameter; buffers[k] is that piece of the k-th buffer.
  /// Called from several threads.
  virtual void update(std::int64_t n, float* value, const float* grad,
                      float* const* buffers) const = 0;

 private:
  struct Slot {
    std::string name;
    std::shared_ptr<Parameter> parameter;
    std::vector<Tensor> buffers;
  };
  std::vector<Slot> slots_;
  std::vector<std::string> buffer_names_;
  double lr_;
  std::int64_t steps_ = 0;
};

struct SGDOptions {
  double lr = 1e-3;
  double momentum = 0.0;
  double weight_decay = 0.0;
  /// Nesterov 1983, in the form of Sutskever et al. 2013; needs momentum.
  bool nesterov = false;
};

/// Stochastic gradient descent, as torch.optim.SGD.
class SGD final : public Optimizer {
 public:
  /// Throws ConfigError.
  explicit SGD(const ParameterList& parameters, const SGDOptions& options = {});

 private:
  void update(std::int64_t n, float* value, const float* grad,
              float* const* buffers) const override;
  [[nodiscard]] bool leaves_values_without_gradient() const override {
    return options_.momentum == 0.0 && options_.weight_decay == 0.0;
  }
  SGDOptions options_;
};

struct AdamOptions {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  /// Times the value, added to the gradient.
  double weight_decay = 0.0;
};

/// Adam (Kingma & Ba 2015), as torch.optim.Adam.
class Adam : public Optimizer {
 public:
  /// Throws ConfigError.
  explicit Adam(const ParameterList& parameters, const AdamOptions& options = {});

 protected:
  enum class WeightDecay { kInGradient, kDecoupled };
  Adam(const ParameterList& parameters, const AdamOptions& options, WeightDecay kind);

 private:
  void prepare() override;
  void update(std::int64_t n, float* value, const float* grad,
              float* const* buffers) const override;
  AdamOptions options_;
  WeightDecay kind_;
  float step_size_ = 0.0f;
  float bias_correction2_sqrt_ = 1.0f;
};

struct AdamWOptions {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  /// Each step first multiplies the value by 1 - lr · weight_decay.
  double weight_decay = 1e-2;
};

/// Adam with decoupled weight decay (Loshchilov & Hutter 2019), as torch.optim.AdamW.
class AdamW final : public Adam {
 public:
  /// Throws ConfigError.
  explicit AdamW(const ParameterList& parameters, const AdamWOptions& options = {});
};

struct RMSPropOptions {
  double lr = 1e-2;
  double alpha = 0.99;
  double eps = 1e-8;
  double weight_decay = 0.0;
  double momentum = 0.0;
  /// Divides by an estimate of the standard deviation instead of the root mean square.
  bool centered = false;
};

/// RMSProp (Tieleman & Hinton 2012; centered: Graves 2013), as torch.optim.RMSprop.
class RMSProp final : public Optimizer {
 public:
  /// Throws ConfigError.
  explicit RMSProp(const ParameterList& parameters, const RMSPropOptions& options = {});

 private:
  void update(std::int64_t n, float* value, const float* grad,
              float* const* buffers) const override;
  template <bool kMomentum, bool kCentered>
  void update_as(std::int64_t n, float* value, const float* grad, float* const* buffers) const;
  RMSPropOptions options_;
};

}  // namespace riverrun
