#include "riverrun/data/text/byte_store.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "riverrun/core/error.h"

namespace riverrun::text {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kWriteBytes = std::size_t{4} << 20;  // written at once

/// /tmp is often memory; /var/tmp is where the Filesystem Hierarchy Standard puts large files.
fs::path default_temporary_folder() {
  if (const char* const asked_for = std::getenv("TMPDIR");
      asked_for != nullptr && *asked_for != '\0') {
    return asked_for;
  }
  const fs::path large = "/var/tmp";
  std::error_code ignored;
  return fs::is_directory(large, ignored) ? large : fs::path("/tmp");
}

/// An open file without a name.
int open_temporary(const fs::path& folder) {
  std::string name = (folder / "riverrun-XXXXXX").string();
  const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0)
    throw IoError(folder.string(), errno,
                  "no temporary file can be made there (TMPDIR names another folder)");
  ::unlink(name.c_str());
  return descriptor;
}

}  // namespace

ByteStore::ByteStore(StoreOptions options) : options_(std::move(options)) {
  if (options_.temporary_folder.empty()) options_.temporary_folder = default_temporary_folder();
}

ByteStore::ByteStore(ByteStore&& other) noexcept { *this = std::move(other); }

ByteStore& ByteStore::operator=(ByteStore&& other) noexcept {
  std::swap(options_, other.options_);
  std::swap(size_, other.size_);
  std::swap(bytes_, other.bytes_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

ByteStore::~ByteStore() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void ByteStore::append(std::span<const std::byte> bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  size_ += std::ssize(bytes);
  const bool full = on_disk() ? bytes_.size() > kWriteBytes : size_ > options_.memory_limit;
  if (full) write_out();
}

void ByteStore::finish() {
  if (on_disk()) write_out();
  bytes_.shrink_to_fit();
}

void ByteStore::write_out() {
  const fs::path& folder = options_.temporary_folder;
  if (!on_disk()) descriptor_ = open_temporary(folder);
  for (std::size_t done = 0; done < bytes_.size();) {
    const ssize_t written = ::write(descriptor_, bytes_.data() + done, bytes_.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      throw IoError(folder.string(), errno, "a temporary file there cannot be written");
    }
    done += static_cast<std::size_t>(written);
  }
  bytes_.clear();
  if (bytes_.capacity() > 4 * kWriteBytes) bytes_.shrink_to_fit();  // what the limit allowed for
}

std::span<const std::byte> ByteStore::in_memory() const noexcept {
  return on_disk() ? std::span<const std::byte>() : std::span(bytes_);
}

void ByteStore::read(std::int64_t offset, std::span<std::byte> out) const {
  if (!on_disk()) {
    std::copy_n(bytes_.begin() + offset, out.size(), out.begin());
    return;
  }
  for (std::size_t done = 0; done < out.size();) {
    const ssize_t got = ::pread(descriptor_, out.data() + done, out.size() - done,
                                static_cast<off_t>(offset + static_cast<std::int64_t>(done)));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      throw IoError(options_.temporary_folder.string(), got < 0 ? errno : EIO,
                    "a temporary file there cannot be read");
    }
    done += static_cast<std::size_t>(got);
  }
}

}  // namespace riverrun::text
