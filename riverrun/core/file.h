#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

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

/// A file mapped into memory for reading, so that one larger than memory can be walked through. As
/// with every mapping, the file must not be shortened meanwhile (replace_file does not do that).
class MappedFile {
 public:
  /// Throws IoError (also for a folder, a pipe or a device). An empty file gives empty bytes.
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(data_), size_};
  }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace riverrun
