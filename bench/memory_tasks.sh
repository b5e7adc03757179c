#!/usr/bin/env bash
# What networks remember, by published criteria: each line is one run of `riverrun task`.
#
#   bench/memory_tasks.sh [PART…]     RIVERRUN=build/release/riverrun   SEEDS='1 2 3 4 5'   THREADS=0
#
# Parts, by rising time: published (minutes), senses, modern, copy, images (hours). Without any, all.
# senses and images read DATA/wsd_bank, DATA/wordvectors and DATA/mnist (DATA=../shared/data), where
# files may be plain or packed as .xz.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
riverrun=${RIVERRUN:-$root/build/release/riverrun}
data=${DATA:-$root/../shared/data}
seeds=${SEEDS:-1 2 3 4 5}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# unpacked FILE: the path of FILE, or of FILE.xz unpacked.
unpacked() {
  if [[ -f $data/$1 ]]; then
    echo "$data/$1"
  else
    xz -dc "$data/$1.xz" >"$scratch/${1##*/}"
    echo "$scratch/${1##*/}"
  fi
}

# run SEED NAME OPTION…: a line of what came of it.
run() {
  local seed=$1
  shift
  "$riverrun" task "$@" --seed "$seed" --threads "${THREADS:-0}" --json 2>/dev/null | python3 -c '
import json, sys
v = json.load(sys.stdin)
share = v["test"]["right"] / v["test"]["sequences"]
print("%s  seed %d  %s  after %d sequences, %.0f s  %s %.5f (without memory %.5f)  right %.4f" % (
    sys.argv[1], v["seed"], "solved" if v["solved"] else "not solved", v["sequences"],
    v["seconds"], v["score"], v["reached"], v["memoryless"], share))' "$*"
}

published() {
  for task in reber temporal-order-2 temporal-order-3 long-lag-a long-lag-b long-lag-c two-sequence \
    adding-1997; do
    for seed in $seeds; do run "$seed" "$task"; done
  done
}

senses() {
  local files=(--data "$data/wsd_bank" --vectors "$(unpacked wordvectors/glove.6B.100d.first20000.txt)")
  for seed in $seeds; do run "$seed" word-sense "${files[@]}"; done
  run 1 word-sense "${files[@]}" --cell memoryless
}

modern() {
  for length in 750 2000 5000; do run 1 adding --length "$length"; done
  run 1 adding --length 750 --cell rnn_tanh --max-sequences 100000
}

copy() {
  for length in 500 2000; do run 1 copy --length "$length"; done
}

images() {
  local name
  mkdir "$scratch/mnist"
  for name in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do
    ln -s "$(realpath "$(unpacked "mnist/$name-ubyte")")" "$scratch/mnist/$name-ubyte"
  done
  run 1 mnist --data "$scratch/mnist"
  run 1 permuted-mnist --data "$scratch/mnist"
}

for part in "${@:-published senses modern copy images}"; do
  for each in $part; do
    case $each in
      published | senses | modern | copy | images) "$each" ;;
      *)
        echo "memory_tasks.sh: there is no part \"$each\"" >&2
        exit 2
        ;;
    esac
  done
done
