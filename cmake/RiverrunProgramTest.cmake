# riverrun_program_test(NAME EXPECT REGEX COMMAND ARGUMENT…): a test that runs a program and
# fails unless it exits with 0 and its standard output matches REGEX.
function(riverrun_program_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "EXPECT" "COMMAND")
  add_test(NAME ${name}
           COMMAND ${CMAKE_COMMAND} -DEXPECT=${arg_EXPECT}
                   -P ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/RunAndMatch.cmake -- ${arg_COMMAND})
endfunction()
