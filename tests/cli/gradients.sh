#!/usr/bin/env bash
# `riverrun gradients`: what it measures, the files it writes, and what it refuses.
# shellcheck disable=SC2086
. "$(dirname "$0")/common.sh"

make_text text.txt 300
riverrun train text.txt --out model $tiny >/dev/null 2>&1
small="--hidden-size 16 --input-size 8 --batch-size 3"

check() { # FILE EXPRESSION: of v, the JSON; of c, its curves by name
  python3 -c "
import json, sys
v = json.load(open(sys.argv[1]))
c = {curve['name']: curve for curve in v['curves']}
assert eval(sys.argv[2], {'v': v, 'c': c, 'math': __import__('math')}), (sys.argv[2], v)
" "$1" "$2"
}

riverrun gradients --cell memoryless --cell rnn_tanh --cell lstm:chrono --cell gru --steps 200 \
  $small --json >g.json
check g.json "list(c) == ['memoryless h', 'rnn_tanh h', 'lstm:chrono h', 'lstm:chrono c', 'gru h']"
check g.json "[n['lag'] for n in c['gru h']['norms']] == [1, 2, 5, 10, 20, 50, 100, 200]"
check g.json "c['memoryless h']['fate'] == 'none' and c['memoryless h']['memory_horizon'] == 0"
check g.json "all(n['log10_norm'] is None for n in c['memoryless h']['norms'])"
check g.json "c['rnn_tanh h']['fate'] == 'vanishes' and c['rnn_tanh h']['growth_per_step'] < 0.95"
check g.json "c['lstm:chrono c']['fate'] == 'carries' and c['lstm:chrono c']['memory_horizon'] is None"
for threads in 1 3; do
  riverrun gradients --cell rnn_tanh --cell lstm:chrono --steps 20 $small --batch-size 9 \
    --json --threads $threads >threads$threads.json
done
cmp threads1.json threads3.json || fail 'another number of threads gives other numbers'

# The gradient of any direction is at most the Jacobian's largest singular value: of one sequence.
riverrun gradients --cell gru --cell lstm --steps 50 $small --batch-size 1 --jacobian --json >j.json
check j.json "all(h['log10_norm'] <= s['log10_norm'] + 1e-9
                  for h, s in zip(c['gru h']['norms'], c['gru Jacobian']['norms']))"
check j.json "c['lstm Jacobian']['measure'] == 'largest singular value'"

# Text, without memory said in words; every lag in the CSV; the chart in the SVG.
riverrun gradients --cell memoryless --steps 7 $small --csv g.csv >out.txt
grep -q 'memoryless h: the gradient is exactly 0 from lag 1 on' out.txt || fail "$(cat out.txt)"
[ "$(wc -l <g.csv)" = 8 ] || fail "g.csv: $(cat g.csv)"
riverrun gradients --cell rnn_tanh --num-layers 2 --steps 2000 $small --csv g.csv >out.txt
[ "$(wc -l <g.csv)" = 4001 ] || fail 'g.csv has not one line for each lag and layer'
grep -q '^rnn_tanh h of layer 1,2000,-' g.csv || fail "g.csv: $(tail -n 2 g.csv)"
grep -Eq '^2,000 .*e-[0-9]{3}' out.txt || fail "a norm below a double's range: $(cat out.txt)"
if command -v gnuplot >/dev/null; then
  riverrun gradients --cell rnn_tanh --cell memoryless --steps 20 $small --svg g.svg >/dev/null
  grep -q 'rnn_tanh h' g.svg || fail 'g.svg has not the name of a curve'
  grep -q '</svg>' g.svg || fail 'g.svg ends early'
fi

# A trained model, and the same network before training.
riverrun gradients model text.txt --steps 100 --untrained --json >m.json
check m.json "list(c) == ['model h', 'model c', 'untrained h', 'untrained c']"
check m.json "c['model h']['norms'][0]['log10_norm'] != c['untrained h']['norms'][0]['log10_norm']"
riverrun gradients ./model/ text.txt --steps 10 --json >m.json
check m.json "list(c) == ['model h', 'model c']"

# What cannot be.
expect 2 'either a MODEL and a TEXT, or cells' gradients
expect 2 'either a MODEL and a TEXT, or cells' gradients model text.txt --cell gru
expect 2 'needs a TEXT' gradients model
for steps in 0 -5 1.5 9223372036854775807; do
  expect 2 "steps: $steps; it must be a whole number from 1 to" gradients --cell gru --steps=$steps
done
expect 2 'batch-size: 0; it must be a whole number' gradients --cell gru --batch-size 0
expect 2 'cell gru is given twice' gradients --cell gru --cell lstm --cell gru
expect 2 'no cell is called "lstn"' gradients --cell lstn
expect 2 'initialization: "chronos" is none' gradients --cell lstm:chronos
expect 2 'gate' gradients --cell rnn_tanh:forget=1
expect 2 'input is "ones"' gradients --cell gru --input ones
expect 2 'hidden-size: 0; it must be a whole number' gradients --cell gru --hidden-size 0
expect 2 '--hidden-size is for a --cell' gradients model text.txt --hidden-size 3
expect 2 '--input is for a --cell' gradients model text.txt --input zeros
expect 2 'untrained is for a MODEL' gradients --cell gru --untrained
for large in '--steps 1000000000' '--hidden-size 1048576' '--num-layers 1048576' \
  '--steps 1000000 --batch-size 1048576 --hidden-size 1 --input-size 1'; do
  expect 2 'lstm, of .*, for --steps .* take [0-9.e+]+ GiB, of [0-9.]+ that there are' \
    gradients --cell lstm $large
done
expect 2 'take [0-9.e+]+ GiB' gradients model text.txt --steps 1000000000
expect 2 'jacobian of lstm is 1024 x 1024; at most 512' \
  gradients --cell lstm --hidden-size 512 --steps 5 --jacobian
expect 2 'text.txt has [0-9,]+ tokens; --steps 100000 needs at least 100001' \
  gradients model text.txt --steps 100000
expect 3 'nowhere: not a model folder' gradients nowhere text.txt
expect 3 'nowhere.txt' gradients model nowhere.txt
mkdir other && echo '{"model_type": "gpt2"}' >other/config.json
expect 4 'config.json' gradients other text.txt
expect 3 'nowhere: cannot write a file there' gradients --cell gru --csv nowhere/g.csv
said=$( (ulimit -f 0; riverrun gradients --cell gru --steps 3 --csv z.csv 2>&1 >/dev/null; echo "status $?"))
[[ $said == *z.csv*'status 3' ]] || fail "a file that cannot grow: $said"
[ ! -e z.csv ] || fail 'half a file'
expect 3 'other: cannot write a file there' gradients --cell gru --html other
expect 3 '/dev/null: cannot write a file there' gradients --cell gru --csv /dev/null
expect 2 'two reports cannot be in one file' gradients --cell gru --csv g.csv --svg ./g.csv
status=0
PATH=/nowhere "$program" gradients --cell gru --svg g2.svg >out.txt 2>err.txt || status=$?
[ $status = 3 ] || fail "without gnuplot: exit status $status"
grep -q 'gnuplot-nox' err.txt || fail "without gnuplot: $(cat err.txt)"
[ ! -e g2.svg ] || fail 'a file was written without gnuplot'
