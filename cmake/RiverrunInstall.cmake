# `cmake --install`: the library, its public headers, the program, and the packages that
# find_package(riverrun) and pkg-config find. Headers keep their paths: riverrun/nn/recurrent.h.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(riverrun_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/riverrun)

install(TARGETS riverrun EXPORT riverrun-targets FILE_SET HEADERS)
install(EXPORT riverrun-targets NAMESPACE riverrun:: DESTINATION ${riverrun_package_dir})

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
              ${CMAKE_CURRENT_LIST_DIR}/Findcctz.cmake
              ${CMAKE_CURRENT_LIST_DIR}/RiverrunAddCell.cmake
              ${CMAKE_CURRENT_LIST_DIR}/cell.cpp.in
        DESTINATION ${riverrun_package_dir})

# For pkg-config, relative to where the file lies, so that the prefix may be chosen when it is
# installed. What uses a static library has to link what that uses.
set(pkg_config_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig
           OUTPUT_VARIABLE prefix)
cmake_path(APPEND libdir "\${prefix}" "${CMAKE_INSTALL_LIBDIR}")
cmake_path(APPEND includedir "\${prefix}" "${CMAKE_INSTALL_INCLUDEDIR}")
if(BUILD_SHARED_LIBS)
  set(requires "Requires.private")
else()
  set(requires "Requires")
endif()
if(RIVERRUN_BUILD_LM)
  set(text_requires " zlib")
  if(sndfile_FOUND)
    string(APPEND text_requires " sndfile")
  endif()
  if(cctz_FOUND AND NOT BUILD_SHARED_LIBS)
    set(public_libs " -lcctz")
  endif()
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/riverrun.pc.in ${PROJECT_BINARY_DIR}/riverrun.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/riverrun.pc DESTINATION ${pkg_config_dir})
