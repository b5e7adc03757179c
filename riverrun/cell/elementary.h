#pragma once

// Coefficients of the elementary functions, lowest power first, from scripts/fit_activations.py:
// for the SIMD kernels (kernels/math-inl.h) and for networks of fixed size (fixed/math.h).

namespace riverrun::elementary {

// ln 2 in two parts, the first with so few bits that an exponent times it is exact.
inline constexpr float kLn2High = 0.693145751953125f;
inline constexpr float kLn2Low = 1.42860682e-06f;
inline constexpr float kInverseLn2 = 1.44269504f;

/// exp(r) = 1 + r + r²·p(r) for |r| <= ln(2)/2
inline constexpr float kExp[] = {0.499999934f, 0.166665206f, 0.0416683881f, 0.00836871688f,
                                 0.00138145913f};
/// tanh(r) = r·(1 + r²·p(r²)) for |r| <= ln(2)/4
inline constexpr float kTanh[] = {-0.333312722f, 0.13110629f};
/// atanh(t) = t·(1 + t²·p(t²)) for |t| <= 1/3
inline constexpr float kAtanh[] = {0.333332081f, 0.200107636f, 0.140009022f, 0.140059955f};
/// log(1 + f) = f - f²/2 + f³·p(f) for √½ <= 1 + f <= √2
inline constexpr float kLog[] = {0.333333317f, -0.25000821f,  0.200012277f, -0.166233576f,
                                 0.142017411f, -0.131601636f, 0.127616795f, -0.0763466715f};

}  // namespace riverrun::elementary
