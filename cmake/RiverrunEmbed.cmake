# riverrun_embed(TARGET NAME FILE): compiles the bytes of FILE into TARGET as the function
#   std::string_view riverrun::embedded::NAME()
# FILE may be empty (""), and then the bytes are none.
function(riverrun_embed target name file)
  set(bytes)
  if(file)
    file(READ ${file} hex HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes ${hex})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  endif()
  set(source ${CMAKE_CURRENT_BINARY_DIR}/embedded_${name}.cpp)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [[
#include <string_view>

namespace riverrun::embedded {

std::string_view @name@();
std::string_view @name@() {
  static constexpr unsigned char kBytes[] = {@bytes@0};
  return {reinterpret_cast<const char*>(kBytes), sizeof kBytes - 1};
}

}  // namespace riverrun::embedded
]])
  target_sources(${target} PRIVATE ${source})
endfunction()
