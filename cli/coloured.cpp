#include "cli/coloured.h"

#include <array>
#include <cmath>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "riverrun/data/text/utf8.h"

namespace riverrun::cli {

std::string quoted(const text::Tokenizer& tokenizer, std::int32_t id) {
  return "'" + tokenizer.display(id) + "'";
}

std::string coloured(std::span<const std::string> pieces, std::span<const double> values) {
  // Of xterm's 256 colours: from blue over white to red, on which black can be read.
  constexpr std::array<int, 9> kColours = {75, 111, 153, 189, 231, 224, 217, 210, 203};
  constexpr double kMiddle = 4;
  std::string text;
  for (std::size_t t = 0; t < values.size(); ++t) {
    const auto place = static_cast<std::size_t>(std::lround(kMiddle + values[t] * kMiddle));
    const std::string on = fmt::format("\x1b[30;48;5;{}m", kColours[place]);
    constexpr std::string_view kOff = "\x1b[0m";
    text += on;
    text::Utf8Scanner().feed(pieces[t], [&](char32_t c, int, bool) {
      if (c == U'\n') {  // not coloured, or the terminal fills the rest of the line
        text.append(kOff).append("\n").append(on);
      } else {
        text::append_escaped(c == U'\t' ? U' ' : c, text);
      }
    });
    text += kOff;
  }
  return text;
}

std::string coloured_text(const Inspection& inspection, std::size_t unit) {
  std::vector<std::string> pieces;
  for (const InspectedToken& token : inspection.tokens) pieces.push_back(token.text);
  return coloured(pieces, inspection.colours(unit));
}

}  // namespace riverrun::cli
