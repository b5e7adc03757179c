#include "riverrun/data/text/utf8.h"

namespace riverrun::text {

void append_utf8(char32_t code_point, std::string& out) {
  const auto append = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    append(code_point);
  } else if (code_point < 0x800) {
    append(0xC0 | (code_point >> 6));
    append(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    append(0xE0 | (code_point >> 12));
    append(0x80 | ((code_point >> 6) & 0x3F));
    append(0x80 | (code_point & 0x3F));
  } else {
    append(0xF0 | (code_point >> 18));
    append(0x80 | ((code_point >> 12) & 0x3F));
    append(0x80 | ((code_point >> 6) & 0x3F));
    append(0x80 | (code_point & 0x3F));
  }
}

std::string_view without_byte_order_mark(std::string_view text) noexcept {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  return text.substr(text.starts_with(kMark) ? kMark.size() : 0);
}

void append_escaped(char32_t code_point, std::string& out) {
  if (code_point == U'\n') {
    out += "\\n";
  } else if (code_point == U'\t') {
    out += "\\t";
  } else if (code_point == U'\r') {
    out += "\\r";
  } else if (code_point == kByteOrderMark) {
    out += "\\uFEFF";
  } else if (is_control(code_point)) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    out.append("\\x").push_back(kDigits[code_point >> 4]);
    out.push_back(kDigits[code_point & 0xF]);
  } else {
    append_utf8(code_point, out);
  }
}

/// All of `bytes`, each character as `append(code_point, out)` writes it.
template <class Append>
static std::string rewritten(std::string_view bytes, const Append& append) {
  std::string out;
  out.reserve(bytes.size());
  const auto sink = [&](char32_t code_point, int, bool) { append(code_point, out); };
  Utf8Scanner scanner;
  scanner.feed(bytes, sink);
  scanner.finish(sink);
  return out;
}

std::string to_valid_utf8(std::string_view bytes) { return rewritten(bytes, append_utf8); }

std::string escaped(std::string_view bytes, std::u32string_view keep) {
  return rewritten(bytes, [keep](char32_t code_point, std::string& out) {
    const bool is_kept = keep.find(code_point) != std::u32string_view::npos;
    is_kept ? append_utf8(code_point, out) : append_escaped(code_point, out);
  });
}

std::string to_valid_xml(std::string_view bytes) {
  return rewritten(bytes, [](char32_t code_point, std::string& out) {
    const bool is_white = code_point == U'\t' || code_point == U'\n' || code_point == U'\r';
    const bool is_forbidden =
        (code_point < 0x20 && !is_white) || code_point == 0xFFFE || code_point == 0xFFFF;
    append_utf8(is_forbidden ? kReplacementCharacter : code_point, out);
  });
}

// The Unicode Standard, table 3-7, "Well-Formed UTF-8 Byte Sequences": only the second byte has a
// range that depends on the first, which rules out overlong forms, surrogates and what lies beyond
// U+10FFFF.
bool Utf8Scanner::begin(unsigned char byte) noexcept {
  lowest_ = 0x80;
  highest_ = 0xBF;
  if (byte >= 0xC2 && byte <= 0xDF) {
    remaining_ = 1;
    code_point_ = byte & 0x1F;
  } else if (byte >= 0xE0 && byte <= 0xEF) {
    remaining_ = 2;
    code_point_ = byte & 0x0F;
    if (byte == 0xE0) lowest_ = 0xA0;
    if (byte == 0xED) highest_ = 0x9F;
  } else if (byte >= 0xF0 && byte <= 0xF4) {
    remaining_ = 3;
    code_point_ = byte & 0x07;
    if (byte == 0xF0) lowest_ = 0x90;
    if (byte == 0xF4) highest_ = 0x8F;
  } else {
    return false;
  }
  taken_ = 1;
  return true;
}

bool Utf8Scanner::continue_with(unsigned char byte) noexcept {
  code_point_ = (code_point_ << 6) | (byte & 0x3F);
  lowest_ = 0x80;
  highest_ = 0xBF;
  ++taken_;
  return --remaining_ == 0;
}

}  // namespace riverrun::text
