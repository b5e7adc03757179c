#include "riverrun/core/file.h"

#include <atomic>
#include <cerrno>
#include <memory>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "riverrun/core/error.h"
#include "riverrun/core/folder.h"

namespace riverrun {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTemporaryPrefix = ".riverrun-";
constexpr std::string_view kTemporarySuffix = ".tmp";

struct stat status(int fd, const std::string& path) {
  struct stat result {};
  if (::fstat(fd, &result) != 0) throw IoError(path, errno, "cannot be examined");
  return result;
}

Descriptor open_for_reading(const std::string& path, int flags = 0) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags);
  if (fd < 0) throw IoError(path, errno, "cannot be opened");
  return Descriptor(fd);
}

// Where a chain of symbolic links ends; the last file need not exist.
fs::path follow_links(const fs::path& path) {
  constexpr int kMaxLinks = 40;  // as Linux
  fs::path target = path;
  for (int i = 0; i < kMaxLinks; ++i) {
    std::error_code error;
    fs::path next = fs::read_symlink(target, error);
    if (error) return target;
    target = target.parent_path() / next;
  }
  throw IoError(path.string(), ELOOP, "cannot be followed");
}

// A new, locked file beside the target; removed unless it was renamed to the target.
class Temporary {
 public:
  explicit Temporary(const fs::path& target) : target_(target) {
    static std::atomic<unsigned> counter{0};
    // What an earlier process of the same number left may have a name, and somebody may take the
    // file for a stale one. A system on which that goes on is not to be filled with files.
    constexpr int kAttempts = 100;
    for (int attempt = 0;; ++attempt) {
      path_ = target.parent_path() / fmt::format("{}{}-{}{}", kTemporaryPrefix, ::getpid(),
                                                 counter.fetch_add(1), kTemporarySuffix);
      descriptor_ =
          Descriptor(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
      const int code = descriptor_.get() < 0 ? errno : EAGAIN;
      if (descriptor_.get() >= 0) {
        if (lock()) return;
        ::unlink(path_.c_str());
      }
      if ((code != EEXIST && code != EAGAIN) || attempt == kAttempts) {
        throw IoError(target.string(), code, "cannot create a file beside it");
      }
    }
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    if (!renamed_) ::unlink(path_.c_str());
  }

  [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }

  void become_target() {
    if (::fsync(descriptor()) != 0) throw IoError(target_.string(), errno, "cannot be synced");
    if (::rename(path_.c_str(), target_.c_str()) != 0) {
      throw IoError(target_.string(), errno, "cannot be replaced");
    }
    renamed_ = true;
  }

 private:
  // False if, between its creation and now, somebody took the file for a stale one. That it has
  // lost its name is asked of the name: not every file system counts the names of a file.
  bool lock() const noexcept {
    // A file system without locks cannot find stale files either.
    if (::flock(descriptor(), LOCK_EX | LOCK_NB) != 0) return errno != EWOULDBLOCK;
    struct stat file {};
    return ::lstat(path_.c_str(), &file) == 0 || errno != ENOENT;
  }

  fs::path target_;
  fs::path path_;
  Descriptor descriptor_;
  bool renamed_ = false;
};

}  // namespace

bool is_temporary_name(std::string_view name) noexcept {
  return name.starts_with(kTemporaryPrefix) && name.ends_with(kTemporarySuffix);
}

// A writer holds a lock on its temporary file, so one that can be locked is left over from a
// process that died.
void remove_stale_temporaries(const fs::path& folder) noexcept {
  std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(folder.c_str()), &::closedir);
  if (!entries) return;
  while (const dirent* entry = ::readdir(entries.get())) {
    if (!is_temporary_name(entry->d_name)) continue;
    int in_folder = ::dirfd(entries.get());
    Descriptor file(
        ::openat(in_folder, entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (file.get() >= 0 && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) {
      ::unlinkat(in_folder, entry->d_name, 0);
    }
  }
}

std::string read_file(const fs::path& path) {
  std::string name = path.string();
  Descriptor descriptor = open_for_reading(name);
  struct stat file = status(descriptor.get(), name);
  if (S_ISDIR(file.st_mode)) throw IoError(name, EISDIR, "cannot be read");

  // One byte more than expected, so that the end is seen without growing; a pipe has no size.
  constexpr std::size_t kLeastGrowth = 1 << 16;
  std::string contents;
  std::size_t size = 0;
  contents.resize(S_ISREG(file.st_mode) ? static_cast<std::size_t>(file.st_size) + 1
                                        : kLeastGrowth);
  while (true) {
    if (size == contents.size()) contents.resize(2 * size + kLeastGrowth);
    ssize_t got = ::read(descriptor.get(), contents.data() + size, contents.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw IoError(name, errno, "cannot be read");
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  contents.resize(size);
  return contents;
}

void replace_file(const fs::path& path, const std::function<void(FileWriter&)>& write) {
  fs::path target = follow_links(path);
  fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  target = folder / target.filename();

  struct stat previous {};
  bool exists = ::stat(target.c_str(), &previous) == 0;
  if (exists && S_ISDIR(previous.st_mode)) {
    throw IoError(path.string(), EISDIR, "cannot be replaced");
  }
  if (exists && !S_ISREG(previous.st_mode)) {
    throw IoError(path.string(), EINVAL, "cannot be replaced, being no regular file");
  }
  remove_stale_temporaries(folder);

  {
    Temporary temporary(target);
    FileWriter writer(temporary.descriptor(), path.string());
    write(writer);
    if (exists && ::fchmod(temporary.descriptor(), previous.st_mode & 07777) != 0) {
      throw IoError(path.string(), errno, "its permissions cannot be kept");
    }
    temporary.become_target();
  }
  // Makes the rename last through a loss of power.
  if (const int code = sync_folder(folder); code != 0) {
    throw IoError(path.string(), code, "its folder cannot be synced");
  }
}

void replace_file(const fs::path& path, std::string_view contents) {
  replace_file(path, [contents](FileWriter& writer) { writer.write(contents); });
}

void FileWriter::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw IoError(path_, errno, "cannot be written");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void FileWriter::write(std::string_view text) {
  write(std::as_bytes(std::span(text.data(), text.size())));
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

// Opening a pipe would wait for somebody to write to it.
File::File(const fs::path& path)
    : File(open_for_reading(path.string(), O_NONBLOCK), path.string()) {}

File::File(Descriptor descriptor, std::string path)
    : descriptor_(std::move(descriptor)), path_(std::move(path)) {
  const struct stat file = status(descriptor_.get(), path_);
  if (S_ISDIR(file.st_mode)) throw IoError(path_, EISDIR, "cannot be read");
  if (!S_ISREG(file.st_mode)) {
    throw IoError(path_, ESPIPE, "is not a regular file");
  }
  size_ = static_cast<std::uint64_t>(file.st_size);
}

void File::read(std::uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t got =
        ::pread(descriptor_.get(), out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw IoError(path_, errno, "cannot be read");
    if (got == 0) {
      throw FormatError(path_, offset,
                        fmt::format("the file ends here; it had {} bytes when it was opened, and "
                                    "must not be shortened while it is read",
                                    size_));
    }
    offset += static_cast<std::uint64_t>(got);
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

std::string File::contents(std::uint64_t most_bytes) const {
  if (size_ > most_bytes) {
    throw FormatError(
        path_, most_bytes,
        fmt::format("the file has {} bytes; it may have at most {}", size_, most_bytes));
  }
  std::string text(static_cast<std::size_t>(size_), '\0');
  read(0, std::as_writable_bytes(std::span(text)));
  return text;
}

}  // namespace riverrun
