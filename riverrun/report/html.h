#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace riverrun::report {

/// A piece of a page, made of text and elements only, so that no text can become markup: it is
/// escaped, and what is not UTF-8, or forbidden in XML, becomes U+FFFD.
class Html {
 public:
  Html() = default;
  [[nodiscard]] static Html text(std::string_view text);

  using Attributes = std::initializer_list<std::pair<std::string_view, std::string_view>>;
  /// Of the elements and attributes that show something and neither run nor load anything; values
  /// may be any text. Throws std::invalid_argument for another name.
  [[nodiscard]] static Html element(std::string_view tag, Attributes attributes,
                                    const Html& content);
  [[nodiscard]] static Html element(std::string_view tag, const Html& content) {
    return element(tag, {}, content);
  }
  [[nodiscard]] static Html element(std::string_view tag, std::string_view content) {
    return element(tag, {}, text(content));
  }

  Html& operator+=(const Html& next);
  [[nodiscard]] const std::string& str() const noexcept { return markup_; }

 private:
  std::string markup_;
};

}  // namespace riverrun::report
