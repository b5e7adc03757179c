# riverrun_add_cell(TARGET CELL HEADER): gives the program or library TARGET a cell of its own.
# CELL is the name of the struct, with its namespace, and HEADER the file that defines it:
#
#   riverrun_add_cell(my_program CoupledLSTM coupled_lstm.h)
#
# It generates the one translation unit that compiles the cell's kernels, once for every SIMD
# instruction set of the processor family, and in which riverrun::cell<CoupledLSTM>() is defined.
# riverrun's own cells are made by the same call.
set(riverrun_cell_template ${CMAKE_CURRENT_LIST_DIR}/cell.cpp.in)

function(riverrun_add_cell target cell header)
  cmake_path(ABSOLUTE_PATH header NORMALIZE OUTPUT_VARIABLE RIVERRUN_CELL_HEADER)
  set(RIVERRUN_CELL ${cell})
  string(MAKE_C_IDENTIFIER ${cell} identifier)
  set(RIVERRUN_CELL_SOURCE ${CMAKE_CURRENT_BINARY_DIR}/${target}_${identifier}.cpp)
  configure_file(${riverrun_cell_template} ${RIVERRUN_CELL_SOURCE} @ONLY)
  target_sources(${target} PRIVATE ${RIVERRUN_CELL_SOURCE})
  # As in the library: the same arithmetic gives the same bits wherever it is inlined.
  set_source_files_properties(${RIVERRUN_CELL_SOURCE} PROPERTIES COMPILE_OPTIONS -ffp-contract=off)
  if(NOT target STREQUAL riverrun)
    target_link_libraries(${target} PRIVATE riverrun::riverrun PkgConfig::hwy)
  endif()
endfunction()
