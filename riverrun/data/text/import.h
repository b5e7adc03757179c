#pragma once

// How a text that is not a plain file of UTF-8 becomes one; not for users.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "riverrun/data/text/text_input.h"

namespace riverrun::text {

/// So many bytes of a text tell what it is.
inline constexpr std::size_t kHeadBytes = 4096;

[[nodiscard]] bool is_gzip(std::string_view head) noexcept;
/// Throws FormatError, which names `path`, if a text that begins so is evidently not UTF-8.
void refuse_other_kinds(std::string_view head, const std::string& path);

/// A text that comes in pieces as it is, to UTF-8 or, with TextFormat::as_bytes, to its bytes. What
/// is gzip is unpacked.
class Import {
 public:
  using Sink = std::function<void(std::string_view)>;

  /// `name` is that of the text in errors. Throws ConfigError for an encoding that is not known.
  Import(const std::string& name, const TextFormat& format, Sink sink);
  ~Import();
  Import(const Import&) = delete;
  Import& operator=(const Import&) = delete;

  /// The first piece must have kHeadBytes, unless it is all. Throws FormatError, and whatever the
  /// sink throws.
  void feed(std::string_view piece);
  void finish();

 private:
  class Inflater;
  class Converter;

  void take_unpacked(std::string_view piece);

  std::string name_;
  TextFormat format_;
  Sink sink_;
  std::unique_ptr<Inflater> inflater_;    // if it is gzip
  std::unique_ptr<Converter> converter_;  // if an encoding is given
  bool begun_ = false;
  bool begun_unpacked_ = false;
};

}  // namespace riverrun::text
