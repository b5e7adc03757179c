#include "riverrun/text/corpus.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "riverrun/core/error.h"

namespace riverrun::text {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;    // of text, read at once
constexpr std::int64_t kWriteBytes = std::int64_t{4} << 20;  // of ids, written at once
constexpr std::int64_t kLineSearchBytes = std::int64_t{64} << 10;
constexpr std::int64_t kLongestCharacter = 4;

/// A regular file, open for reading.
class TextFile {
 public:
  explicit TextFile(const fs::path& path) : path_(path.string()) {
    // Without O_NONBLOCK, opening a pipe would wait for a writer.
    descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor_ < 0) throw IoError(path_, errno, "cannot be opened");
    struct stat status {};
    const int failed = ::fstat(descriptor_, &status) == 0 ? 0 : errno;
    if (failed != 0 || !S_ISREG(status.st_mode)) {
      ::close(descriptor_);
      if (failed != 0) throw IoError(path_, failed, "cannot be examined");
      throw IoError(path_, S_ISDIR(status.st_mode) ? EISDIR : ESPIPE,
                    "a text must be a regular file, as it is read more than once");
    }
    size_ = static_cast<std::int64_t>(status.st_size);
  }
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;
  ~TextFile() { ::close(descriptor_); }

  [[nodiscard]] std::int64_t size() const noexcept { return size_; }

  /// Fewer bytes than asked for only at the end of the file.
  std::size_t read(std::int64_t offset, std::span<char> out) const {
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t got = ::pread(descriptor_, out.data() + done, out.size() - done,
                                  static_cast<off_t>(offset + static_cast<std::int64_t>(done)));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw IoError(path_, errno, "cannot be read");
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

 private:
  std::string path_;
  int descriptor_ = -1;
  std::int64_t size_ = 0;
};

/// Calls `sink(piece)` for each piece of the part, in order.
template <class Sink>
void for_each_piece(const TextPart& part, Sink&& sink) {
  const TextFile file(part.path);
  const std::int64_t end = part.end < 0 ? file.size() : part.end;
  if (part.begin < 0 || part.begin > end) {
    throw ConfigError(
        fmt::format("{}: bytes [{}, {}) are asked for; the first must not be negative "
                    "or beyond the last",
                    part.path.string(), part.begin, end));
  }
  std::vector<char> buffer(
      std::min(kPieceBytes, static_cast<std::size_t>(std::max<std::int64_t>(end - part.begin, 1))));
  for (std::int64_t offset = part.begin; offset < end;) {
    const std::size_t wanted = std::min(buffer.size(), static_cast<std::size_t>(end - offset));
    const std::size_t got = file.read(offset, std::span(buffer).first(wanted));
    offset += static_cast<std::int64_t>(got);
    if (got < wanted) {
      throw FormatError(part.path.string(), static_cast<std::uint64_t>(offset),
                        fmt::format("the text ends here; it was to be read up to byte {}, and must "
                                    "not change meanwhile",
                                    end));
    }
    sink(std::string_view(buffer.data(), got));
  }
}

/// The nearest place at or before `cut` where a character begins; `cut` itself if the bytes around
/// it are not UTF-8.
std::int64_t character_start(const TextFile& file, std::int64_t cut) {
  const std::int64_t begin = std::max<std::int64_t>(0, cut - kLongestCharacter + 1);
  std::array<char, kLongestCharacter> bytes{};
  const std::size_t got =
      file.read(begin, std::span(bytes).first(static_cast<std::size_t>(cut - begin) + 1));
  for (std::size_t i = got; i-- > 0;) {
    const bool continuation = (static_cast<unsigned char>(bytes[i]) & 0xC0) == 0x80;
    if (!continuation) return begin + static_cast<std::int64_t>(i);
  }
  return cut;
}

std::int64_t line_start(const TextFile& file, std::int64_t cut) {
  const std::int64_t begin = std::max<std::int64_t>(0, cut - kLineSearchBytes);
  std::string before(static_cast<std::size_t>(cut - begin), '\0');
  before.resize(file.read(begin, before));
  const std::size_t found = before.rfind('\n');
  return found == std::string::npos ? character_start(file, cut)
                                    : begin + static_cast<std::int64_t>(found) + 1;
}

int bytes_per_id(std::int64_t vocabulary_size) {
  if (vocabulary_size <= 1 << 8) return 1;
  return vocabulary_size <= 1 << 16 ? 2 : 4;
}

template <class Id>
void narrow(std::span<const std::int32_t> ids, std::byte* out) {
  for (const std::int32_t wide : ids) {
    const auto id = static_cast<Id>(wide);
    std::memcpy(out, &id, sizeof(Id));
    out += sizeof(Id);
  }
}

template <class Id>
void widen(const std::byte* in, std::span<std::int32_t> ids) {
  for (std::int32_t& wide : ids) {
    Id id;
    std::memcpy(&id, in, sizeof(Id));
    wide = static_cast<std::int32_t>(id);
    in += sizeof(Id);
  }
}

void widen(int id_bytes, const std::byte* in, std::span<std::int32_t> ids) {
  if (id_bytes == 1) return widen<std::uint8_t>(in, ids);
  if (id_bytes == 2) return widen<std::uint16_t>(in, ids);
  widen<std::int32_t>(in, ids);
}

/// /tmp is often memory; /var/tmp is where the Filesystem Hierarchy Standard puts large files.
fs::path default_temporary_folder() {
  const fs::path large = "/var/tmp";
  std::error_code code;
  const char* const asked_for = std::getenv("TMPDIR");
  if (asked_for == nullptr && fs::is_directory(large, code)) return large;
  const fs::path folder = fs::temp_directory_path(code);
  if (code) {
    throw IoError(asked_for != nullptr ? asked_for : "/tmp", code.value(),
                  "cannot hold temporary files (TMPDIR names another folder)");
  }
  return folder;
}

/// An open file without a name.
int open_temporary(const fs::path& folder) {
  const std::string path = (folder / "riverrun-XXXXXX").string();
  std::vector<char> name(path.c_str(), path.c_str() + path.size() + 1);
  const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0) {
    throw IoError(folder.string(), errno, "no temporary file can be made for the token ids");
  }
  ::unlink(name.data());
  return descriptor;
}

}  // namespace

