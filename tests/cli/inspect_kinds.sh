#!/usr/bin/env bash
# `riverrun inspect` and `riverrun gradients` of classifiers, taggers, forecasters, signal models and
# networks of tasks: on data of which it is known what an answer depends on.
browser=$(cd "$(dirname "$0")/../report" && pwd)/browser.sh
. "$(dirname "$0")/common.sh"

# Data that say where the answer is: the class in channel b at step 3, the tag in the word before,
# the next value in the one before.
python3 - <<'PY'
import datetime, math, random, struct
draw = random.Random(1)
with open('train.csv', 'w') as file:
    file.write('run,class,a,b\n')
    for run in range(60):
        for step in range(10):
            b = (1 if run % 2 else -1) if step == 3 else 0.1 * draw.gauss(0, 1)
            file.write(f'r{run},{"high" if run % 2 else "low"},{draw.gauss(0, 1):.4f},{b:.4f}\n')
with open('train.txt', 'w') as file:
    for text in range(60):
        words = draw.choices(['the', 'food', 'was', 'here'], k=6)
        words[draw.randrange(6)] = 'great' if text % 2 else 'awful'
        file.write(f'__label__{"good" if text % 2 else "bad"} {" ".join(words)}\n')
with open('train.conll', 'w') as file:
    for sentence in range(200):
        before = ''
        for _ in range(6):
            word = draw.choice(['one', 'two', 'three'])
            file.write(f'{word} {"AFTER" if before == "two" else "OTHER"}\n')
            before = word
        file.write('\n')
with open('load.csv', 'w') as file:
    file.write('time,load,other\n')
    for t in range(300):
        day = datetime.date(2024, 1, 1) + datetime.timedelta(t)
        file.write(f'{day},{math.sin(t / 3) + 0.1 * draw.gauss(0, 1):.4f},{draw.gauss(0, 1):.4f}\n')
def write(path, values):
    data = struct.pack(f'<{len(values)}h', *(round(32767 * x) for x in values))
    with open(path, 'wb') as file:
        file.write(b'RIFF' + struct.pack('<I', 36 + len(data)) + b'WAVEfmt ' +
                   struct.pack('<IHHIIHH', 16, 1, 1, 8000, 16000, 2, 16) + b'data' +
                   struct.pack('<I', len(data)) + data)
dry = [draw.uniform(-0.9, 0.9) for _ in range(20000)]
write('dry.wav', dry)
write('wet.wav', [0.5 * math.tanh(2 * dry[max(t - 1, 0)]) for t in range(len(dry))])
PY

learn() { riverrun train "$@" >/dev/null 2>err.txt || fail "train $*: $(cat err.txt)"; }
learn train.csv --label class --series run --out series --hidden-size 8 --conv-channels 0 \
  --conv-kernel-size 1 --readout last --epochs 60 --lr 0.02 --dropout 0
learn train.csv --label class --series run --out strided --hidden-size 8 --conv-channels 6 \
  --conv-kernel-size 3 --conv-stride 2 --epochs 2
learn train.txt --out text --hidden-size 8 --embedding-size 6 --epochs 60 --lr 0.02
learn train.conll --column 2 --out tag --hidden-size 8 --embedding-size 6 --char-hidden-size 0 \
  --epochs 30 --lr 0.02 --dropout 0
learn train.conll --column 2 --out spelt --hidden-size 8 --embedding-size 6 --char-hidden-size 4 \
  --char-embedding-size 4 --crf false --epochs 2
learn load.csv --target load,other --horizon 4 --look-back 24 --segment 4 --out load \
  --hidden-size 8 --epochs 20
learn load.csv --target load --past other --horizon 4 --look-back 24 --segment 4 --cell lstm \
  --out past --hidden-size 8 --epochs 2
learn load.csv --target load --known other --method paths --horizon 4 --look-back 24 --out paths \
  --hidden-size 8 --epochs 2
riverrun task temporal-order-2 --length 20 --hidden-size 6 --max-sequences 200 --evaluate-every 100 \
  --out task >/dev/null 2>&1
