#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace riverrun {

/// The whole file. Throws IoError (also for a folder).
[[nodiscard]] std::string read_file(const std::filesystem::path& path);

class FileWriter;

/// Replaces `path` atomically: `write` fills a temporary file beside it, which is synced and then
/// renamed, and the folder is synced. If anything fails, or the process dies at any moment, the
/// previous file is whole and the temporary one does not take its place. A symbolic link stays and
/// the file it leads to is replaced; permissions are kept. Temporary files are called
/// ".riverrun-*.tmp"; those that a killed process left in the folder are removed. Throws IoError,
/// and whatever `write` throws.
void replace_file(const std::filesystem::path& path, const std::function<void(FileWriter&)>& write);
void replace_file(const std::filesystem::path& path, std::string_view contents);

/// Whether a file is called as replace_file calls its temporary ones.
[[nodiscard]] bool is_temporary_name(std::string_view name) noexcept;

/// Removes the temporary files that killed processes left in `folder`, without waiting for the next
/// replace_file there. Failures are ignored: this is only tidying.
void remove_stale_temporaries(const std::filesystem::path& folder) noexcept;

/// What replace_file's callback writes to. Throws IoError, on a full disk for example.
class FileWriter {
 public:
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);

 private:
  friend void replace_file(const std::filesystem::path&, const std::function<void(FileWriter&)>&);
  FileWriter(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  int descriptor_;
  std::string path_;
};

/// A file of the operating system's that is closed with this object; a negative number is none.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

/// A regular file, open for reading at any place, so that one larger than memory can be walked
/// through. It stays the same file when replace_file puts another in its place. It is read and not
/// mapped into memory: whoever shortens a mapped file ends the processes that read it.
class File {
 public:
  /// Throws IoError (also for a folder, a pipe or a device).
  explicit File(const std::filesystem::path& path);

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// In bytes, as it was when the file was opened.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

  /// Fills `out` with the bytes from `offset` on. Throws IoError, and FormatError if the file ends
  /// before, because it was shortened meanwhile. Any number of threads may read.
  void read(std::uint64_t offset, std::span<std::byte> out) const;
  /// All of it. Throws as above, and FormatError if it has more than `most_bytes`.
  [[nodiscard]] std::string contents(std::uint64_t most_bytes = UINT64_MAX) const;

 private:
  friend class Folder;
  File(Descriptor descriptor, std::string path);

  Descriptor descriptor_;
  std::string path_;
  std::uint64_t size_ = 0;
};

}  // namespace riverrun
