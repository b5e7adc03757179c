# `cmake --install`: the library, its headers, the program, and the package that
# find_package(riverrun) finds. Headers keep their paths: riverrun/nn/recurrent.h.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(riverrun_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/riverrun)

install(TARGETS riverrun EXPORT riverrun-targets)
install(EXPORT riverrun-targets NAMESPACE riverrun:: DESTINATION ${riverrun_package_dir})

# Of kernels/, only what riverrun_add_cell compiles a user's own cell with.
set(kernels ${PROJECT_SOURCE_DIR}/riverrun/kernels)
file(GLOB cell_headers CONFIGURE_DEPENDS ${kernels}/*-inl.h)
list(APPEND cell_headers ${kernels}/cell_kernels.h ${kernels}/product.h ${kernels}/highway-config.h)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/riverrun DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h"
        PATTERN "kernels" EXCLUDE)
install(FILES ${cell_headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/riverrun/kernels)

if(TARGET riverrun_cli)
  if(BUILD_SHARED_LIBS)
    set_target_properties(riverrun_cli PROPERTIES
                          INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  endif()
  install(TARGETS riverrun_cli)
endif()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/riverrun-config.cmake.in
                              ${PROJECT_BINARY_DIR}/riverrun-config.cmake
                              INSTALL_DESTINATION ${riverrun_package_dir})
# Until 1.0, a minor version may change what users write.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/riverrun-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/riverrun-config.cmake
              ${PROJECT_BINARY_DIR}/riverrun-config-version.cmake
              ${CMAKE_CURRENT_LIST_DIR}/RiverrunAddCell.cmake
              ${CMAKE_CURRENT_LIST_DIR}/cell.cpp.in
        DESTINATION ${riverrun_package_dir})