std::vector<TextPart> whole_files(std::span<const fs::path> paths) {
  if (paths.empty()) throw ConfigError("texts: none is given; at least one is needed");
  std::vector<TextPart> parts;
  std::int64_t total = 0;
  for (const fs::path& path : paths) {
    parts.push_back({path, 0, TextFile(path).size()});
    total += parts.back().end;
  }
  if (total == 0) {
    throw FormatError(paths.front().string(), 0, "the text is empty; there must be some");
  }
  return parts;
}

TextSplit split_files(std::span<const fs::path> paths, double valid_fraction, CutAt cut_at) {
  if (!(valid_fraction > 0.0 && valid_fraction < 1.0)) {
    throw ConfigError(
        fmt::format("split_files: valid_fraction (--valid-fraction) is {}; must be between 0 and 1",
                    valid_fraction));
  }
  const std::vector<TextPart> parts = whole_files(paths);
  std::int64_t total = 0;
  for (const TextPart& part : parts) total += part.end;

  // The part that holds the cut, and the cut within it.
  auto cut = static_cast<std::int64_t>((1.0 - valid_fraction) * static_cast<double>(total));
  cut = std::min(cut, total - 1);
  std::size_t cut_part = 0;
  while (cut >= parts[cut_part].end) cut -= parts[cut_part++].end;
  {
    const TextFile file(parts[cut_part].path);
    cut = cut_at == CutAt::kLine ? line_start(file, cut) : character_start(file, cut);
  }

  TextSplit split;
  split.train.assign(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(cut_part));
  if (cut > 0) split.train.push_back({parts[cut_part].path, 0, cut});
  split.valid.assign(parts.begin() + static_cast<std::ptrdiff_t>(cut_part), parts.end());
  split.valid.front().begin = cut;
  const auto is_empty = [](const TextPart& part) { return part.begin == part.end; };
  if (std::all_of(split.train.begin(), split.train.end(), is_empty)) {
    throw FormatError(parts[cut_part].path.string(), 0,
                      fmt::format("a text of {} bytes is too short to keep {} of it for validation",
                                  total, valid_fraction));
  }
  return split;
}

Tokenizer build_tokenizer(TokenKind kind, std::span<const TextPart> parts, std::int64_t max_size) {
  TokenizerBuilder builder(kind, max_size);
  if (kind == TokenKind::kByte) return builder.build();
  for (const TextPart& part : parts) {
    for_each_piece(part, [&builder](std::string_view piece) { builder.feed(piece); });
    builder.finish();
  }
  return builder.build();
}

Corpus::Corpus(const Tokenizer& tokenizer, const CorpusOptions& options)
    : id_bytes_(bytes_per_id(tokenizer.size())),
      memory_limit_(options.memory_limit),
      temporary_folder_(options.temporary_folder) {}

