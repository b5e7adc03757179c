#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace riverrun::text {

struct StoreOptions {
  /// What goes beyond this many bytes is kept in a temporary file.
  std::int64_t memory_limit = std::int64_t{256} << 20;
  /// Where that file is made; empty: $TMPDIR if it is set, else /var/tmp. It has no name once it is
  /// open, so it is gone when the store is, even if the process is killed.
  std::filesystem::path temporary_folder;
};

/// Bytes that are written once, from front to back, and then read at any place: in memory if they
/// are few, else in a temporary file.
class ByteStore {
 public:
  explicit ByteStore(StoreOptions options = {});
  ByteStore(ByteStore&& other) noexcept;
  ByteStore& operator=(ByteStore&& other) noexcept;
  ByteStore(const ByteStore&) = delete;
  ByteStore& operator=(const ByteStore&) = delete;
  ~ByteStore();

  /// Throws IoError: no space, or no temporary file can be made.
  void append(std::span<const std::byte> bytes);
  /// All bytes have been appended; must be called before any is read. Throws IoError.
  void finish();

  [[nodiscard]] std::int64_t size() const noexcept { return size_; }
  [[nodiscard]] bool on_disk() const noexcept { return descriptor_ >= 0; }
  /// All bytes; empty if they are on disk.
  [[nodiscard]] std::span<const std::byte> in_memory() const noexcept;
  /// Copies bytes [offset, offset + out.size()), which must be there. Does not allocate. Any number
  /// of threads may read. Throws IoError.
  void read(std::int64_t offset, std::span<std::byte> out) const;

 private:
  void write_out();

  StoreOptions options_;
  std::int64_t size_ = 0;
  std::vector<std::byte> bytes_;  // all of them, or those not yet written to the file
  int descriptor_ = -1;
};

}  // namespace riverrun::text
