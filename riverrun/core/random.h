#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace riverrun {

/// Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): four random
/// numbers from a counter and a key.
[[nodiscard]] std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> counter,
                                                         std::array<std::uint32_t, 2> key) noexcept;

/// Random numbers that are the same on every machine and with every compiler: Philox4x32-10, keyed
/// with the seed, counting blocks of four numbers within the stream. The whole state is three
/// numbers, so it can be saved and restored. Nothing here allocates.
class Random {
 public:
  /// Generators with the same seed and different streams are independent.
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0) noexcept;

  std::uint32_t next() noexcept;
  /// In [0, 1), with 24 random bits.
  float uniform() noexcept;
  /// In [low, high).
  float uniform(float low, float high) noexcept;
  /// Mean 0, standard deviation 1, from two numbers (Box & Muller 1958, "A note on the generation
  /// of random normal deviates"). Uses only operations that IEEE 754 defines to the bit.
  float normal() noexcept;
  /// In [0, bound), without bias; bound must not be 0 (Lemire 2019, "Fast random integer
  /// generation in an interval").
  std::uint32_t below(std::uint32_t bound) noexcept;

  void fill_uniform(std::span<float> values, float low, float high) noexcept;
  void fill_normal(std::span<float> values, float mean, float standard_deviation) noexcept;

  /// Seed, stream, and how many 32-bit numbers have been drawn.
  struct State {
    std::uint64_t seed = 0;
    std::uint64_t stream = 0;
    std::uint64_t drawn = 0;
    friend bool operator==(const State&, const State&) = default;
  };
  [[nodiscard]] State state() const noexcept;
  explicit Random(const State& state) noexcept;

 private:
  void refill() noexcept;

  State state_;
  std::array<std::uint32_t, 4> block_{};
};

/// Independent seeds for the parts of one thing, such as the layers of a model.
[[nodiscard]] std::uint64_t part_seed(std::uint64_t seed, std::uint64_t part) noexcept;

}  // namespace riverrun
