#include "riverrun/core/folder.h"

#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "riverrun/core/error.h"

namespace riverrun {
namespace {

namespace fs = std::filesystem;

Descriptor open_folder(const fs::path& path) noexcept {
  return Descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

bool are_the_same(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

}  // namespace

Folder::Folder(const fs::path& path) : path_(path), descriptor_(open_folder(path)) {
  if (descriptor_.get() < 0) throw IoError(path_.string(), errno, "cannot be opened as a folder");
}

bool Folder::has_its_name() const noexcept {
  struct stat opened {};
  struct stat named {};
  return ::fstat(descriptor_.get(), &opened) == 0 && ::stat(path_.c_str(), &named) == 0 &&
         are_the_same(opened, named);
}

bool Folder::contains(const std::string& name) const {
  struct stat file {};
  if (::fstatat(descriptor_.get(), name.c_str(), &file, 0) == 0) return true;
  if (errno == ENOENT) return false;
  throw IoError((path_ / name).string(), errno, "cannot be examined");
}

File Folder::open(const std::string& name) const {
  const std::string path = (path_ / name).string();
  // Opening a pipe would wait for somebody to write to it.
  Descriptor file(::openat(descriptor_.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) throw IoError(path, errno, "cannot be opened");
  return {std::move(file), path};
}

std::optional<FolderLock> FolderLock::take(const fs::path& folder) {
  while (true) {
    Descriptor descriptor = open_folder(folder);
    if (descriptor.get() < 0) return FolderLock(std::move(descriptor));
    if (::flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return std::nullopt;
      return FolderLock(std::move(descriptor));
    }
    // Another process may have put its folder in the place of the one that was opened, and ended.
    struct stat locked {};
    struct stat named {};
    if (::fstat(descriptor.get(), &locked) != 0 || ::stat(folder.c_str(), &named) != 0 ||
        are_the_same(locked, named)) {
      return FolderLock(std::move(descriptor));
    }
  }
}

void require_writable(const fs::path& folder) {
  if (::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    throw IoError(folder.string(), errno, "cannot be written to");
  }
}

int sync_folder(const fs::path& folder) noexcept {
  const Descriptor descriptor = open_folder(folder);
  if (descriptor.get() < 0 || ::fsync(descriptor.get()) == 0) return 0;
  return errno == EINVAL || errno == ENOTSUP ? 0 : errno;
}

bool exchange_folders([[maybe_unused]] const fs::path& a,
                      [[maybe_unused]] const fs::path& b) noexcept {
#if defined(RENAME_EXCHANGE)  // Linux: glibc from 2.28 on, and musl
  return ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
#elif defined(RENAME_SWAP)  // macOS
  return ::renamex_np(a.c_str(), b.c_str(), RENAME_SWAP) == 0;
#else
  return false;
#endif
}

bool is_mount_point(const fs::path& folder) noexcept {
  struct stat inside {};
  struct stat outside {};
  return ::stat(folder.c_str(), &inside) == 0 &&
         ::stat(folder.parent_path().c_str(), &outside) == 0 && inside.st_dev != outside.st_dev;
}

}  // namespace riverrun
