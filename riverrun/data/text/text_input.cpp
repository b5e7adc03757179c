#include "riverrun/data/text/text_input.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/data/text/import.h"
#include "riverrun/data/text/utf8.h"

namespace riverrun::text {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;
constexpr const char* kStandardInput = "standard input";

/// A file or a pipe, read once from its beginning to its end.
class Source {
 public:
  explicit Source(const fs::path& path) : name_(path == "-" ? kStandardInput : path.string()) {
    if (path == "-") {
      descriptor_ = Descriptor(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0));
    } else {
      struct stat status {};
      const bool pipe = ::stat(path.c_str(), &status) == 0 && S_ISFIFO(status.st_mode);
      // Whoever opens a pipe waits for its writer; with a device that could be for ever.
      descriptor_ =
          Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | (pipe ? 0 : O_NONBLOCK)));
    }
    if (descriptor_.get() < 0) throw IoError(name_, errno, "cannot be opened");
    struct stat status {};
    if (::fstat(descriptor_.get(), &status) != 0) {
      throw IoError(name_, errno, "cannot be examined");
    }
    regular_ = S_ISREG(status.st_mode) && path != "-";
    const bool pipe = S_ISFIFO(status.st_mode) || (path == "-" && !S_ISDIR(status.st_mode));
    size_ = static_cast<std::int64_t>(status.st_size);
    if (regular_ || pipe) return;
    if (char byte = 0; !S_ISDIR(status.st_mode) && ::read(descriptor_.get(), &byte, 1) == 0) return;
    throw IoError(name_, S_ISDIR(status.st_mode) ? EISDIR : EINVAL,
                  "a text must be a file or a pipe");
  }

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] bool is_regular() const noexcept { return regular_; }
  /// Of a regular file, in bytes.
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }

  /// From where the last call ended; fewer bytes than asked for only at the end.
  std::size_t read(std::span<char> out) {
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t got = ::read(descriptor_.get(), out.data() + done, out.size() - done);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) {  // whoever gave it to us made it not wait
        pollfd ready{.fd = descriptor_.get(), .events = POLLIN, .revents = 0};
        (void)::poll(&ready, 1, -1);
        continue;
      }
      if (got < 0) throw IoError(name_, errno, "cannot be read");
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

 private:
  std::string name_;
  Descriptor descriptor_;
  bool regular_ = false;
  std::int64_t size_ = 0;
};

std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// The whole text that a part is of.
class Bytes {
 public:
  explicit Bytes(const TextPart& part) : store_(part.bytes) {
    if (!store_) file_.emplace(part.path);
  }
  [[nodiscard]] std::int64_t size() const {
    return store_ ? store_->size() : static_cast<std::int64_t>(file_->size());
  }
  void read(std::int64_t offset, std::span<std::byte> out) const {
    if (store_) return store_->read(offset, out);
    file_->read(static_cast<std::uint64_t>(offset), out);
  }

 private:
  std::shared_ptr<const ByteStore> store_;
  std::optional<File> file_;
};

TextPart open_text(const fs::path& path, const TextFormat& format, const StoreOptions& options) {
  Source source(path);
  std::string head(kHeadBytes, '\0');
  head.resize(source.read(head));
  // Files that the system makes while they are read say that they have no bytes.
  const bool has_size = source.is_regular() && (source.size() > 0 || head.empty());
  if (has_size && format.encoding.empty() && !is_gzip(head)) {
    if (!format.as_bytes) refuse_other_kinds(head, source.name());
    const std::size_t text = format.as_bytes ? head.size() : without_byte_order_mark(head).size();
    return {
        .path = path, .begin = static_cast<std::int64_t>(head.size() - text), .end = source.size()};
  }
  const auto store = std::make_shared<ByteStore>(options);
  Import import(source.name(), format,
                [&](std::string_view piece) { store->append(as_bytes(piece)); });
  import.feed(head);
  std::vector<char> block(kPieceBytes);
  for (std::size_t got = block.size(); got == block.size();) {
    got = source.read(block);
    import.feed(std::string_view(block.data(), got));
  }
  import.finish();
  store->finish();
  return {.path = source.name(), .begin = 0, .end = store->size(), .bytes = store};
}

}  // namespace

std::vector<TextPart> open_texts(std::span<const fs::path> paths, const TextFormat& format,
                                 const StoreOptions& store) {
  if (paths.empty()) throw ConfigError("texts: none is given; at least one is needed");
  if (std::ranges::count(paths, fs::path("-")) > 1) {
    throw ConfigError("texts: standard input (-) is given twice; it can be read only once");
  }
  std::vector<TextPart> parts;
  std::int64_t total = 0;
  for (const fs::path& path : paths) {
    parts.push_back(open_text(path, format, store));
    total += parts.back().end - parts.back().begin;
  }
  if (total == 0) {
    throw FormatError(parts.front().path.string(), 0, "the text is empty; there must be some");
  }
  return parts;
}

std::int64_t size_of(const TextPart& part) {
  if (part.end >= 0) return part.end - part.begin;
  return Bytes(part).size() - part.begin;
}

void for_each_piece(const TextPart& part, const std::function<void(std::string_view)>& sink) {
  const Bytes bytes(part);
  const std::int64_t end = part.end < 0 ? bytes.size() : part.end;
  if (part.begin < 0 || part.begin > end) {
    throw ConfigError(
        fmt::format("{}: bytes [{}, {}) are asked for; the first must not be negative "
                    "or beyond the last",
                    part.path.string(), part.begin, end));
  }
  if (end > bytes.size()) {
    throw FormatError(part.path.string(), static_cast<std::uint64_t>(bytes.size()),
                      fmt::format("the text ends here; it was to be read up to byte {}, and must "
                                  "not change meanwhile",
                                  end));
  }
  std::vector<char> buffer(
      std::min(kPieceBytes, static_cast<std::size_t>(std::max<std::int64_t>(end - part.begin, 1))));
  for (std::int64_t offset = part.begin; offset < end;) {
    const auto out =
        std::span(buffer).first(std::min(buffer.size(), static_cast<std::size_t>(end - offset)));
    bytes.read(offset, std::as_writable_bytes(out));
    offset += std::ssize(out);
    sink(std::string_view(out.data(), out.size()));
  }
}

std::string read_text(const fs::path& path, const TextFormat& format, std::int64_t most_bytes) {
  const TextPart part = open_texts(std::span(&path, 1), format).front();
  const std::int64_t size = size_of(part);
  if (size > most_bytes) {
    throw ConfigError(fmt::format("{}: the text has {} bytes; at most {} are possible here",
                                  part.path.string(), size, most_bytes));
  }
  std::string text;
  text.reserve(static_cast<std::size_t>(size));
  for_each_piece(part, [&text](std::string_view piece) { text += piece; });
  return text;
}

}  // namespace riverrun::text
