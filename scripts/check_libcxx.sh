#!/usr/bin/env bash
# Compiles the library with clang++ and libc++, in place of the compiler's usual libstdc++, as the
# sub-project of another project, whose program is linked and run. Of text, insight and lm, the
# syntax is checked.
#
#   scripts/check_libcxx.sh [FOLDER]     build/libcxx by default
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

folder=${1:-build/libcxx}
jobs=$(nproc)
scripts/install-deps.sh clang libc++-dev libc++abi-dev

# One instruction set is enough here. The system's libfmt belongs to the other library.
flags='-stdlib=libc++ -DFMT_HEADER_ONLY -DHWY_COMPILE_ONLY_STATIC'
cmake -S tests/package/subproject -B "$folder" -G Ninja -DRIVERRUN="$PWD" \
  -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_CXX_FLAGS="$flags -O1" -DRIVERRUN_WERROR=ON \
  -DRIVERRUN_BUILD_LM=OFF >/dev/null
cmake --build "$folder" --parallel "$jobs"
"$folder/own"

read -ra options <<<"$flags"
git ls-files -z 'riverrun/text/*.cpp' 'riverrun/insight/*.cpp' 'riverrun/lm/*.cpp' |
  xargs -0 --max-procs="$jobs" --max-args=4 clang++ -std=c++20 "${options[@]}" -Wall -Wextra \
    -Werror -fsyntax-only -I.
