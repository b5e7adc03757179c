# cmake -DPROGRAM=FILE -DLIMIT=BYTES -P CheckProgramSize.cmake
# Fails if the program is larger than the limit.
file(SIZE ${PROGRAM} size)
if(size GREATER LIMIT)
  message(FATAL_ERROR "${PROGRAM} has ${size} bytes; the limit is ${LIMIT}")
endif()
message("${size} bytes")
