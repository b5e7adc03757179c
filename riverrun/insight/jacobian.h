#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "riverrun/cell/reference.h"
#include "riverrun/insight/exact_recurrent.h"

// The Jacobians of a network's steps, written out. The state of a stack is one vector of
// N = layers · S · H numbers: layer by layer, state by state. They are made by forward-mode
// differentiation and are independent of the backward programs.

namespace riverrun::insight {

/// ∂(state after step t)/∂(state before it) of one sequence, t in [0, T). [N, N]
[[nodiscard]] reference::Matrix step_jacobian(const ExactRecurrent& net,
                                              const ExactRecurrent::Run& run, std::int64_t t,
                                              std::int64_t sequence);

/// A matrix of numbers that may be beyond a double's exponent: values · 2^exponent.
struct ScaledMatrix {
  reference::Matrix values;
  int exponent = 0;
};

/// ∂(last state)/∂(the state k steps before) of one sequence, the product of k steps' Jacobians,
/// for each k of `lags`, which must rise and be in [1, T]. Throws ConfigError.
[[nodiscard]] std::vector<ScaledMatrix> jacobian_products(const ExactRecurrent& net,
                                                          const ExactRecurrent::Run& run,
                                                          std::int64_t sequence,
                                                          std::span<const std::int64_t> lags);

/// By rotations of pairs of rows until all are orthogonal (Hestenes 1958, "Inversion of matrices by
/// biorthogonalization and related results").
[[nodiscard]] double largest_singular_value(reference::Matrix matrix);

}  // namespace riverrun::insight
