# cctz, the rules of time zones, as the target cctz::cctz. Debian's libcctz-dev has no package file.
find_path(cctz_INCLUDE_DIR cctz/time_zone.h)
find_library(cctz_LIBRARY cctz)
mark_as_advanced(cctz_INCLUDE_DIR cctz_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(cctz REQUIRED_VARS cctz_LIBRARY cctz_INCLUDE_DIR)

if(cctz_FOUND AND NOT TARGET cctz::cctz)
  # Global, as what links a static library of a sub-project has to know it.
  add_library(cctz::cctz UNKNOWN IMPORTED GLOBAL)
  set_target_properties(cctz::cctz PROPERTIES
    IMPORTED_LOCATION "${cctz_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${cctz_INCLUDE_DIR}")
endif()