Corpus::Corpus(const Tokenizer& tokenizer, std::span<const TextPart> parts,
               const CorpusOptions& options)
    // Delegating, so that the destructor closes the temporary file if reading throws.
    : Corpus(tokenizer, options) {
  if (parts.empty()) throw ConfigError("Corpus: no text is given; at least one is needed");
  Encoder encoder(tokenizer);
  std::vector<std::int32_t> ids;
  for (const TextPart& part : parts) {
    const TextCounts before = encoder.counts();
    for_each_piece(part, [&](std::string_view piece) {
      ids.clear();
      encoder.feed(piece, ids);
      append(ids);
    });
    ids.clear();
    encoder.finish(ids);
    append(ids);
    const TextCounts& after = encoder.counts();
    if (before.invalid_sequences == 0 && after.invalid_sequences > 0) {
      invalid_.path = part.path;
      invalid_.offset = after.first_invalid_byte - before.bytes + part.begin;
    }
  }
  finish(encoder.counts(), parts.front().path.string());
}

Corpus Corpus::from_text(const Tokenizer& tokenizer, std::string_view text,
                         const std::string& name) {
  Corpus corpus(tokenizer, CorpusOptions{});
  TextCounts counts;
  corpus.append(tokenizer.encode(text, &counts));
  corpus.invalid_.path = name;
  corpus.invalid_.offset = counts.first_invalid_byte;
  corpus.finish(counts, name);
  return corpus;
}

Corpus::Corpus(Corpus&& other) noexcept { *this = std::move(other); }

Corpus& Corpus::operator=(Corpus&& other) noexcept {
  std::swap(id_bytes_, other.id_bytes_);
  std::swap(size_, other.size_);
  std::swap(memory_limit_, other.memory_limit_);
  std::swap(temporary_folder_, other.temporary_folder_);
  std::swap(ids_, other.ids_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(counts_, other.counts_);
  std::swap(invalid_, other.invalid_);
  return *this;
}

Corpus::~Corpus() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void Corpus::append(std::span<const std::int32_t> ids) {
  const std::size_t old_size = ids_.size();
  ids_.resize(old_size + ids.size() * static_cast<std::size_t>(id_bytes_));
  std::byte* out = ids_.data() + old_size;
  if (id_bytes_ == 1) {
    narrow<std::uint8_t>(ids, out);
  } else if (id_bytes_ == 2) {
    narrow<std::uint16_t>(ids, out);
  } else {
    narrow<std::int32_t>(ids, out);
  }
  size_ += static_cast<std::int64_t>(ids.size());
  if (static_cast<std::int64_t>(ids_.size()) > (on_disk() ? kWriteBytes : memory_limit_)) {
    write_out();
  }
}

void Corpus::write_out() {
  const fs::path folder =
      temporary_folder_.empty() ? default_temporary_folder() : temporary_folder_;
  if (!on_disk()) descriptor_ = open_temporary(folder);
  for (std::size_t done = 0; done < ids_.size();) {
    const ssize_t written = ::write(descriptor_, ids_.data() + done, ids_.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      throw IoError(folder.string(), errno, "the temporary file of token ids cannot be written");
    }
    done += static_cast<std::size_t>(written);
  }
  ids_.clear();
}

void Corpus::finish(const TextCounts& counts, const std::string& name) {
  if (size_ == 0) throw FormatError(name, 0, "the text holds no token; there must be some");
  if (on_disk()) write_out();
  ids_.shrink_to_fit();
  counts_ = counts;
  invalid_.sequences = counts.invalid_sequences;
}

void Corpus::read(std::int64_t offset, std::span<std::int32_t> ids) const {
  const auto count = static_cast<std::int64_t>(ids.size());
  if (offset < 0 || count > size_ || offset > size_ - count) {
    throw ConfigError(fmt::format("Corpus.read: tokens [{}, {} + {}) are asked for; there are {}",
                                  offset, offset, count, size_));
  }
  const auto id_bytes = static_cast<std::size_t>(id_bytes_);
  std::size_t position = static_cast<std::size_t>(offset) * id_bytes;
  if (!on_disk()) return widen(id_bytes_, ids_.data() + position, ids);

  std::array<std::byte, std::size_t{16} << 10> block;
  while (!ids.empty()) {
    const std::size_t now = std::min(ids.size(), block.size() / id_bytes);
    for (std::size_t done = 0; done < now * id_bytes;) {
      const ssize_t got = ::pread(descriptor_, block.data() + done, now * id_bytes - done,
                                  static_cast<off_t>(position + done));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) {
        throw IoError("temporary file of token ids", got < 0 ? errno : EIO, "cannot be read");
      }
      done += static_cast<std::size_t>(got);
    }
    widen(id_bytes_, block.data(), ids.first(now));
    ids = ids.subspan(now);
    position += now * id_bytes;
  }
}

}  // namespace riverrun::text
