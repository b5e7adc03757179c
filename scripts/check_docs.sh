#!/usr/bin/env bash
# Does what README.md and docs/memory.md say, as a reader would: builds README's program with its
# CMake lines against the installed package, and runs the command lines of both one after another.
#
#   scripts/check_docs.sh BUILD_DIR PREFIX
#
# The cells they show must be the library's, to the letter. Left out are README's blocks that call
# scripts/, which .ci/run runs. Work is cut short: every --max-minutes becomes a few seconds, --steps
# 5000 become 500, --batch-size 256 becomes 8, and the texts are these pages.
set -euo pipefail

build=$(realpath "$1")
prefix=$(realpath "$2")
root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
readme=$root/README.md
memory=$root/docs/memory.md
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

# blocks LANGUAGE PATTERN FILE: the fenced blocks of that language which match, in order.
blocks() { awk -v language="$1" -v pattern="$2" -f "$root/scripts/blocks.awk" "$3"; }

# fail MESSAGE
fail() {
  echo "check_docs.sh: $1" >&2
  exit 1
}

blocks cpp 'int main' "$readme" >main.cpp
blocks cmake 'find_package' "$readme" >CMakeLists.txt
blocks sh '(^|\n)build/release/riverrun ' "$readme" >readme.sh
blocks sh . "$memory" >memory.sh
for file in main.cpp CMakeLists.txt readme.sh memory.sh; do
  [ -s "$file" ] || fail "found nothing for $file"
done
sed -E -i 's/--max-minutes [0-9.]+/--max-minutes 0.05/; s/--steps 5000/--steps 500/
           s/--batch-size 256/--batch-size 8/' readme.sh memory.sh
command -v gnuplot >/dev/null || sed -E -i 's/ --svg [^ ]+//' memory.sh

echo '== the cells'
# shown PAGE CELL: the cell stands in the page as it does in the library.
shown() {
  local cell library
  cell=$(blocks cpp "struct $2 " "$1")
  library=$(cat "$root"/riverrun/cell/{rnn,lstm}.h)
  [[ -n $cell && $library == *"$cell"* ]] || fail "$2 in $1 is not that of riverrun/cell/"
}
shown "$readme" LSTM
shown "$memory" RNNTanh
shown "$memory" LSTM

echo '== the C++ program'
cmake -B demo-build -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
cmake --build demo-build
demo-build/demo

echo '== the command lines of README.md'
cat "$root"/README.md "$root"/docs/*.md >book.txt
mkdir build
ln -s "$build" build/release
bash -euxo pipefail readme.sh

echo '== the command lines of docs/memory.md'
mkdir memory bin
ln -s "$build"/{riverrun,example_ablation,example_context} bin/
printf '#!/bin/sh\nexec cat "%s"\n' "$scratch/book.txt" >bin/bible
chmod +x bin/bible
cd memory
PATH=$scratch/bin:$PATH bash -euxo pipefail ../memory.sh
