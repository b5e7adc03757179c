#!/usr/bin/env bash
# Does what README.md, docs/training.md with docs/library.md, and docs/memory.md say, as a reader would:
# builds the programs of the first two with their CMake lines against the installed package, and runs the command lines of
# README.md and docs/memory.md one after another.
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
library=$scratch/library.md
cat "$root"/docs/training.md "$root"/docs/library.md >"$library"

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
sed -E -i 's/train dry.wav wet.wav/& --epochs 2/' readme.sh
pkg-config --exists sndfile || sed -i '/[.]wav/d' readme.sh
command -v gnuplot >/dev/null || sed -E -i 's/ --svg [^ ]+//' memory.sh

echo '== the cells'
# shown PAGE CELL: the cell stands in the page as it does in the library.
shown() {
  local cell cells
  cell=$(blocks cpp "struct $2 " "$1")
  cells=$(cat "$root"/riverrun/cell/{rnn,lstm}.h)
  [[ -n $cell && $cells == *"$cell"* ]] || fail "$2 in $1 is not that of riverrun/cell/"
}
shown "$readme" LSTM
shown "$memory" RNNTanh
shown "$memory" LSTM

echo '== the C++ program'
cmake -B demo-build -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
cmake --build demo-build
demo-build/demo

# The blocks of both pages are one program, which is also its plug-in.
echo '== the program and the plug-in of docs/training.md and docs/library.md'
mkdir library
cd library
blocks cpp . "$library" >plugin.cpp
{
  blocks cmake 'find_package' "$library"
  echo 'add_executable(program plugin.cpp)'
  echo 'add_executable(host host.cpp)'
  echo 'target_link_libraries(program PRIVATE riverrun::riverrun)'
} >CMakeLists.txt
cat >host.cpp <<'HOST'
#include <dlfcn.h>

#include <cmath>
#include <cstdio>

int main() {
  void* plugin = dlopen("./libforecaster.so", RTLD_NOW | RTLD_LOCAL);
  if (plugin == nullptr) return std::puts(dlerror()), 1;
  const auto open = reinterpret_cast<void* (*)(const char*)>(dlsym(plugin, "forecaster_open"));
  const auto step = reinterpret_cast<float (*)(void*, float)>(dlsym(plugin, "forecaster_step"));
  const auto close = reinterpret_cast<void (*)(void*)>(dlsym(plugin, "forecaster_close"));
  if (open == nullptr || step == nullptr || close == nullptr) return std::puts(dlerror()), 1;
  void* forecaster = open("weights.safetensors");
  if (forecaster == nullptr || open("none.safetensors") != nullptr) return std::puts("open"), 1;
  const float y = step(forecaster, 0.5f);
  close(forecaster);
  if (!std::isfinite(y)) return std::puts("step"), 1;
  return dlclose(plugin);
}
HOST
cmake -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
cmake --build build
cd build
./program | tee printed
[[ $(<printed) == *'resumed alike'*'learnt; then 0 more'*'waves told apart: yes'*'run three ways: the same'* ]] || fail 'docs/training.md and docs/library.md: what their program prints'
./host
cd ../..

echo '== the command lines of README.md'
cat "$root"/README.md "$root"/docs/*.md >book.txt
for file in vowels_TRAIN vowels_TEST new; do
  awk 'BEGIN {
    print "@problemName vowels\n@classLabel true a e\n@data"
    for (i = 0; i < 40; ++i) {
      for (t = 0; t < 12; ++t) printf "%s%.4f", (t > 0 ? "," : ""), sin(0.4 * t * (1 + i % 2) + i)
      print (i % 2 > 0 ? ":e" : ":a")
    }
  }' >$file.ts
done
for file in train test new; do
  awk 'BEGIN {
    for (i = 0; i < 40; ++i) {
      print "1\tthe\t_\tDET\t_\t_\t_\t_\t_\t_"
      print "2\t" (i % 2 > 0 ? "river" : "bank") "\t_\tNOUN\t_\t_\t_\t_\t_\t_\n"
    }
  }' >$file.conllu
done
python3 - <<'PY'
import datetime, math, struct
def write_load(name, first, hours):
    with open(name, "w", encoding="utf-8") as file:
        print("time,load", file=file)
        for t in range(hours):
            load = 50 + 10 * math.sin(math.pi * t / 12) + 3 * math.sin(math.pi * t / 84)
            print(first + datetime.timedelta(hours=t), f"{load:.3f}", sep=",", file=file)
write_load("load.csv", datetime.datetime(2023, 11, 1), 900)
write_load("load_2024.csv", datetime.datetime(2024, 1, 1), 500)
def write(name, samples):
    data = struct.pack(f"<{len(samples)}h", *(round(32767 * x) for x in samples))
    with open(name, "wb") as file:
        file.write(b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " +
                   struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16) +
                   b"data" + struct.pack("<I", len(data)) + data)
dry = [0.5 * math.sin(0.1 * t * (1 + 0.001 * t)) for t in range(20000)]
for name in ("dry", "dry_test", "guitar"):
    write(f"{name}.wav", dry)
for name in ("wet", "wet_test"):
    write(f"{name}.wav", [0.8 * math.tanh(3 * x) for x in dry])
PY
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
