#!/usr/bin/env bash
# Penn Treebank, words, with the small configuration of Zaremba, Sutskever & Vinyals 2014 ("Recurrent
# Neural Network Regularization"): prints the perplexity of the test text and the time it took.
#
#   bench/ptb.sh [FOLDER [OUT]]     RIVERRUN=build/release/riverrun   THREADS=0 (all)
#
# FOLDER holds ptb.train.txt, ptb.valid.txt and ptb.test.txt in Mikolov's preparation, each plain or
# as .xz. OUT keeps the model.
#
# The paper's loss is a sum over the seq_len = 20 steps and a mean over the batch; riverrun's is a
# mean over both. Its gradient g is therefore 20 times smaller, and the paper's update,
#   lr * min(1, clip / |20 g|) * 20 g  =  (20 lr) * min(1, (clip / 20) / |g|) * g,
# with lr 1 and clip 5 is riverrun's with lr 20 and clip 0.25.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
riverrun=${RIVERRUN:-$root/build/release/riverrun}
data=${1:-$root/../shared/data/ptb}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
out=${2:-$scratch/model}

for part in train valid test; do
  file=$data/ptb.$part.txt
  if [[ -f $file ]]; then
    cp "$file" "$scratch/$part.txt"
  elif [[ -f $file.xz ]]; then
    xz -dc "$file.xz" >"$scratch/$part.txt"
  else
    echo "ptb.sh: there is neither $file nor $file.xz" >&2
    exit 1
  fi
done

SECONDS=0
"$riverrun" train "$scratch/train.txt" --valid "$scratch/valid.txt" --out "$out" \
  --tokens word --vocab-size 10000 \
  --cell lstm --embedding-size 200 --hidden-size 200 --num-layers 2 --dropout 0 \
  --init-uniform 0.1 \
  --seq-len 20 --batch-size 20 \
  --optimizer sgd --lr 20 --clip 0.25 --warmup 0 \
  --schedule step --decay-after 4 --decay 0.5 --epochs 13 \
  --threads "${THREADS:-0}" --seed 1
echo "training took $SECONDS s"
"$riverrun" evaluate "$out" "$scratch/test.txt"
