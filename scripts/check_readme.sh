#!/usr/bin/env bash
# Does what README.md says, as a reader would: builds its program with its CMake lines against the
# installed package, and runs its command lines one after another.
#
#   scripts/check_readme.sh BUILD_DIR PREFIX
#
# The cell it shows must be the library's, to the letter. Left out are blocks that call scripts/,
# which .ci/run runs. Training is cut short: every --max-minutes becomes a few seconds.
set -euo pipefail

build=$(realpath "$1")
prefix=$(realpath "$2")
root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

# blocks LANGUAGE PATTERN FILE: the fenced blocks of that language which match, in order.
blocks() {
  awk -v fence='```'"$1" -v pattern="$2" '
    inside && /^```/ { if (block ~ pattern) printf "%s", block; inside = 0 }
    inside { block = block $0 "\n" }
    $0 == fence { inside = 1; block = "" }' "$root/README.md"
}

blocks cpp 'int main' >main.cpp
blocks cmake 'find_package' >CMakeLists.txt
blocks sh '(^|\n)build/release/riverrun ' | sed -E 's/--max-minutes [0-9.]+/--max-minutes 0.05/' >commands.sh
for file in main.cpp CMakeLists.txt commands.sh; do
  if [ ! -s "$file" ]; then
    echo "check_readme.sh: found nothing for $file in README.md" >&2
    exit 1
  fi
done

echo '== the cell'
cell=$(blocks cpp 'static constexpr auto gates')
lstm=$(<"$root/riverrun/cell/lstm.h")
if [ -z "$cell" ] || [[ $lstm != *"$cell"* ]]; then
  echo 'check_readme.sh: the cell in README.md is not that of riverrun/cell/lstm.h' >&2
  exit 1
fi

echo '== the C++ program'
cmake -B demo-build -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
cmake --build demo-build
demo-build/demo

echo '== the command lines'
cat "$root"/README.md "$root"/docs/*.md >book.txt
mkdir build
ln -s "$build" build/release
bash -euxo pipefail commands.sh
