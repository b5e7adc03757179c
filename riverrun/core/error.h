#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace riverrun {

/// The base of riverrun's own errors. What is not of its own comes as it is: std::bad_alloc, what a
/// caller's function throws, and in cell/, which knows only the standard library,
/// std::invalid_argument and std::length_error for an invalid cell. The message says who,
/// what came, and the rule: "LSTM.forward: input is [16, 4, 100]; the last dimension must be
/// input_size = 128".
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A tensor does not have the shape that the call needs.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// An option, a combination of options, or another value of the caller's that is invalid, such as a
/// token that is not in the vocabulary.
class ConfigError : public Error {
 public:
  using Error::Error;
};

/// A file that can be read but does not say what it should.
class FormatError : public Error {
 public:
  /// `offset` is the byte at which reading failed.
  FormatError(std::string path, std::uint64_t offset, const std::string& what);
  /// Where `what` says the place in another way: a line. offset() is 0.
  FormatError(std::string path, const std::string& what);
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }

 private:
  std::string path_;
  std::uint64_t offset_;
};

/// The operating system refused: no such file, no permission, no space.
class IoError : public Error {
 public:
  /// `code` is errno.
  IoError(std::string path, int code, const std::string& what);
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] int code() const noexcept { return code_; }

 private:
  std::string path_;
  int code_;
};

/// The arithmetic left the numbers: a loss or a gradient that is NaN or infinite.
class NumericError : public Error {
 public:
  using Error::Error;
};

}  // namespace riverrun
