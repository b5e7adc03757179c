#!/usr/bin/env bash
# A program made with what pkg-config says of the installed package, without CMake.
#   pkg_config.sh PREFIX LIBDIR COMPILER FLAGS…
set -euo pipefail

prefix=$1 libdir=$2
shift 2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

export PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
read -ra options < <(pkg-config --cflags --libs riverrun)
"$@" -std=c++20 "$(dirname "${BASH_SOURCE[0]}")/main.cpp" -o "$scratch/program" "${options[@]}"
LD_LIBRARY_PATH=$prefix/$libdir "$scratch/program"
echo "version $(pkg-config --modversion riverrun)"
