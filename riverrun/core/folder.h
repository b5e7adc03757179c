#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "riverrun/core/file.h"

namespace riverrun {

/// A folder that is opened once. Whatever takes its name meanwhile, what is read is this folder's.
class Folder {
 public:
  /// Throws IoError.
  explicit Folder(const std::filesystem::path& path);

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// Whether the folder still has the name that it was opened by.
  [[nodiscard]] bool has_its_name() const noexcept;

  /// Throws IoError if that cannot be told.
  [[nodiscard]] bool contains(const std::string& name) const;
  /// Throws IoError as File does.
  [[nodiscard]] File open(const std::string& name) const;

 private:
  std::filesystem::path path_;
  Descriptor descriptor_;
};

/// Keeps other processes that ask for it out of a folder, until it is destroyed. The lock is the
/// folder's, whatever it is called meanwhile.
class FolderLock {
 public:
  /// Nothing if another process has the lock. Where there are no locks, or the folder cannot be
  /// read, the lock keeps nobody out.
  [[nodiscard]] static std::optional<FolderLock> take(const std::filesystem::path& folder);

 private:
  explicit FolderLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}
  Descriptor descriptor_;
};

/// Throws IoError unless this process may make and remove files in the folder, as far as the system
/// says. Changes nothing.
void require_writable(const std::filesystem::path& folder);

/// Makes new names in the folder last through a loss of power. Returns 0 or errno; it is no error
/// that a file system cannot do it, or that a folder may be written to but not read.
[[nodiscard]] int sync_folder(const std::filesystem::path& folder) noexcept;

/// Makes the two change places in one step. False if the system or the file system cannot.
[[nodiscard]] bool exchange_folders(const std::filesystem::path& a,
                                    const std::filesystem::path& b) noexcept;

/// Whether another file system begins at the folder. False if that cannot be told.
[[nodiscard]] bool is_mount_point(const std::filesystem::path& folder) noexcept;

}  // namespace riverrun
