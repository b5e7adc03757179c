#include "riverrun/text/utf8.h"

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

std::string without_controls(std::string_view bytes) {
  std::string out;
  Utf8Scanner().feed(to_valid_utf8(bytes), [&out](char32_t code_point, int, bool) {
    append_utf8(is_control(code_point) ? U' ' : code_point, out);
  });
  return out;
}

std::string to_valid_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  const auto append = [&out](char32_t code_point, int, bool) { append_utf8(code_point, out); };
  Utf8Scanner scanner;
  scanner.feed(bytes, append);
  scanner.finish(append);
  return out;
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