models="series=train.csv strided=train.csv text=train.txt tag=train.conll spelt=train.conll load=load.csv past=load.csv paths=load.csv task="
if riverrun train dry.wav wet.wav --out signal --hidden-size 6 --seq-len 200 --batch-size 8 \
  --stretch 1000 --lead-in 200 --epochs 20 >/dev/null 2>err.txt; then
  models+=' signal=dry.wav'
else
  grep -q 'this build has no audio' err.txt || fail "$(cat err.txt)"
fi

# Of each kind: what contributed adds up, to the tolerance that is promised.
for pair in $models; do
  model=${pair%%=*} data=${pair#*=}
  # shellcheck disable=SC2086
  riverrun inspect $model $data --examples 6 --json >i.json || fail "inspect $model"
  json i.json "abs(v['remainder']) <= 0.001 * v['absolute_contributions'] and v['points'] <= 1024"
  json i.json "v['largest_remainder'] <= 0.01 and v['examples'] == 6"
  json i.json "abs(sum(s['contribution'] for s in v['steps']) + v['remainder'] - (v['answer'] - v['baseline'])) < 1e-6"
  json i.json "all(abs(sum(s['channels']) - s['contribution']) < 1e-9 for s in v['steps'])"
  json i.json "[c['mean_absolute_contribution'] for c in v['by_channel']] == sorted((c['mean_absolute_contribution'] for c in v['by_channel']), reverse=True)"
  json i.json "v['unit_steps'] > 0 and len(v['layers']) == v['num_layers'] * (2 if v['bidirectional'] else 1)"
  json i.json "all(0 < o < 1 for l in v['layers'] for o in l['mean_openings'].values())"
  json i.json "all(0 < u['mean_retention'] < 1 for u in v['remember_longest'])"
  # shellcheck disable=SC2086
  riverrun inspect $model $data --examples 6 >out.txt
  for wanted in 'What contributed to' 'Which channels matter' 'What the units do'; do
    grep -q "$wanted" out.txt || fail "$model: no '$wanted': $(cat out.txt)"
  done
  # An answer from the mean of all steps is far from none.
  case $model in
    strided | text)
      ! grep -q 'How far away' out.txt || fail "$model: $(cat out.txt)"
      json i.json "v['answered_from'] is None and v['by_distance'] == []"
      ;;
    *)
      grep -q 'How far away' out.txt || fail "$model: $(cat out.txt)"
      json i.json "v['answered_from'] is not None and v['by_distance']"
      ;;
  esac
  ! grep -q $'\033' out.txt || fail 'colours in a file'
  # shellcheck disable=SC2086
  riverrun gradients $model $data --steps 30 --batch-size 4 --untrained --json >g.json || fail "gradients $model"
  json g.json "{c['network'] for c in v['curves']} == {'$model', 'untrained'} and v['batch_size'] == 4"
  json g.json "all(c['norms'][0]['lag'] == 0 and c['norms'][0]['log10_norm'] is not None for c in v['curves'])"
  # The same numbers again, whatever the threads.
  # shellcheck disable=SC2086
  riverrun inspect $model $data --examples 6 --json --threads 1 >again.json
  cmp -s i.json again.json || fail "$model: another number of threads gives other numbers"
done

