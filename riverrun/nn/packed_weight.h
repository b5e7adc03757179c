#pragma once

#include <memory>

#include "riverrun/core/tensor.h"
#include "riverrun/core/weight_type.h"
#include "riverrun/nn/parameter.h"

namespace riverrun {

/// A weight [out, in] in the order in which kernels::product reads it as the right operand of
/// x·Wᵀ. Several threads may ask at once.
class PackedWeight {
 public:
  PackedWeight();
  PackedWeight(PackedWeight&&) noexcept;
  PackedWeight& operator=(PackedWeight&&) noexcept;
  ~PackedWeight();

  /// As few_rows says, for left operands of few rows or of many. Packed anew if the weight has
  /// changed since the last call for this type and kind, which allocates.
  [[nodiscard]] std::shared_ptr<const Tensor> of(const Parameter& weight, WeightType type,
                                                 bool few_rows) const;

 private:
  struct Cache;
  std::unique_ptr<Cache> cache_;
};

}  // namespace riverrun
