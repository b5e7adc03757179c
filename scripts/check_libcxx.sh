#!/usr/bin/env bash
# Checks sources of the library, and one cell as riverrun_add_cell makes it, with clang++ and libc++
# in place of libstdc++: those that use parts of the standard library which came late to libc++ (all of
# them would take three minutes). Nothing is linked, as fmt and Highway are packaged for libstdc++ only.
#
#   scripts/check_libcxx.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Both Debian 12 and 13 have it; libc++ 14, Debian 12's default, lacks parts of std::ranges.
version=19
scripts/install-deps.sh "clang-$version" "libc++-$version-dev" "libc++abi-$version-dev"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cell=$scratch/lstm.cpp
sed "s|@RIVERRUN_CELL@|riverrun::cells::LSTM|; s|@RIVERRUN_CELL_HEADER@|riverrun/cell/lstm.h|
     s|@RIVERRUN_CELL_SOURCE@|$cell|" cmake/cell.cpp.in >"$cell"

# One instruction set is enough: the others use no more of the standard library.
late='std::(ranges|views|from_chars|to_chars|jthread|stop_token|atomic_ref|barrier|latch|bit_cast)'
mapfile -t sources < <(git grep -lE "$late" -- 'riverrun/*.cpp')
[ ${#sources[@]} -gt 5 ]
printf '%s\0' "${sources[@]}" "$cell" |
  xargs -0 --max-procs="$(nproc)" --max-args=4 "clang++-$version" -stdlib=libc++ -std=c++20 \
    -fsyntax-only -DFMT_HEADER_ONLY -DHWY_COMPILE_ONLY_STATIC -Wall -Wextra -Werror -I.
echo "libc++: ${#sources[@]} sources and a cell checked"