# What is known of the data is found.
riverrun inspect series train.csv --sequence 2 --json >i.json
json i.json "v['kind'] == 'classify' and 'r1' in v['example'] and '\"high\"' in v['target'] and v['answered_from'] == 9"
json i.json "v['channels'] == ['a', 'b'] and v['by_channel'][0]['channel'] == 'b'"
json i.json "max(v['steps'], key=lambda s: s['contribution'])['step'] == '4'"
json i.json "max(v['by_distance'], key=lambda d: d['mean_absolute_contribution'])['distance'] == -6"
riverrun inspect series train.csv --sequence 2 --class low --json >other.json
json other.json "'\"low\"' in v['target'] and v['answer'] < 0"
riverrun inspect text train.txt --sequence 1 --json >i.json
json i.json "max(v['steps'], key=lambda s: s['contribution'])['step'] == 'awful' and len(v['steps']) == 6"
riverrun inspect tag train.conll --sequence 3 --word 4 --json >i.json
json i.json "v['answered_from'] == 3 and [s['step'] for s in v['steps']][:1][0] in ('one', 'two', 'three')"
json i.json "max(v['by_distance'], key=lambda d: d['mean_absolute_contribution'])['distance'] == -1"
riverrun inspect tag train.conll --sequence 3 --word 4 --class AFTER --json >i.json
json i.json "'\"AFTER\"' in v['target'] and 'random field' in v['target']"
riverrun inspect spelt train.conll --json >i.json
json i.json "v['channels'] == ['word', 'spelling'] and 'softmax' in v['target']"
riverrun inspect load load.csv --target other --step 2 --json >i.json
json i.json "'other from' in v['example'] and 'row 2' in v['target'] and v['channels'][0] == 'the target'"
json i.json "len(v['steps']) == 24 and v['steps'][0]['step'].startswith('2024-')"
json i.json "v['steps'][-1]['channels'][0] == 0" # the last value is what the others are set against
riverrun inspect past load.csv --json >i.json
json i.json "v['channels'][:2] == ['the target', 'other']"
riverrun predict load load.csv --json >/dev/null 2>&1 || fail predict
riverrun inspect paths load.csv --step 1 --json >i.json
json i.json "'row 1' in v['target'] and len(v['steps']) == 24"
# Of an answer as evaluate has it: the logits of the class with the largest probability are largest.
json other.json "v['said'].startswith('class \"high\" with probability')"
if [ -d signal ]; then
  riverrun inspect signal dry.wav --sequence 5000 --json >i.json
  json i.json "len(v['steps']) == 2048 and v['steps'][-1]['step'] == '5000' and v['kind'] == 'transform'"
  json i.json "max(v['by_distance'], key=lambda d: d['mean_absolute_contribution'])['distance'] == -1"
  riverrun inspect signal dry.wav --sequence 1 --json >i.json
  json i.json "len(v['steps']) == 1"
fi
riverrun inspect task --sequence 7 --json >i.json
json i.json "v['kind'] == 'task' and v['example'] == 'sequence 7' and v['data'] == '' and v['channels'] == ['symbol']"

# Both directions are there, of a network that has both; strides and segments are the unit.
riverrun gradients tag train.conll --json >g.json
json g.json "[(c['name'], c['direction']) for c in v['curves']] == [('tag, back', 'back'), ('tag, ahead', 'ahead')]"
json g.json "v['unit'] == 'word' and all(c['state'] == 'x' and c['layer'] is None for c in v['curves'])"
json g.json "v['curves'][0]['norms'][0] == v['curves'][1]['norms'][0]" # the word itself
riverrun gradients load load.csv --json >g.json
json g.json "v['unit'] == 'segment of 4 rows' and v['steps'] == 5 and len(v['curves']) == 1"
riverrun gradients strided train.csv --json >g.json
json g.json "v['unit'] == 'stride of 2 steps'"
riverrun gradients load load.csv >out.txt
grep -q 'memory horizon (segments of 4 rows)' out.txt || fail "$(cat out.txt)"

# A network without memory: its answer depends on nothing before, whatever it is asked.
learn train.conll --column 2 --out bare --cell memoryless --hidden-size 8 --embedding-size 6 \
  --char-hidden-size 0 --epochs 1
riverrun gradients bare train.conll --json >g.json
json g.json "all(c['fate'] == 'none' and all(n['log10_norm'] is None for n in c['norms'][1:]) for c in v['curves'])"
riverrun gradients bare train.conll | grep -q 'exactly 0 from lag 1 on' || fail 'nothing is said of it'
riverrun inspect bare train.conll --json >i.json
json i.json "all(d['mean_absolute_contribution'] == 0 for d in v['by_distance'] if d['distance'] != 0)"
riverrun inspect bare train.conll | grep -q 'has no gates that open, and no unit has a time constant' || fail units

# Files, colours on a terminal, pages.
riverrun inspect series train.csv --csv i.csv >/dev/null
[ "$(grep -c '^contribution of b,' i.csv)" = 10 ] || fail "$(cat i.csv)"
grep -q '^mean |contribution| at distance,-9,' i.csv || fail "$(cat i.csv)"
python3 -c "
import pty, sys
pty.spawn([sys.argv[1], 'inspect', 'tag', 'train.conll'])" "$program" </dev/null >out.txt
grep -q $'\033\[30;48;5;' out.txt || fail 'no colours on a terminal'
if command -v gnuplot >/dev/null; then
  riverrun inspect series train.csv --svg i.svg >/dev/null
  grep -q 'What contributed to the logit' i.svg || fail 'no picture'
