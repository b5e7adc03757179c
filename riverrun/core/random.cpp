#include "riverrun/core/random.h"

#include <bit>
#include <cmath>
#include <numbers>

// Compiled with -ffp-contract=off: a compiler that fused multiplications with additions would
// change the last bits. For the same reason log and cos are not the C library's, whose versions
// differ.

namespace riverrun {
namespace {

constexpr int kRounds = 10;
constexpr std::uint32_t kMultiplier0 = 0xD2511F53;
constexpr std::uint32_t kMultiplier1 = 0xCD9E8D57;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9;  // the golden ratio
constexpr std::uint32_t kWeyl1 = 0xBB67AE85;  // sqrt(3) - 1

constexpr std::uint32_t low32(std::uint64_t x) { return static_cast<std::uint32_t>(x); }
constexpr std::uint32_t high32(std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); }

// ln(n / 2^32) for n in [1, 2^32]: n = m 2^e with m in [2/3, 4/3), and
// ln m = 2 atanh(s) = 2 (s + s^3/3 + s^5/5 + ...) with s = (m - 1)/(m + 1), so |s| <= 1/5.
double log_fraction(std::uint64_t n) {
  int exponent = std::bit_width(n);
  double m = static_cast<double>(n) / static_cast<double>(std::uint64_t{1} << exponent);
  if (m < 2.0 / 3.0) {
    m *= 2.0;
    --exponent;
  }
  double s = (m - 1.0) / (m + 1.0);
  double s2 = s * s;
  double sum = 0.0;
  // The first term left out is s^23/23 < 1e-17.
  for (int k = 21; k >= 1; k -= 2) sum = sum * s2 + 1.0 / k;
  return 2.0 * s * sum + (exponent - 32) * std::numbers::ln2;
}

// Taylor's series about 0 for |x| <= pi/4; the first terms left out are below 1e-17.
double sin_small(double x) {
  double x2 = x * x;
  double sum = 1.0;
  for (int k = 16; k >= 2; k -= 2) sum = 1.0 - sum * (x2 / (k * (k + 1)));
  return x * sum;
}
double cos_small(double x) {
  double x2 = x * x;
  double sum = 1.0;
  for (int k = 17; k >= 1; k -= 2) sum = 1.0 - sum * (x2 / (k * (k + 1)));
  return sum;
}

// cos(2 pi n / 2^32): exact integer arithmetic finds the nearest multiple of a quarter turn.
double cos_turn(std::uint32_t n) {
  std::uint32_t quarter = (n + (1u << 29)) >> 30;
  auto rest = static_cast<std::int32_t>(n - (quarter << 30));
  double angle = rest * (2.0 * std::numbers::pi / 4294967296.0);
  switch (quarter & 3) {
    case 0:
      return cos_small(angle);
    case 1:
      return -sin_small(angle);
    case 2:
      return -cos_small(angle);
    default:
      return sin_small(angle);
  }
}

}  // namespace

std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> counter,
                                           std::array<std::uint32_t, 2> key) noexcept {
  for (int round = 0; round < kRounds; ++round) {
    std::uint64_t product0 = std::uint64_t{kMultiplier0} * counter[0];
    std::uint64_t product1 = std::uint64_t{kMultiplier1} * counter[2];
    counter = {high32(product1) ^ counter[1] ^ key[0], low32(product1),
               high32(product0) ^ counter[3] ^ key[1], low32(product0)};
    key = {key[0] + kWeyl0, key[1] + kWeyl1};
  }
  return counter;
}

Random::Random(std::uint64_t seed, std::uint64_t stream) noexcept : state_{seed, stream, 0} {}

Random::Random(const State& state) noexcept : state_(state) {
  if (state_.drawn % block_.size() != 0) refill();
}

Random::State Random::state() const noexcept { return state_; }

void Random::refill() noexcept {
  std::uint64_t block = state_.drawn / block_.size();
  block_ = philox4x32_10({low32(block), high32(block), low32(state_.stream), high32(state_.stream)},
                         {low32(state_.seed), high32(state_.seed)});
}

std::uint32_t Random::next() noexcept {
  std::size_t index = state_.drawn % block_.size();
  if (index == 0) refill();
  ++state_.drawn;
  return block_[index];
}

float Random::uniform() noexcept { return static_cast<float>(next() >> 8) * 0x1p-24f; }

float Random::uniform(float low, float high) noexcept {
  float value = low + (high - low) * uniform();
  // Rounding may reach the open end.
  return value < high ? value : std::nextafter(high, low);
}

float Random::normal() noexcept {
  double radius = std::sqrt(-2.0 * log_fraction(std::uint64_t{next()} + 1));
  return static_cast<float>(radius * cos_turn(next()));
}

std::uint32_t Random::below(std::uint32_t bound) noexcept {
  std::uint64_t product = std::uint64_t{next()} * bound;
  if (low32(product) < bound) {
    std::uint32_t unfair = (0u - bound) % bound;  // 2^32 mod bound
    while (low32(product) < unfair) product = std::uint64_t{next()} * bound;
  }
  return high32(product);
}

void Random::fill_uniform(std::span<float> values, float low, float high) noexcept {
  for (float& value : values) value = uniform(low, high);
}

void Random::fill_normal(std::span<float> values, float mean, float standard_deviation) noexcept {
  for (float& value : values) value = mean + standard_deviation * normal();
}

std::uint64_t part_seed(std::uint64_t seed, std::uint64_t part) noexcept {
  Random random(seed, part);
  const std::uint64_t high = random.next();
  return high << 32 | random.next();
}

}  // namespace riverrun
