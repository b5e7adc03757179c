#!/usr/bin/env bash
# A run that is killed at any moment and resumed ends with the same bits as one that was not; and
# Ctrl-C stops cleanly.
# shellcheck disable=SC2086
. "$(dirname "$0")/common.sh"

make_text text.txt 400
run="train text.txt --embedding-size 16 --hidden-size 48 --num-layers 2 --dropout 0.2 --seq-len 16
     --batch-size 8 --epochs 3 --valid-every 30"

# nap N: a random time, up to a bound that grows by a quarter with each N, so that there are kills at
# every stage on fast and on slow machines.
nap() { sleep "$(awk -v n="$1" -v r=$RANDOM 'BEGIN { print 0.05 * 1.25 ^ n * r / 32768 }')"; }

riverrun $run --out whole >/dev/null 2>&1
riverrun $run --out threads --threads 1 >/dev/null 2>&1
cmp whole/checkpoint.safetensors threads/checkpoint.safetensors || fail 'threads change bits'

# Kills, at moments that differ from run to run; --resume begins where there is nothing yet. (Not by
# the function: the kill would hit the shell that runs it, and not the program.)
kills=0
for attempt in $(seq 40); do
  "$program" $run --out killed --resume >/dev/null 2>&1 &
  pid=$!
  nap $attempt
  if kill -9 $pid 2>/dev/null; then kills=$((kills + 1)); fi
  status=0
  wait $pid 2>/dev/null || status=$?
  [ $status != 0 ] || break
  [ $status = 137 ] || fail "exit status $status"
  if [ -e killed/model.safetensors ]; then
    riverrun info killed >/dev/null || fail 'a kill left a broken model'
  fi
done
riverrun $run --out killed --resume >/dev/null 2>&1 || fail 'the last resume'
echo "$kills kills"
[ $kills -gt 0 ] || fail 'nothing was killed'
cmp whole/model.safetensors killed/model.safetensors || fail 'kills change the model'
cmp whole/checkpoint.safetensors killed/checkpoint.safetensors || fail 'kills change the checkpoint'
[ -z "$(find killed -name '.*' -type f)" ] || fail 'kills left something behind'

# The same while an old model is overwritten: at every moment there is a whole model.
riverrun train text.txt $tiny --out over >/dev/null 2>&1
options=--overwrite
for attempt in $(seq 40); do
  "$program" $run --out over $options >/dev/null 2>&1 &
  pid=$!
  nap $attempt
  kill -9 $pid 2>/dev/null || true
  status=0
  wait $pid 2>/dev/null || status=$?
  riverrun info over >/dev/null || fail 'overwriting left a broken model'
  [ $status != 0 ] || break
  [ $status = 137 ] || fail "exit status $status while overwriting"
  # A run that was killed before its first checkpoint has left nothing to resume.
  if [ -e over.training/checkpoint.safetensors ] ||
    riverrun info over | grep -q '2 x 48'; then
    options=--resume
  fi
done
riverrun $run --out over --resume >/dev/null 2>&1 || fail 'the last resume'
cmp whole/model.safetensors over/model.safetensors || fail 'overwriting changes the model'
[ ! -e over.training ] || fail 'overwriting left its folder behind'

# Ctrl-C; without job control, what runs in the background would ignore it.
set -m
"$program" $run --epochs 1000 --out stopped >out.txt 2>err.txt &
pid=$!
for _ in $(seq 100); do
  [ ! -e stopped/checkpoint.safetensors ] || break
  sleep 0.05
done
sleep 0.2
kill -INT $pid
status=0
wait $pid || status=$?
[ $status = 130 ] || fail "Ctrl-C: exit status $status: $(cat err.txt)"
riverrun generate stopped --length 10 >/dev/null || fail 'Ctrl-C left no usable model'
riverrun $run --epochs 1000 --out stopped --resume --max-minutes 0.01 --json >result.json 2>err.txt
grep -q '"stopped": "time limit"' result.json || fail "--max-minutes: $(cat result.json)"
