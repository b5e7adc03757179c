#include "riverrun/kernels/softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>

// Compiles this file once for each instruction set; the order matters.
// clang-format off
#include "riverrun/kernels/highway-config.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "riverrun/kernels/softmax.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "riverrun/kernels/math-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace riverrun::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// One row of logits with the bias added on the way: it is read twice and written not at all.
struct Row {
  const float* logits;
  const float* bias;
  std::int64_t classes;

  HWY_INLINE V load(D d, std::int64_t i) const {
    const V x = hn::LoadU(d, logits + i);
    return bias ? hn::Add(x, hn::LoadU(d, bias + i)) : x;
  }
  HWY_INLINE float at(std::int64_t i) const { return bias ? logits[i] + bias[i] : logits[i]; }
  // The last, incomplete vector. It goes through an array because loads past the end are forbidden;
  // the free lanes repeat the last class, which leaves the maximum as it is.
  HWY_INLINE V load_rest(D d, std::int64_t i) const {
    HWY_ALIGN float lanes[hn::MaxLanes(D())];
    const auto n = static_cast<std::int64_t>(hn::Lanes(d));
    for (std::int64_t k = 0; k < n; ++k) lanes[k] = at(std::min(i + k, classes - 1));
    return hn::Load(d, lanes);
  }
};

// The largest logit; NaN if there is a NaN, which Max alone would lose.
HWY_INLINE float row_max(const Row& row) {
  const D d;
  const auto n = static_cast<std::int64_t>(hn::Lanes(d));
  V largest = hn::Set(d, -std::numeric_limits<float>::infinity());
  auto nan = hn::IsNaN(largest);
  std::int64_t i = 0;
  for (; i + n <= row.classes; i += n) {
    const V x = row.load(d, i);
    largest = hn::Max(largest, x);
    nan = hn::Or(nan, hn::IsNaN(x));
  }
  if (i < row.classes) {
    const V x = row.load_rest(d, i);
    largest = hn::Max(largest, x);
    nan = hn::Or(nan, hn::IsNaN(x));
  }
  if (!hn::AllFalse(d, nan)) return std::numeric_limits<float>::quiet_NaN();
  return hn::GetLane(hn::MaxOfLanes(d, largest));
}

// Σ exp(x - max), the terms written to `terms` if that is asked for.
template <bool kWrite>
HWY_INLINE float sum_exp(const Row& row, float max, float* terms) {
  const D d;
  const auto n = static_cast<std::int64_t>(hn::Lanes(d));
  const V shift = hn::Set(d, max);
  V sum0 = hn::Zero(d);
  V sum1 = hn::Zero(d);
  std::int64_t i = 0;
  for (; i + 2 * n <= row.classes; i += 2 * n) {
    const V e0 = Exp(d, hn::Sub(row.load(d, i), shift));
    const V e1 = Exp(d, hn::Sub(row.load(d, i + n), shift));
    if constexpr (kWrite) {
      hn::StoreU(e0, d, terms + i);
      hn::StoreU(e1, d, terms + i + n);
    }
    sum0 = hn::Add(sum0, e0);
    sum1 = hn::Add(sum1, e1);
  }
  for (; i < row.classes; i += n) {
    const std::int64_t left = std::min(n, row.classes - i);
    const V x = left == n ? row.load(d, i) : row.load_rest(d, i);
    const V e = hn::IfThenElseZero(hn::FirstN(d, static_cast<std::size_t>(left)),
                                   Exp(d, hn::Sub(x, shift)));
    if constexpr (kWrite) {
      HWY_ALIGN float lanes[hn::MaxLanes(D())];
      hn::Store(e, d, lanes);
      std::copy_n(lanes, left, terms + i);
    }
    sum0 = hn::Add(sum0, e);
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(sum0, sum1)));
}

HWY_INLINE void scale_row(std::int64_t classes, float factor, float* values) {
  const D d;
  const auto n = static_cast<std::int64_t>(hn::Lanes(d));
  const V by = hn::Set(d, factor);
  std::int64_t i = 0;
  for (; i + n <= classes; i += n) hn::StoreU(hn::Mul(by, hn::LoadU(d, values + i)), d, values + i);
  for (; i < classes; ++i) values[i] *= factor;
}

template <bool kGrad>
HWY_INLINE void for_rows(const CrossEntropyRows& rows, float scale, float* grad, double* nats) {
  for (std::int64_t r = 0; r < rows.rows; ++r) {
    const Row row{rows.logits + r * rows.classes, rows.bias, rows.classes};
    float* row_grad = kGrad ? grad + r * rows.classes : nullptr;
    const std::int32_t target = rows.targets[r];
    if (target == rows.ignore_index) {
      nats[r] = 0.0;
      if constexpr (kGrad) std::fill_n(row_grad, rows.classes, 0.0f);
      continue;
    }
    const float max = row_max(row);
    if (!std::isfinite(max)) {
      nats[r] = std::numeric_limits<double>::quiet_NaN();
      if constexpr (kGrad) {
        std::fill_n(row_grad, rows.classes, std::numeric_limits<float>::quiet_NaN());
      }
      continue;
    }
    const double target_logit = row.at(target);  // before the gradient takes its place
    const float sum = sum_exp<kGrad>(row, max, row_grad);
    nats[r] = std::log(static_cast<double>(sum)) + (static_cast<double>(max) - target_logit);
    if constexpr (kGrad) {
      scale_row(rows.classes, scale / sum, row_grad);
      row_grad[target] -= scale;
    }
  }
}

void cross_entropy(const CrossEntropyRows& rows, double* nats) {
  for_rows<false>(rows, 0.0f, nullptr, nats);
}

void cross_entropy_with_grad(const CrossEntropyRows& rows, float scale, float* grad, double* nats) {
  for_rows<true>(rows, scale, grad, nats);
}

}  // namespace riverrun::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace riverrun::kernels {

HWY_EXPORT(cross_entropy);
HWY_EXPORT(cross_entropy_with_grad);

void cross_entropy(const CrossEntropyRows& rows, double* nats) {
  HWY_DYNAMIC_DISPATCH(cross_entropy)(rows, nats);
}

void cross_entropy_with_grad(const CrossEntropyRows& rows, float scale, float* grad, double* nats) {
  HWY_DYNAMIC_DISPATCH(cross_entropy_with_grad)(rows, scale, grad, nats);
}

}  // namespace riverrun::kernels
#endif
