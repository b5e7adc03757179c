#!/usr/bin/env bash
# `riverrun task`: what it prints, the files it writes, and what it refuses.
. "$(dirname "$0")/common.sh"

# A task that is solved in a moment.
easy=(temporal-order-2 --length 10 --hidden-size 12 --evaluate-every 1000)
riverrun task "${easy[@]}" --json --csv curve.csv >one.json 2>progress.txt || fail 'a short task'
json one.json "v['solved'] and v['sequences'] >= 2000 and v['test']['sequences'] == 2560"
json one.json "abs(v['memoryless'] - 1.386294) < 1e-6 and v['reached'] < v['memoryless'] / 10"
json one.json "v['curve'][-1]['sequences'] == v['sequences'] and v['init'] == 'chrono'"
grep -q 'sequences  loss' progress.txt || fail 'no progress'
! grep -q $'[\r\033]' progress.txt || fail 'control characters in a file'
[ "$(wc -l <curve.csv)" -gt 2 ] || fail 'no learning curve'

# The same bits for any number of threads; another seed is another run.
riverrun task "${easy[@]}" --json --threads 1 >two.json 2>/dev/null
riverrun task "${easy[@]}" --json --seed 2 >three.json 2>/dev/null
python3 -c "
import json
one, two, three = (json.load(open(name + '.json')) for name in ('one', 'two', 'three'))
assert one['curve'] == two['curve'] and one['test'] == two['test']
assert one['curve'] != three['curve']" || fail 'the seed decides the run, and nothing else'

# Without memory it is not solved, and says so.
riverrun task "${easy[@]}" --cell memoryless --max-sequences 3000 >out.txt 2>err.txt
grep -Eq '^  solved +no$' out.txt || fail "the cell without memory: $(cat out.txt)"
grep -Eq '^  without memory +1\.38629$' out.txt || fail 'no score without memory'

# The time limit ends it, with what there is.
riverrun task adding --length 5000 --max-minutes 0.001 --hidden-size 4 --json >limited.json 2>/dev/null
json limited.json "not v['solved'] and v['sequences'] < 10000"

# The shortest tasks have a length that chrono can be for, too.
for task in 'copy --length 1' 'adding --length 2' 'long-lag-c --length 1'; do
  # shellcheck disable=SC2086
  riverrun task $task --hidden-size 2 --max-sequences 16 >/dev/null 2>err.txt || fail "$task: $(cat err.txt)"
done

# Kept in a folder, interrupted, and gone on with: the same result and the same files.
riverrun task "${easy[@]}" --out kept --json >kept.json 2>/dev/null
json kept.json "v['out'] == 'kept' and v['model_saved'] and v['solved']"
timeout -s INT 0.3 "$program" task "${easy[@]}" --out stopped >/dev/null 2>&1 || true
riverrun task "${easy[@]}" --out stopped --resume --json >stopped.json 2>/dev/null || fail 'no resuming'
python3 -c "
import json
one, kept, stopped = (json.load(open(name + '.json')) for name in ('one', 'kept', 'stopped'))
assert one['curve'] == kept['curve'] == stopped['curve'] and one['test'] == kept['test'] == stopped['test']
assert not one['model_saved'] and one['out'] is None" || fail 'keeping a run changes it'
for file in config.json model.safetensors checkpoint.safetensors; do
  cmp -s kept/$file stopped/$file || fail "a resumed run ends with another $file"
done
riverrun info kept --json >info.json
json info.json "v['kind'] == 'task' and v['task'] == 'temporal-order-2' and v['length'] == 10 and v['resumable']"
json info.json "v['parameters'] == sum(x['elements'] for x in v['tensors']) and v['network']['hidden_size'] == 12"
riverrun info kept | grep -q 'task *temporal-order-2, length 10' || fail 'info does not say what it is'
# What has ended is only tested once more.
riverrun task "${easy[@]}" --out kept --resume --json 2>/dev/null >again.json
json again.json "v['solved'] and v['seconds'] < 5"
expect 2 'holds a run already; go on with it' task "${easy[@]}" --out kept
expect 2 'the run in kept is of the task temporal-order-2' task adding --out kept --resume
refused() { # PATTERN OPTION…: after it has said what it is about
  local pattern=$1
  shift
  ! riverrun task "${easy[@]}" --out kept --resume "$@" >/dev/null 2>err.txt || fail "resumed with $*"
  grep -q "$pattern" err.txt || fail "$*: $(cat err.txt)"
}
refused 'Trainer: the options are not those' --lr 0.5
refused 'is not what the run began with' --length 11
expect 2 'out' task "${easy[@]}" --resume
expect 2 'evaluate: kept is a network of .riverrun task.; it must be a language model' evaluate kept text.txt
expect 2 'the run in .*kept is of a network of .riverrun task.' train kept.json --out kept --resume
riverrun task "${easy[@]}" --out kept --overwrite --max-sequences 100 >/dev/null 2>&1

