#include "riverrun/core/error.h"

#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace riverrun {

FormatError::FormatError(std::string path, std::uint64_t offset, const std::string& what)
    : Error(fmt::format("{}, byte {}: {}", path, offset, what)),
      path_(std::move(path)),
      offset_(offset) {}

FormatError::FormatError(std::string path, const std::string& what)
    : Error(fmt::format("{}: {}", path, what)), path_(std::move(path)), offset_(0) {}

IoError::IoError(std::string path, int code, const std::string& what)
    : Error(fmt::format("{}: {}: {}", path, what, std::generic_category().message(code))),
      path_(std::move(path)),
      code_(code) {}

}  // namespace riverrun
