#include "riverrun/data/text/import.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <iconv.h>
#include <zlib.h>

#include "riverrun/core/error.h"
#include "riverrun/data/text/utf8.h"

namespace riverrun::text {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kBlockBytes = std::size_t{1} << 20;

struct Signature {
  std::string_view bytes;
  std::string_view kind;  // "this looks like …"
  std::string_view advice;
};

constexpr std::string_view kGiveEncoding =
    "give its encoding or, where there is no --encoding, convert it (iconv -f ENCODING -t UTF-8)";
constexpr std::string_view kUnpack = "unpack it first";
constexpr std::string_view kExtract = "extract its text first";

// Longer ones before those that they begin with.
constexpr std::array kSignatures = {
    Signature{"\xFF\xFE\0\0"sv, "UTF-32", kGiveEncoding},
    Signature{"\0\0\xFE\xFF"sv, "UTF-32", kGiveEncoding},
    Signature{"\xFF\xFE"sv, "UTF-16", kGiveEncoding},
    Signature{"\xFE\xFF"sv, "UTF-16", kGiveEncoding},
    Signature{"%PDF-"sv, "a PDF document", kExtract},
    Signature{"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"sv, "a document of an old Office", kExtract},
    Signature{"PK\3\4"sv, "a ZIP archive or a document (docx, odt, epub)", kExtract},
    Signature{"\xFD\x37zXZ\0"sv, "an xz file", kUnpack},
    Signature{"\x28\xB5\x2F\xFD"sv, "a zstd file", kUnpack},
    Signature{"BZh91AY&SY"sv, "a bzip2 file", kUnpack},
};

/// "UTF-16LE" or "UTF-16BE" if every second byte is 0 nearly as often as Latin letters have it.
std::string_view utf16_without_mark(std::string_view head) {
  std::array<std::size_t, 2> zeros{};
  for (std::size_t i = 0; i < head.size(); ++i) zeros[i % 2] += head[i] == '\0' ? 1 : 0;
  const std::size_t pairs = head.size() / 2;
  if (pairs < 4) return {};
  if (zeros[1] > pairs / 2 && zeros[0] <= pairs / 16) return "UTF-16LE";
  if (zeros[0] > pairs / 2 && zeros[1] <= pairs / 16) return "UTF-16BE";
  return {};
}

// What iconv_open returns if it fails.
// NOLINTNEXTLINE(misc-misplaced-const,performance-no-int-to-ptr): a handle, which POSIX made so
const iconv_t kNone = reinterpret_cast<iconv_t>(-1);

/// kNone, and errno, if it fails.
iconv_t open_converter(const std::string& encoding) {
  // What follows a slash would change what iconv does, and an empty name is the locale's encoding,
  // as one of blanks is to some.
  const bool is_name =
      !encoding.empty() && encoding.find_first_of("/ \t\n\r\v\f") == std::string::npos;
  errno = EINVAL;
  return is_name ? ::iconv_open("UTF-8", encoding.c_str()) : kNone;
}

[[noreturn]] void refuse(const std::string& path, std::string_view kind, std::string_view advice) {
  throw FormatError(
      path, 0, fmt::format("this looks like {}, not UTF-8: {}, or read it as bytes", kind, advice));
}

}  // namespace

bool is_gzip(std::string_view head) noexcept {
  constexpr std::string_view kDeflated = "\x1F\x8B\x08"sv;
  constexpr int kReserved = 0xE0;  // flags that must be 0
  return head.size() > kDeflated.size() && head.starts_with(kDeflated) &&
         (static_cast<unsigned char>(head[kDeflated.size()]) & kReserved) == 0;
}

void refuse_other_kinds(std::string_view head, const std::string& path) {
  for (const Signature& signature : kSignatures) {
    if (head.starts_with(signature.bytes)) refuse(path, signature.kind, signature.advice);
  }
  const std::string_view utf16 = utf16_without_mark(head.substr(0, kHeadBytes));
  if (!utf16.empty()) refuse(path, utf16, kGiveEncoding);
}

