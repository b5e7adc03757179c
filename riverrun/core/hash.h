#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace riverrun {

/// The hash FNV-1a of 64 bits (Fowler, Noll & Vo 1991), to notice a mistake, not an attack.
class Fnv1a {
 public:
  void add(std::span<const std::byte> bytes) noexcept {
    for (const std::byte byte : bytes) mix(std::to_integer<std::uint64_t>(byte));
  }
  void add(std::string_view text) noexcept { add(std::as_bytes(std::span(text))); }
  /// One step for the whole number.
  void mix(std::uint64_t number) noexcept { value_ = (value_ ^ number) * 0x100000001b3; }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325;
};

}  // namespace riverrun
