#!/usr/bin/env bash
# What models of sequences reach with defaults: measures on the test parts and seconds of training,
# for several seeds.
#
#   bench/sequences.sh [DATA]    RIVERRUN=build/release/riverrun   SEEDS="1 2 3 4 5"   OPTIONS=
#                                KINDS="classify text tag forecast transform"
#
# DATA holds seqclass/NAME_TRAIN.ts and NAME_TEST.ts of the UEA/UCR archive, ud_english_ewt/*.conllu.xz
# (Universal Dependencies, English Web Treebank), wsd_bank/{train,test}.{data,gold}.txt (sentences with the
# word "bank", and which of its two senses it has), wordvectors/glove.6B.100d.first20000.txt.xz, and
# timeseries/ETTh1.csv.xz (Zhou et al. 2021) and airline-passengers.csv (Box & Jenkins).
# Signals are made by bench/amplifier.cpp, which is beside RIVERRUN. OPTIONS go to `train`.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
riverrun=${RIVERRUN:-$root/build/release/riverrun}
data=${1:-$root/../shared/data}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# measure NAME MEASURE TEST… -- OPTION…: trains as the options say, evaluates on TEST, for each seed.
measure() {
  local name=$1 measure=$2 test=() seed
  shift 2
  for (( ; $# > 0; )); do
    case $1 in
      --)
        shift
        break
        ;;
      *)
        test+=("$1")
        shift
        ;;
    esac
  done
  for seed in ${SEEDS:-1 2 3 4 5}; do
    # shellcheck disable=SC2086
    "$riverrun" train "$@" --out "$scratch/model" --overwrite --seed "$seed" ${OPTIONS:-} \
      --json >"$scratch/trained.json" 2>"$scratch/log" || { cat "$scratch/log"; exit 1; }
    "$riverrun" evaluate "$scratch/model" "${test[@]}" --json >"$scratch/evaluated.json"
    python3 - "$scratch" "$measure" <<'PY' >>"$scratch/$name"
import json, sys
trained, evaluated = (json.load(open(f"{sys.argv[1]}/{name}.json")) for name in ("trained", "evaluated"))
print(evaluated[sys.argv[2]], trained["seconds"])
PY
  done
  python3 - "$name" "$measure" "$scratch/$name" <<'PY'
import statistics, sys
values, seconds = zip(*(map(float, line.split()) for line in open(sys.argv[3])))
percent = sys.argv[2] == "accuracy"
shown = [f"{100 * v:.2f}" if percent else f"{v:.3g}" for v in (statistics.mean(values), *values)]
print(f"{sys.argv[1]:16} {sys.argv[2]} {shown[0]}{' %' if percent else ''}, seeds {' '.join(shown[1:])}; "
      f"trained in {statistics.median(seconds):.1f} s")
PY
}

# rows FILE FIRST LAST: the header and the rows from FIRST to before LAST, from 0.
rows() { sed -n "1p;$(($2 + 2)),$(($3 + 1))p" "$1"; }

# genres PART: the sentences of the English Web Treebank, with their genres as labels.
genres() {
  xz -dc "$data/ud_english_ewt/$1.conllu.xz" | awk '
    sub(/^# sent_id = /, "") { sub(/-.*/, ""); genre = $0 }
    sub(/^# text = /, "") { print "__label__" genre " " $0 }'
}

for kind in ${KINDS:-classify text tag forecast transform}; do
  case $kind in
    classify)
      for name in JapaneseVowels BasicMotions GunPoint; do
        measure "$name" accuracy "$data/seqclass/${name}_TEST.ts" -- "$data/seqclass/${name}_TRAIN.ts"
      done
      ;;
    text)
      for part in train test; do
        cut -f 2 "$data/wsd_bank/$part.data.txt" |
          paste -d '\t' "$data/wsd_bank/$part.gold.txt" - >"$scratch/bank-$part.txt"
      done
      for part in train dev test; do genres "$part" >"$scratch/genres-$part.txt"; done
      xz -dc "$data/wordvectors/glove.6B.100d.first20000.txt.xz" >"$scratch/vectors"
      text=("$scratch/bank-train.txt" --kind classify)
      measure bank macro_f1 "$scratch/bank-test.txt" -- "${text[@]}"
      measure bank-with-vectors macro_f1 "$scratch/bank-test.txt" -- "${text[@]}" --vectors "$scratch/vectors"
      text=("$scratch/genres-train.txt" --valid "$scratch/genres-dev.txt")
      measure genres accuracy "$scratch/genres-test.txt" -- "${text[@]}"
      measure genres-vectors accuracy "$scratch/genres-test.txt" -- "${text[@]}" --vectors "$scratch/vectors"
      ;;
    tag)
      for part in train dev test; do
        xz -dc "$data/ud_english_ewt/$part.conllu.xz" >"$scratch/$part.conllu"
      done
      xz -dc "$data/wordvectors/glove.6B.100d.first20000.txt.xz" >"$scratch/vectors"
      tag=("$scratch/train.conllu" --column upos --valid "$scratch/dev.conllu")
      measure EWT-with-vectors accuracy "$scratch/test.conllu" -- "${tag[@]}" --vectors "$scratch/vectors"
      measure EWT-without accuracy "$scratch/test.conllu" -- "${tag[@]}"
      ;;
    forecast)
      xz -dc "$data/timeseries/ETTh1.csv.xz" >"$scratch/etth1.csv"
      # 12, 4 and 4 months of 30 days, the last two with the look-back before them.
      rows "$scratch/etth1.csv" 0 8640 >"$scratch/train.csv"
      rows "$scratch/etth1.csv" $((8640 - 720)) $((8640 + 2880)) >"$scratch/valid.csv"
      rows "$scratch/etth1.csv" $((11520 - 720)) 14400 >"$scratch/test.csv"
      for horizon in 96 192 336 720; do
        measure "ETTh1-$horizon" mse "$scratch/test.csv" -- \
          "$scratch/train.csv" --valid "$scratch/valid.csv" --horizon "$horizon"
      done
      airline=$data/timeseries/airline-passengers.csv
      rows "$airline" 0 120 >"$scratch/airline.csv"
      measure airline mase "$airline" --start 1959-01 -- "$scratch/airline.csv" --horizon 24
      ;;
    transform)
      for seed in ${SEEDS:-1 2 3 4 5}; do # each draws a device of its own
        "$(dirname "$riverrun")/amplifier" "$scratch" "$seed"
        SEEDS=$seed measure "amplifier-$seed" esr_preemphasis "$scratch/dry_test.wav" \
          "$scratch/wet_test.wav" -- "$scratch/dry.wav" "$scratch/wet.wav"
      done
      ;;
    *)
      echo "sequences.sh: KINDS has \"$kind\"; it may have classify, text, tag, forecast and transform" >&2
      exit 2
      ;;
  esac
done