void require_encoding(const std::string& encoding) {
  iconv_t converter = open_converter(encoding);
  if (converter != kNone) {
    ::iconv_close(converter);
    return;
  }
  if (errno != EINVAL) return;  // known, but the system has no room for it now
  throw ConfigError(fmt::format(
      "encoding: \"{}\" is not known; it must be a name that iconv knows, such as latin1, cp1252 "
      "or utf-16 (iconv -l lists them)",
      escaped(encoding)));
}

/// RFC 1952; a file may be several, one after another.
class Import::Inflater {
 public:
  explicit Inflater(const std::string& name) : name_(name), out_(kBlockBytes) {
    constexpr int kGzipOnly = 16;
    const int result = ::inflateInit2(&stream_, MAX_WBITS + kGzipOnly);
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    if (result != Z_OK) throw Error(fmt::format("{}: zlib does not start ({})", name_, result));
    clear();
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { ::inflateEnd(&stream_); }

  /// Calls `sink(piece)` with pieces of kBlockBytes.
  template <class Sink>
  void feed(std::string_view piece, Sink&& sink) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    stream_.avail_in = static_cast<uInt>(piece.size());
    const std::uint64_t before = taken_;
    while (stream_.avail_in > 0) {
      if (ended_ && !begin_next()) break;
      // Once the input is at its end there may be more output than room for it.
      do {
        const int result = ::inflate(&stream_, Z_NO_FLUSH);
        taken_ = before + piece.size() - stream_.avail_in;
        if (result == Z_MEM_ERROR) throw std::bad_alloc();
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
          fail(stream_.msg != nullptr ? stream_.msg : "unknown");
        }
        ended_ = result == Z_STREAM_END;
        const bool full = stream_.avail_out == 0;
        if (full) flush(sink);
        if (!full || ended_) break;
      } while (true);
    }
    taken_ = before + piece.size();
  }

  template <class Sink>
  void finish(Sink&& sink) {
    flush(sink);
    if (!ended_) {
      throw FormatError(name_, taken_, "the gzip file ends before its text does; it was cut off");
    }
  }

 private:
  void clear() {
    stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
    stream_.avail_out = static_cast<uInt>(out_.size());
  }
  template <class Sink>
  void flush(Sink& sink) {
    const std::size_t size = out_.size() - stream_.avail_out;
    if (size > 0) sink(std::string_view(out_.data(), size));
    clear();
  }
  /// After the end of a member: another one, or zeros that fill up a block of a tape.
  bool begin_next() {
    while (stream_.avail_in > 0 && *stream_.next_in == 0) {
      ++stream_.next_in;
      --stream_.avail_in;
      padded_ = true;
    }
    if (stream_.avail_in == 0) return false;
    if (padded_) fail("there is something after the zeros at its end");
    ::inflateReset(&stream_);
    ended_ = false;
    return true;
  }
  [[noreturn]] void fail(std::string_view what) const {
    throw FormatError(name_, taken_, fmt::format("the gzip file is damaged: {}", what));
  }

  std::string name_;
  std::vector<char> out_;
  z_stream stream_{};
  std::uint64_t taken_ = 0;  // bytes of the file
  bool ended_ = false;
  bool padded_ = false;
};

class Import::Converter {
 public:
  Converter(const std::string& name, const std::string& encoding)
      : name_(name), encoding_(encoding), out_(kBlockBytes) {
    require_encoding(encoding);
    descriptor_ = open_converter(encoding);
    if (descriptor_ == kNone) throw IoError(name_, errno, "its encoding cannot be converted");
  }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;
  ~Converter() { ::iconv_close(descriptor_); }

  template <class Sink>
  void feed(std::string_view piece, Sink&& sink) {
    if (!pending_.empty()) {
      // The rest of a character; more than one is not needed, so little is copied.
      const std::size_t before = pending_.size();
      const std::size_t more = std::min(kLongestCharacter, piece.size());
      pending_ += piece.substr(0, more);
      const std::size_t done = convert(pending_, sink);
      if (done < before) {  // still not a whole one, and the piece is at its end
        pending_.erase(0, done);
        if (more < piece.size()) fail();
        return;
      }
      piece.remove_prefix(done - before);
      pending_.clear();
    }
    const std::size_t done = convert(piece, sink);
    pending_ = piece.substr(done);
    if (pending_.size() > kLongestCharacter) fail();
  }