# --help lists the tasks and their sources.
riverrun task --help >help.txt
for name in adding-1997 adding temporal-order-2 temporal-order-3 reber long-lag-a long-lag-b \
  long-lag-c two-sequence copy mnist permuted-mnist word-sense; do
  grep -q "^  $name: " help.txt || fail "--help does not know $name"
done
grep -q 'experiment 6a' help.txt || fail '--help does not name a source'

expect 2 'NAME' task
expect 2 'none called "subtracting"; there are adding-1997' task subtracting
expect 2 'length is 0; it must be from 2' task adding --length 0
expect 2 'length: -3; it must be a whole number' task copy --length -3
expect 2 '10,000,000 steps and a batch of 16 take [0-9.e+]+ GiB' task adding --length 10000000
expect 2 'a batch of 1000000000 take [0-9.e+]+ GiB' task adding --batch-size 1000000000
expect 2 'take [0-9.e+]+ GiB' task long-lag-a --length 200000
expect 2 'no length to choose' task reber --length 10
expect 2 'no cell is called "lstn"' task adding --cell lstn
expect 2 'hidden_size (is )?0' task adding --hidden-size 0
expect 2 'num-layers: -1; it must be a whole number' task adding --num-layers -1
expect 2 'length: 010; .* without leading zeros' task adding --length 010
expect 2 'reads numbers, which are not embedded' task adding --embedding-size 7
expect 2 'take [0-9.e+]+ GiB' task adding --length 2 --hidden-size 100000
expect 2 'embedding-size is 0; it must be at least 1' task copy --embedding-size 0
expect 2 'batch_size is 0' task adding --batch-size 0
expect 2 'dropout is 1; it must be in \[0, 1\)' task adding --dropout 1
expect 2 'clip is -1' task adding --clip -1
expect 2 'lr is -1' task adding --lr -1
expect 2 'max_sequences is 0' task adding --max-sequences 0
expect 2 'evaluate_every is 0' task adding --evaluate-every 0
expect 2 'chrono needs a gate' task adding --cell rnn_tanh --init chrono
expect 2 '"xavier" is none; there are pytorch' task adding --init xavier
expect 2 'identity needs a cell of one gate' task adding --init identity
expect 2 'it reads no files' task adding --data .
expect 2 'needs a folder with train-images-idx3-ubyte' task mnist
expect 2 'no words' task mnist --data . --vectors help.txt
expect 3 'train-labels-idx1-ubyte' task mnist --data .
expect 3 'nowhere' task "${easy[@]}" --csv nowhere/curve.csv

for name in train-labels-idx1 train-images-idx3 t10k-labels-idx1 t10k-images-idx3; do
  cp help.txt $name-ubyte
done
expect 4 'train-labels-idx1-ubyte.*not the IDX file' task mnist --data .
mkdir senses
for set in train test; do
  printf '1\tthe bank\n2\tthe bank\n' >senses/$set.data.txt
  printf '0\n1\n' >senses/$set.gold.txt
done
expect 4 'train.data.txt.*line 2: the word is at 2; the sentence has 2' task word-sense --data senses
expect 3 'test.data.txt|train.data.txt' task word-sense --data .
# Files of tasks may be gzip.
for set in train test; do
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do printf '1\tthe bank here\n'; done | gzip >senses/$set.data.txt
  printf '0\n1\n%.0s' 1 2 3 4 5 6 | gzip >senses/$set.gold.txt
done
riverrun task word-sense --data senses --hidden-size 4 --max-sequences 20 --json >sense.json 2>err.txt ||
  fail "gzip: $(cat err.txt)"
json sense.json "v['sequences'] > 0"
