#pragma once

#include "riverrun/nn/parameter.h"

namespace riverrun {

/// Scales all gradients together so that their global Euclidean norm is at most max_norm, as
/// torch.nn.utils.clip_grad_norm_ (Pascanu et al. 2013). Returns the norm before clipping; if that
/// is NaN or infinite, which the caller should test, the gradients are left as they are. An
/// infinite max_norm only measures. A parameter that is listed twice counts once. Throws
/// ConfigError unless max_norm > 0.
double clip_grad_norm(const ParameterList& parameters, double max_norm);

/// Clamps each element of each gradient to [-clip_value, clip_value]; a NaN stays NaN. Throws
/// ConfigError unless clip_value > 0.
void clip_grad_value(const ParameterList& parameters, float clip_value);

}  // namespace riverrun
