#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>

#include "riverrun/core/fields.h"
#include "riverrun/nn/recurrent.h"

namespace riverrun {

/// How the recurrent layers of a network begin, where not as in PyTorch. What is set here may be
/// set together, except orthogonal with identity and forget_bias with chrono_steps. A pair of
/// biases that is decided stands in bias_ih, with 0 in bias_hh.
struct Initialization {
  /// What the biases of the gate "f" add up to, as RecurrentOptions::forget_bias.
  std::optional<float> forget_bias = std::nullopt;
  /// Chrono (Tallec & Ollivier 2018, "Can recurrent neural networks warp time?"), for dependencies
  /// over up to T = chrono_steps > 2 steps: b_f ~ log U(1, T - 1), and b_i = -b_f where there is a
  /// gate "i". A unit then remembers for between 2 and T steps. Where there is no gate "f" it is
  /// the gate "z", by which a GRU keeps its state: b_z ~ log U(1, T - 1).
  std::optional<std::int64_t> chrono_steps = std::nullopt;
  /// Each gate's block of weight_hh is a random orthogonal matrix (Saxe et al. 2014), with a
  /// projection one of orthonormal columns.
  bool orthogonal = false;
  /// weight_hh is so many times the unit matrix and all biases are 0 (Le, Jaitly & Hinton 2015, "A
  /// simple way to initialize recurrent networks of rectified linear units"): for cells of one
  /// gate, without projection. Their small normal weight_ih is not part of it.
  std::optional<float> identity = std::nullopt;

  friend bool operator==(const Initialization&, const Initialization&) = default;
};

template <>
inline constexpr auto kFields<Initialization> = [] {
  using O = Initialization;
  return std::tuple{Field{"forget_bias", &O::forget_bias}, Field{"chrono_steps", &O::chrono_steps},
                    Field{"orthogonal", &O::orthogonal}, Field{"identity", &O::identity}};
}();

/// Draws anew what `how` decides, of every layer and direction, from `seed`, and leaves the rest of
/// the parameters. Throws ConfigError, before anything is changed, if the network has no such gate,
/// biases or weights, or for invalid values.
void initialize(Recurrent& network, const Initialization& how, std::uint64_t seed);

/// From words joined by '+': "pytorch" (nothing is set), "forget=X", "chrono" (over `length` steps)
/// or "chrono=T", "orthogonal", "identity" or "identity=X"; "chrono+orthogonal", for example.
/// Throws ConfigError.
[[nodiscard]] Initialization parse_initialization(std::string_view text, std::int64_t length);

}  // namespace riverrun
