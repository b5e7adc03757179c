#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace riverrun::text {

/// What stands for a sequence of bytes that is not UTF-8.
inline constexpr char32_t kReplacementCharacter = 0xFFFD;

/// At the beginning of a text it says how that is encoded; elsewhere it is a character of no width.
inline constexpr char32_t kByteOrderMark = 0xFEFF;

/// `text` without a byte order mark at its beginning.
[[nodiscard]] std::string_view without_byte_order_mark(std::string_view text) noexcept;

/// Whether a terminal may act on it instead of showing it: Unicode's general category Cc.
[[nodiscard]] constexpr bool is_control(char32_t code_point) noexcept {
  return code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0);
}

/// Unicode's property White_Space.
[[nodiscard]] constexpr bool is_white_space(char32_t code_point) noexcept {
  if (code_point < 0x80) return code_point == U' ' || (code_point >= U'\t' && code_point <= U'\r');
  return code_point == 0x85 || code_point == 0xA0 || code_point == 0x1680 ||
         (code_point >= 0x2000 && code_point <= 0x200A) || code_point == 0x2028 ||
         code_point == 0x2029 || code_point == 0x202F || code_point == 0x205F ||
         code_point == 0x3000;
}

/// Appends the UTF-8 form of `code_point`, which must be a Unicode scalar value.
void append_utf8(char32_t code_point, std::string& out);

/// Appends `code_point` for a person to read: a control character as "\n", "\t", "\r" or "\x1B", a
/// byte order mark, which would not be seen, as "\uFEFF".
void append_escaped(char32_t code_point, std::string& out);

/// `bytes` as to_valid_utf8() gives them, with the control characters that are not in `keep` as
/// append_escaped() writes them, and so byte order marks: a terminal shows all of it and acts on
/// none.
[[nodiscard]] std::string escaped(std::string_view bytes, std::u32string_view keep = {});

/// `bytes` as to_valid_utf8() gives them, with U+FFFD also for each character that XML 1.0 forbids:
/// the control characters below U+0020 but tab and line ends, U+FFFE and U+FFFF.
[[nodiscard]] std::string to_valid_xml(std::string_view bytes);

/// `bytes` with each ill-formed sequence replaced by U+FFFD: always valid UTF-8.
[[nodiscard]] std::string to_valid_utf8(std::string_view bytes);

/// Reads code points from UTF-8 that comes in pieces; a character may be cut anywhere between two
/// pieces. Ill-formed input follows the Unicode Standard, section 3.9, "U+FFFD Substitution of
/// Maximal Subparts": a byte that cannot begin or continue a character ends the sequence before
/// it, and each maximal ill-formed subpart becomes one U+FFFD.
class Utf8Scanner {
 public:
  /// Calls `sink(code_point, bytes, valid)` for each character that ends in `piece`; `bytes` is how
  /// many bytes of input it took. Allocates nothing.
  template <class Sink>
  void feed(std::string_view piece, Sink&& sink) {
    for (std::size_t i = 0; i < piece.size();) {
      const auto byte = static_cast<unsigned char>(piece[i]);
      if (remaining_ == 0) {
        ++i;
        if (byte < 0x80) {
          sink(static_cast<char32_t>(byte), 1, true);
        } else if (!begin(byte)) {
          sink(kReplacementCharacter, 1, false);
        }
      } else if (byte < lowest_ || byte > highest_) {
        const int bytes = taken_;
        remaining_ = 0;
        sink(kReplacementCharacter, bytes, false);  // the byte itself is looked at again
      } else {
        ++i;
        if (continue_with(byte)) sink(code_point_, taken_, true);
      }
    }
  }

  /// The input has ended: a character that was begun and not finished is ill-formed.
  template <class Sink>
  void finish(Sink&& sink) {
    if (remaining_ == 0) return;
    remaining_ = 0;
    sink(kReplacementCharacter, taken_, false);
  }

 private:
  /// False if `byte` cannot begin a character of several bytes.
  bool begin(unsigned char byte) noexcept;
  /// True if `byte` completes the character.
  bool continue_with(unsigned char byte) noexcept;

  char32_t code_point_ = 0;
  int taken_ = 0;                // bytes of the current character that were read
  int remaining_ = 0;            // bytes that it still needs
  unsigned char lowest_ = 0x80;  // the range of its next byte
  unsigned char highest_ = 0xBF;
};

}  // namespace riverrun::text
