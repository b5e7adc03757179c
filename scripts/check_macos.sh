#!/usr/bin/env bash
# Compiles the library for macOS on Apple silicon and links programs with it, as far as that goes on
# Linux: with zig c++ (the package ziglang of PyPI), which brings macOS's headers and libc++. Of
# text, insight and lm, the sources that call the system are compiled. Nothing is run.
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
if [ ! -d "$venv" ]; then
  python3 -m venv "$venv.part"
  "$venv.part/bin/pip" install --quiet --disable-pip-version-check "ziglang==$zig_version"
  mv "$venv.part" "$venv"
fi
zig=$(echo "$venv"/lib/python*/site-packages/ziglang/zig)
export ZIG_GLOBAL_CACHE_DIR=$folder/zig-cache ZIG_LOCAL_CACHE_DIR=$folder/zig-cache

# tool NAME ARGUMENT…: a program that is zig with these arguments.
tool() {
  local file=$folder/$1
  shift
  printf '#!/bin/sh\nexec "%s" %s "$@"\n' "$zig" "$*" >"$file"
  chmod +x "$file"
}
tool c++ c++ -target aarch64-macos -fno-sanitize=undefined
tool ar ar
tool ranlib ranlib

# The dependencies: Debian's headers, out of reach of Linux's own, which lie beside them. fmt and
# nlohmann-json need no more. Of Highway, the three functions in its library have stand-ins.
deps=$folder/deps
mkdir -p "$deps/include"
for name in fmt hwy nlohmann CLI; do ln -sfn "/usr/include/$name" "$deps/include/$name"; done
cat >"$deps/fmt-config.cmake" <<END
add_library(fmt::fmt INTERFACE IMPORTED)
target_include_directories(fmt::fmt INTERFACE $deps/include)
target_compile_definitions(fmt::fmt INTERFACE FMT_HEADER_ONLY)
END
cat >"$deps/nlohmann_json-config.cmake" <<END
add_library(nlohmann_json::nlohmann_json INTERFACE IMPORTED)
target_include_directories(nlohmann_json::nlohmann_json INTERFACE $deps/include)
END
cat >"$deps/libhwy.pc" <<END
Name: libhwy
Description: headers
Version: 0
Cflags: -I$deps/include
Libs: $deps/highway.o
END
cat >"$deps/highway.cpp" <<END
#include "hwy/targets.h"
namespace hwy {
int64_t SupportedTargets() { return HWY_STATIC_TARGET; }
void SetSupportedTargetsForTest(int64_t) {}
ChosenTarget& GetChosenTarget() {
  static ChosenTarget chosen;
  return chosen;
}
}  // namespace hwy
END
"$folder/c++" -std=c++20 -I"$deps/include" -c "$deps/highway.cpp" -o "$deps/highway.o"

PKG_CONFIG_LIBDIR=$deps cmake -S . -B "$folder" -G Ninja \
  -DCMAKE_SYSTEM_NAME=Darwin -DCMAKE_SYSTEM_PROCESSOR=arm64 -DCMAKE_CXX_COMPILER="$folder/c++" \
  -DCMAKE_AR="$folder/ar" -DCMAKE_RANLIB="$folder/ranlib" -DCMAKE_INSTALL_NAME_TOOL=/bin/true \
  -DCMAKE_OSX_SYSROOT= -DCMAKE_OSX_DEPLOYMENT_TARGET= -DCMAKE_CXX_FLAGS=-O0 \
  -Dfmt_DIR="$deps" -Dnlohmann_json_DIR="$deps" -DRIVERRUN_WERROR=ON \
  -DRIVERRUN_BUILD_TESTS=OFF -DRIVERRUN_BUILD_BENCH=OFF -DRIVERRUN_BUILD_LM=OFF \
  -DRIVERRUN_INSTALL=OFF -DCMAKE_BUILD_TYPE=Debug >/dev/null
cmake --build "$folder" --parallel "$jobs"

mapfile -t others < <(grep -lE '#include <(sys/|unistd|fcntl|spawn|signal|dirent|dlfcn)' \
  riverrun/{text,insight,lm}/*.cpp)
printf '%s\0' "${others[@]}" |
  xargs -0 --max-procs="$jobs" --max-args=1 "$folder/c++" -std=c++20 -fsyntax-only -Werror -I. \
    -isystem "$deps/include" -DFMT_HEADER_ONLY
programs=("$folder"/example_*)
echo "macOS: ${#programs[@]} programs linked, ${#others[@]} further sources compiled"
