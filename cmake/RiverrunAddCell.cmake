# riverrun_add_cell(TARGET CELL HEADER): gives the program or library TARGET a cell of its own.
# CELL is the name of the struct, with its namespace, and HEADER the file that defines it:
#
#   riverrun_add_cell(my_program CoupledLSTM coupled_lstm.h)
#
# It generates the one translation unit that compiles the cell's kernels, once for every SIMD
# instruction set of the processor family, and in which riverrun::cell<CoupledLSTM>() is defined.
# riverrun's own cells are made by the same call. TARGET may be of another folder. Where neither a
# build type nor an option that TARGET has before the call says how to optimise, that unit is
# optimised all the same: else its kernels would take some 20 times as long.
function(riverrun_add_cell target cell header)
  cmake_path(ABSOLUTE_PATH header NORMALIZE OUTPUT_VARIABLE RIVERRUN_CELL_HEADER)
  set(RIVERRUN_CELL ${cell})
  string(MAKE_C_IDENTIFIER ${cell} identifier)
  set(RIVERRUN_CELL_SOURCE ${CMAKE_CURRENT_BINARY_DIR}/${target}_${identifier}.cpp)
  configure_file(${CMAKE_CURRENT_FUNCTION_LIST_DIR}/cell.cpp.in ${RIVERRUN_CELL_SOURCE} @ONLY)
  target_sources(${target} PRIVATE ${RIVERRUN_CELL_SOURCE})
  # As in the library: the same arithmetic gives the same bits wherever it is inlined.
  set(options -ffp-contract=off)
  if(NOT target STREQUAL riverrun)
    # A file's options come after its target's, and would win.
    get_target_property(of_target ${target} COMPILE_OPTIONS)
    if(NOT of_target MATCHES "(^|;)[-/]O")
      riverrun_optimisation_without_build_type(optimisation)
      list(APPEND options ${optimisation})
    endif()
  endif()
  set_property(SOURCE ${RIVERRUN_CELL_SOURCE} TARGET_DIRECTORY ${target}
               PROPERTY COMPILE_OPTIONS ${options})
  if(target STREQUAL riverrun)
    return()
  endif()
  target_link_libraries(${target} PRIVATE riverrun::riverrun PkgConfig::hwy)
endfunction()

# The option, unless CMAKE_CXX_FLAGS has one already.
function(riverrun_optimisation_without_build_type variable)
  set(${variable} "" PARENT_SCOPE)
  if(NOT CMAKE_CXX_FLAGS MATCHES "(^| )[-/]O")
    set(${variable} "$<$<STREQUAL:$<CONFIG>,>:-O3>" PARENT_SCOPE)
  endif()
endfunction()
