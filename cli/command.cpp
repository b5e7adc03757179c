#include "cli/command.h"

#include <cerrno>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "riverrun/core/error.h"
#include "riverrun/data/text/utf8.h"

#include "cli/terminal.h"

namespace riverrun::cli {
namespace {

/// Returns 0, or errno.
int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace

void print(std::string_view text) {
  print_raw(is_terminal(STDOUT_FILENO) ? text::escaped(text, U"\n\t") : std::string(text));
}

void print_raw(std::string_view text) {
  // Not stdio: a full disk must be noticed here and not at exit, where nobody looks.
  if (const int code = write_all(STDOUT_FILENO, text); code != 0) {
    throw IoError("standard output", code, "cannot write");
  }
}

void print_json(const nlohmann::ordered_json& object) {
  // File names and what a model writes need not be UTF-8; JSON must be.
  const std::string text =
      object.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  // JSON lets DEL and the control characters of Latin-1 stand; here they can only be in strings.
  std::string safe;
  text::Utf8Scanner().feed(text, [&safe](char32_t c, int, bool) {
    if (c >= 0x7F && text::is_control(c)) {
      safe += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(c));
    } else {
      text::append_utf8(c, safe);
    }
  });
  print_raw(safe);
}

void write_error(std::string_view text) { (void)write_all(STDERR_FILENO, text); }

void note(std::string_view line) { write_error(text::escaped(line) + "\n"); }

void require_memory(std::string_view what, double bytes) {
  const double there =
      static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  if (bytes <= 0.8 * there) return;
  constexpr double kGiB = 1 << 30;
  throw ConfigError(fmt::format("{} take {:.3g} GiB, of {:.3g} that there are; fewer take less",
                                what, bytes / kGiB, there / kGiB));
}

void require_two_tokens(const text::Corpus& corpus, const std::filesystem::path& path,
                        std::string_view which, std::string_view hint) {
  if (corpus.size() > 1) return;
  throw FormatError(
      path.string(), 0,
      fmt::format("{} has 1 token; at least 2 are needed to predict one{}", which, hint));
}

void warn_of_invalid_utf8(const text::InvalidUtf8& invalid, text::TokenKind kind,
                          std::string_view which, std::string_view hint) {
  if (invalid.sequences == 0 || kind == text::TokenKind::kByte) return;
  note(fmt::format("warning: {}: not UTF-8 at byte {} ({} in the {}, read as U+FFFD){}",
                   invalid.path.string(), invalid.offset, counted(invalid.sequences, "such place"),
                   which, hint));
}

std::string folder_name(const std::filesystem::path& folder) {
  const std::filesystem::path path = std::filesystem::absolute(folder).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

std::string counted(std::int64_t number, std::string_view noun) {
  return fmt::format("{} {}{}", grouped(number), noun, number == 1 ? "" : "s");
}

std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t i = digits.size(); i > first + 3;) {
    i -= 3;
    digits.insert(i, ",");
  }
  return digits;
}

std::string byte_size(std::int64_t bytes) {
  if (bytes < 1024) return fmt::format("{} bytes", bytes);
  const double kib = static_cast<double>(bytes) / 1024;
  if (kib < 1024) return fmt::format("{:.1f} KiB", kib);
  if (kib < 1024 * 1024) return fmt::format("{:.1f} MiB", kib / 1024);
  return fmt::format("{:.2f} GiB", kib / (1024 * 1024));
}

std::string duration(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(std::fmax(seconds, 0)));
  const std::int64_t hours = whole / 3600;
  const std::int64_t minutes = whole / 60 % 60;
  return hours > 0 ? fmt::format("{}:{:02}:{:02}", hours, minutes, whole % 60)
                   : fmt::format("{}:{:02}", minutes, whole % 60);
}

}  // namespace riverrun::cli
