# Tests of the installed package, as a user meets it: install to an empty prefix, configure and
# build tests/package against it, run what came out, and run the installed program.
include(GNUInstallDirs)

set(prefix ${PROJECT_BINARY_DIR}/package-test/prefix)
set(build ${PROJECT_BINARY_DIR}/package-test/build)

add_test(NAME package.clean COMMAND ${CMAKE_COMMAND} -E rm -rf ${prefix} ${build})
add_test(NAME package.install
         COMMAND ${CMAKE_COMMAND} --install ${PROJECT_BINARY_DIR} --prefix ${prefix} --strip)
set_tests_properties(package.clean PROPERTIES FIXTURES_SETUP package_clean)
set_tests_properties(package.install PROPERTIES FIXTURES_SETUP package_installed
                                                FIXTURES_REQUIRED package_clean)

# riverrun_package_test(NAME SOURCE PROGRAM EXPECT REGEX): a project that uses the package is
# configured and built, and what its program prints is looked at.
function(riverrun_package_test name source program)
  cmake_parse_arguments(PARSE_ARGV 3 arg "" "EXPECT" "")
  set(folder ${build}/${name})
  add_test(NAME package.${name}.configure
           COMMAND ${CMAKE_COMMAND} -S ${source} -B ${folder} -G ${CMAKE_GENERATOR}
                   -DCMAKE_BUILD_TYPE=${CMAKE_BUILD_TYPE}
                   -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}
                   -DCMAKE_CXX_FLAGS=${CMAKE_CXX_FLAGS}
                   -DCMAKE_PREFIX_PATH=${prefix})
  add_test(NAME package.${name}.build COMMAND ${CMAKE_COMMAND} --build ${folder})
  riverrun_program_test(package.${name}.run EXPECT ${arg_EXPECT} COMMAND ${folder}/${program})
  set_tests_properties(package.${name}.configure PROPERTIES
                       FIXTURES_SETUP ${name}_configured FIXTURES_REQUIRED package_installed)
  set_tests_properties(package.${name}.build PROPERTIES
                       FIXTURES_SETUP ${name}_built FIXTURES_REQUIRED ${name}_configured)
  set_tests_properties(package.${name}.run PROPERTIES FIXTURES_REQUIRED ${name}_built)
endfunction()

riverrun_package_test(headers ${PROJECT_SOURCE_DIR}/tests/package package_test
                      EXPECT "output \\[5, 2, 4\\], state \\[2, 2, 4\\]")
riverrun_package_test(own_cell ${PROJECT_SOURCE_DIR}/examples/own_cell own_cell
                      EXPECT "p_o_l0 +\\[32\\].*has learned")
riverrun_package_test(plugin ${PROJECT_SOURCE_DIR}/tests/package/plugin host
                      EXPECT "stream moves, fixed 0, error ENOENT")

add_test(NAME package.pkg_config
         COMMAND ${PROJECT_SOURCE_DIR}/tests/package/pkg_config.sh ${prefix} ${CMAKE_INSTALL_LIBDIR}
                 ${CMAKE_CXX_COMPILER})
set_tests_properties(package.pkg_config PROPERTIES
                     FIXTURES_REQUIRED package_installed
                     PASS_REGULAR_EXPRESSION "output .*version ${PROJECT_VERSION}")

# Names that are exported: riverrun's own, of a shared library; of a static one that became a
# plug-in, the plug-in's (and what the standard library insists on).
if(BUILD_SHARED_LIBS)
  set(library $<TARGET_FILE:riverrun>)
  set(allowed "_Z(T[CHISTVW]|GV|Z|GVZ)?NK?8riverrun|_ZT[hv].*N8riverrun")
else()
  set(library ${build}/plugin/libplugin.so)
  set(allowed "process|_Z(T[CHISTVW]|GV|Z|GVZ)?N?K?S[abdiost]")
endif()
add_test(NAME package.exports
         COMMAND ${CMAKE_COMMAND} -DNM=${CMAKE_NM} -DFILE=${library} -DALLOWED=${allowed}
                 -P ${PROJECT_SOURCE_DIR}/cmake/CheckExports.cmake)
set_tests_properties(package.exports PROPERTIES FIXTURES_REQUIRED plugin_built)

# A project that has riverrun in its own build, as a shared library without language models. To build
# that once more would take minutes: here it is configured, and its commands are looked at.
add_test(NAME package.subproject.configure
         COMMAND ${CMAKE_COMMAND} -S ${PROJECT_SOURCE_DIR}/tests/package/subproject
                 -B ${build}/subproject -G ${CMAKE_GENERATOR}
                 -DRIVERRUN=${PROJECT_SOURCE_DIR} -DCMAKE_EXPORT_COMPILE_COMMANDS=ON
                 -DRIVERRUN_BUILD_LM=OFF -DBUILD_SHARED_LIBS=ON
                 -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER} -DCMAKE_CXX_FLAGS=${CMAKE_CXX_FLAGS})
set_tests_properties(package.subproject.configure PROPERTIES
                     FIXTURES_SETUP subproject_configured FIXTURES_REQUIRED package_clean)
function(riverrun_optimisation_test name option sources)
  add_test(NAME package.subproject.${name}
           COMMAND ${CMAKE_COMMAND} -DFOLDER=${build}/subproject -DOPTION=${option}
                   -DSOURCES=${sources} -P ${PROJECT_SOURCE_DIR}/cmake/CheckOptimised.cmake)
  set_tests_properties(package.subproject.${name} PROPERTIES
                       FIXTURES_REQUIRED subproject_configured)
endfunction()
riverrun_optimisation_test(optimised -O3 "own_CoupledLSTM\\.cpp|/riverrun/.*\\.cpp")
riverrun_optimisation_test(keeps_options -O1 "plain_CoupledLSTM\\.cpp")

if(TARGET riverrun_cli)
  riverrun_program_test(package.program EXPECT "riverrun ${PROJECT_VERSION}"
                        COMMAND ${prefix}/bin/riverrun --version)
  add_test(NAME package.program_size
           COMMAND ${CMAKE_COMMAND} -DPROGRAM=${prefix}/bin/riverrun -DLIMIT=6000000
                   -P ${PROJECT_SOURCE_DIR}/cmake/CheckProgramSize.cmake)
  set_tests_properties(package.program package.program_size PROPERTIES
                       FIXTURES_REQUIRED package_installed)
endif()
if(TARGET riverrun_cli AND RIVERRUN_BUILD_EXAMPLES)  # docs/memory.md runs one of them
  add_test(NAME docs COMMAND ${PROJECT_SOURCE_DIR}/scripts/check_docs.sh
                             ${PROJECT_BINARY_DIR} ${prefix})
  set_tests_properties(docs PROPERTIES FIXTURES_REQUIRED package_installed)
endif()