fi
if riverrun inspect tag train.conll --html tag.html >/dev/null 2>err.txt; then
  riverrun inspect series train.csv --html series.html >/dev/null
  riverrun gradients series train.csv --html gradients.html >/dev/null
  if command -v chromium >/dev/null; then
    "$browser" 2 cat tag.html # one channel needs no chart of channels
    "$browser" 3 cat series.html
    "$browser" 1 cat gradients.html
  fi
else
  grep -q 'no charts' err.txt || fail "--html: $(cat err.txt)"
fi

# Words of others cannot act on a terminal.
printf 'a\033[31mb OTHER\none OTHER\n' >odd.conll
riverrun inspect tag odd.conll >out.txt
! grep -q $'\033' out.txt || fail 'an escape sequence of a word'

# What cannot be.
before=$(contents series)
make_text book.txt 60
# shellcheck disable=SC2086
riverrun train book.txt --out lm $tiny >/dev/null 2>&1
: >empty.txt
expect 2 'series is a classifier, for which there is no --text' inspect series --text x
expect 2 'series is a classifier, for which there is no --compare' inspect series --compare 'a b' 'b a'
expect 2 'series is a classifier; give DATA for it to read' inspect series
expect 2 'series is a classifier, for which there is no --word' inspect series train.csv --word 1
expect 2 'tag is a tagger, for which there is no --step' inspect tag train.conll --step 1
expect 2 'load is a forecaster, for which there is no --class' inspect load load.csv --class a
expect 2 'task is a network .* for which there is no --word' inspect task --word 1
expect 2 'lm is a language model, for which there is no DATA' inspect lm train.csv
expect 2 'lm is a language model, for which there is no --sequence' inspect lm --text a --sequence 1
expect 2 'lm is a language model; give one of --text, --file and --compare' inspect lm
expect 2 '--sequence is 61; there are 60 sequences' inspect series train.csv --sequence 61
expect 2 'sequence: 0; it must be a whole number' inspect series train.csv --sequence 0
expect 2 '--word is 7; sentence 1 has 6 words' inspect tag train.conll --word 7
expect 2 '--step is 5; the horizon has 4 rows' inspect load load.csv --step 5
expect 2 '--step is 2; a forecaster that draws paths says the first row' inspect paths load.csv --step 2
expect 2 'no class "middle"; its classes are low, high' inspect series train.csv --class middle
expect 2 'no tag "X"; its tags are' inspect tag train.conll --class X
expect 2 'forecasts no "speed"; its targets are load, other' inspect load load.csv --target speed
expect 2 'points: 0; it must be a whole number' inspect series train.csv --points 0
expect 4 'empty.txt' inspect series empty.txt
expect 4 'empty.txt' inspect tag empty.txt
expect 4 'empty.txt' gradients load empty.txt
expect 3 'nowhere.csv' inspect series nowhere.csv
expect 3 'nowhere' inspect nowhere train.csv
expect 4 'no column "class"|no column|load.csv' inspect series load.csv
expect 2 'the output cannot replace what it is made from' inspect series train.csv --csv train.csv
expect 2 'a MODEL needs DATA to read' gradients series
expect 2 '2 files are given; a classifier reads one' gradients series train.csv train.csv
expect 2 'series is a classifier, for which there is no --jacobian' gradients series train.csv --jacobian
expect 2 'series is a classifier, for which there is no --encoding' gradients series train.csv --encoding latin1
cut -d, -f1,3,4 train.csv >unlabelled.csv
riverrun inspect series unlabelled.csv >/dev/null || fail 'inspect asks for labels that it does not need'
expect 4 'no labels; the loss that is looked at needs them' gradients series unlabelled.csv
cut -d' ' -f1 train.conll >words.conll
riverrun inspect tag words.conll >/dev/null || fail 'inspect asks for tags that it does not need'
expect 4 'no tags; the loss that is looked at needs them' gradients tag words.conll
head -5 load.csv >short.csv
expect 4 'no series has rows to forecast from and 4 rows after them' inspect load short.csv
[ "$(contents series)" = "$before" ] || fail 'the model was changed'
