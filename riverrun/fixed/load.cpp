#include "riverrun/fixed/load.h"

#include "riverrun/core/error.h"

namespace riverrun::fixed::detail {

std::string parameter_name(std::string_view pattern, std::string_view parameter) {
  std::string name(pattern);
  const std::size_t star = name.find('*');
  if (star == std::string::npos || name.find('*', star + 1) != std::string::npos) {
    throw ConfigError("fixed::load: the pattern is \"" + name +
                      "\"; it must have one *, the place of weight_ih and the others");
  }
  return name.replace(star, 1, parameter);
}

}  // namespace riverrun::fixed::detail
