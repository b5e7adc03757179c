#!/usr/bin/env bash
# Compiles for macOS on Apple silicon, as far as that goes on Linux: with zig c++ (the package ziglang
# of PyPI), which brings macOS's headers and libc++. `core`, where nearly all that depends on the
# system is, is linked with what uses its threads and memory; of the other rooms, the sources that call
# the system, the kernels of one cell and of products, and an example of `fixed` are compiled. Nothing
# is run.
#
#   scripts/check_macos.sh [FOLDER]     build/macos by default
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

folder=${1:-build/macos}
jobs=$(nproc)
zig_version=0.17.1
scripts/install-deps.sh python3-venv
mkdir -p "$folder"
folder=$(realpath "$folder")

venv=$folder/venv-$zig_version
if [ ! -e "$venv/done" ]; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  if ! "$venv/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir \
    "ziglang==$zig_version"; then
    echo "check_macos.sh: skipped: ziglang $zig_version cannot be had (see above)"
    exit
  fi
  touch "$venv/done"
fi
# zig keeps the parts of libc++ that it has compiled.
export ZIG_GLOBAL_CACHE_DIR=$folder/zig-cache ZIG_LOCAL_CACHE_DIR=$folder/zig-cache
compiler=("$venv/bin/python" -m ziglang c++ -target aarch64-macos -std=c++20 -O0
  -fno-sanitize=undefined -Wall -Wextra -Werror)

# The headers of the libraries, out of reach of Linux's own, which lie beside them.
rm -rf "$folder/include"
mkdir -p "$folder/include" "$folder/objects"
for name in fmt hwy nlohmann; do ln -s "/usr/include/$name" "$folder/include/$name"; done
compiler+=(-I. -isystem "$folder/include" -DFMT_HEADER_ONLY)

cell=$folder/lstm.cpp
sed "s|@RIVERRUN_CELL@|riverrun::cells::LSTM|; s|@RIVERRUN_CELL_HEADER@|riverrun/cell/lstm.h|
     s|@RIVERRUN_CELL_SOURCE@|$cell|" cmake/cell.cpp.in >"$cell"

mapfile -t core < <(git ls-files 'riverrun/core/*.cpp')
mapfile -t others < <(grep -lE '#include <(sys/|unistd|fcntl|spawn|signal|dirent|dlfcn|sched|pthread)' \
  riverrun/{io,nn,kernels,data/text,insight,tasks,report,train,lm}/*.cpp)
others+=(riverrun/io/parameters.cpp riverrun/kernels/product.cpp riverrun/train/run_folder.cpp
  examples/fixed.cpp "$cell")
[ ${#core[@]} -gt 5 ] && [ ${#others[@]} -gt 5 ]

# shellcheck disable=SC2016  # it is the inner shell that expands them
printf '%s\0' "${core[@]}" tests/core/plugin.cpp "${others[@]}" |
  xargs -0 -I{} --max-procs="$jobs" bash -c '
    file=$1 objects=$2
    shift 2
    name=${file#/}
    exec "$@" -c "$file" -o "$objects/${name//\//_}.o"' compile {} "$folder/objects" "${compiler[@]}"

linked=()
for source in "${core[@]}" tests/core/plugin.cpp; do
  linked+=("$folder/objects/${source//\//_}.o")
done
"${compiler[@]}" -shared "${linked[@]}" -o "$folder/libplugin.dylib"
file=$folder/libplugin.dylib
magic=$(head -c 8 "$file" | od -An -tx1 | tr -d ' \n')
[ "$magic" = cffaedfe0c000001 ] || { echo "check_macos.sh: $file is not a library for arm64" >&2; exit 1; }
echo "macOS: ${#core[@]} sources of core linked, ${#others[@]} others compiled"
