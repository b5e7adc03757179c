# cmake -DNM=PROGRAM -DFILE=LIBRARY -DALLOWED=REGEX -P CheckExports.cmake
# Fails if the shared library exports a name that does not match, or none at all.
execute_process(COMMAND ${NM} --dynamic --defined-only ${FILE}
                OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[0-9a-f]+ [A-Za-z] [^\n]+" symbols "${output}")
set(others ${symbols})
list(FILTER others EXCLUDE REGEX "^[0-9a-f]+ [A-Za-z] (${ALLOWED})")
list(LENGTH symbols count)
list(LENGTH others other_count)
if(count EQUAL 0 OR NOT other_count EQUAL 0)
  list(JOIN others "\n" others)
  message(FATAL_ERROR "${FILE}: ${count} exported names, ${other_count} of them not allowed\n${others}")
endif()
message("${count} exported names")