  template <class Sink>
  void finish(Sink&& sink) {
    if (!pending_.empty()) {
      throw FormatError(name_, taken_,
                        fmt::format("the text ends in the middle of a character of {}", encoding_));
    }
    char* out = out_.data();
    std::size_t room = out_.size();
    ::iconv(descriptor_, nullptr, nullptr, &out, &room);
    emit(out_.size() - room, sink);
  }

 private:
  static constexpr std::size_t kLongestCharacter = 16;  // with escape sequences before it
  /// Returns the number of bytes converted: all but a character whose end is not there.
  template <class Sink>
  std::size_t convert(std::string_view piece, Sink& sink) {
    char* in = const_cast<char*>(piece.data());
    std::size_t left = piece.size();
    while (left > 0) {
      char* out = out_.data();
      std::size_t room = out_.size();
      const std::size_t before = left;
      const std::size_t result = ::iconv(descriptor_, &in, &left, &out, &room);
      const int error = result == static_cast<std::size_t>(-1) ? errno : 0;
      taken_ += before - left;
      emit(out_.size() - room, sink);
      if (error == EILSEQ) fail();
      if (error == EINVAL) break;
    }
    return piece.size() - left;
  }
  template <class Sink>
  void emit(std::size_t size, Sink& sink) {
    const std::string_view text(out_.data(), size);
    if (size == 0) return;
    // glibc's iconv takes U+10FFFF for no limit: it copies F6 A5 A5 A5 from UTF-8 to UTF-8.
    scanner_.feed(text, [this](char32_t, int, bool valid) {
      if (!valid) {
        throw FormatError(name_,
                          fmt::format("as {}, it holds a character beyond U+10FFFF, the last "
                                      "of Unicode; is the text in another encoding?",
                                      encoding_));
      }
    });
    // Of an encoding whose name says the order of the bytes, iconv keeps the mark.
    sink(std::exchange(begun_, true) ? text : without_byte_order_mark(text));
  }
  [[noreturn]] void fail() const {
    throw FormatError(
        name_, taken_,
        fmt::format("the bytes there are no character of {}; is the text in another encoding?",
                    encoding_));
  }

  std::string name_;
  std::string encoding_;
  std::vector<char> out_;
  iconv_t descriptor_ = kNone;
  std::string pending_;
  std::uint64_t taken_ = 0;  // bytes converted
  Utf8Scanner scanner_;      // of what is converted
  bool begun_ = false;
};

Import::Import(const std::string& name, const TextFormat& format, Sink sink)
    : name_(name), format_(format), sink_(std::move(sink)) {
  if (!format.encoding.empty()) converter_ = std::make_unique<Converter>(name, format.encoding);
}

Import::~Import() = default;

void Import::feed(std::string_view piece) {
  if (!std::exchange(begun_, true) && is_gzip(piece)) inflater_ = std::make_unique<Inflater>(name_);
  if (!inflater_) return take_unpacked(piece);
  inflater_->feed(piece, [this](std::string_view unpacked) { take_unpacked(unpacked); });
}

void Import::take_unpacked(std::string_view piece) {
  const bool begins = !std::exchange(begun_unpacked_, true);
  const bool is_text = !format_.as_bytes || converter_;
  if (begins && is_text && inflater_ && is_gzip(piece)) {
    throw FormatError(name_, 0, "a gzip file within a gzip file: unpack it first");
  }
  if (converter_) return converter_->feed(piece, sink_);
  if (begins && is_text) {
    refuse_other_kinds(piece, name_);
    piece = without_byte_order_mark(piece);
  }
  sink_(piece);
}

void Import::finish() {
  if (inflater_) {
    inflater_->finish([this](std::string_view unpacked) { take_unpacked(unpacked); });
  }
  if (converter_) converter_->finish(sink_);
}

}  // namespace riverrun::text
