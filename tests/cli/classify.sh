#!/usr/bin/env bash
# A classifier of labelled sequences, from the file to the predictions.
browser=$(cd "$(dirname "$0")/../report" && pwd)/browser.sh
. "$(dirname "$0")/common.sh"

# Waves of two frequencies on two channels, 9 to 15 steps long, with noise.
make_waves() { # FILE SEQUENCES SEED
  awk -v sequences="$2" -v seed="$3" 'BEGIN {
    srand(seed)
    print "# made for a test\n@problemName waves\n@timeStamps false\n@missing false"
    print "@univariate false\n@dimensions 2\n@equalLength false\n@classLabel true slow fast\n@data"
    for (i = 0; i < sequences; ++i) {
      steps = 9 + int(7 * rand()); phase = 6 * rand(); fast = i % 2; a = b = ""
      for (t = 0; t < steps; ++t) {
        comma = t > 0 ? "," : ""
        a = a comma sprintf("%.4f", 50 + 10 * sin(phase + (0.3 + fast) * t) + rand())
        b = b comma sprintf("%.4f", cos(phase + (0.3 + fast) * t))
      }
      print a ":" b ":" (fast ? "fast" : "slow")
    }
  }' >"$1"
}
make_waves train.ts 60 1
make_waves test.ts 40 2
small='--hidden-size 8 --conv-channels 8 --epochs 40'

# What DATA are decides the kind, whatever the file is called; without flags too.
# shellcheck disable=SC2086
riverrun train train.ts --out m $small --json >t.json 2>err.txt
json t.json "v['kind'] == 'classify' and v['classes'] == ['slow', 'fast'] and v['stopped'] == 'finished'"
json t.json "v['train_sequences'] == 48 and v['valid_sequences'] == 12"
json t.json "v['best_valid_nats_per_sequence'] == min(x['valid_nats_per_sequence'] for x in v['validations'])"
json t.json "v['validation']['accuracy'] >= 0.9 and v['validation']['naive_accuracy'] == 0.5"
grep -q 'data: 48 sequences to learn from, 12 to validate on; 2 channels and 2 classes' err.txt ||
  fail "the data are not described: $(cat err.txt)"

riverrun evaluate m test.ts --json >e.json
json e.json "v['sequences'] == 40 and v['accuracy'] >= 0.9 and v['balanced_accuracy'] >= 0.9"
json e.json "v['naive_accuracy'] == v['naive_balanced_accuracy'] == 0.5 and v['macro_f1'] >= 0.9"
json e.json "sum(map(sum, v['confusion'])) == 40 and sum(x['sequences'] for x in v['calibration']) == 40"
json e.json "sum(v['confusion'][i][i] for i in range(2)) == round(40 * v['accuracy'])"
riverrun evaluate m test.ts >out.txt
grep -Eq '^accuracy [0-9.]+ % \(naive: 50.00 %\)' out.txt || fail "no accuracy: $(cat out.txt)"
riverrun evaluate m test.ts --csv classes.csv >/dev/null
grep -q '^precision,slow,' classes.csv || fail 'no figure of the classes'

# The pages, where this build has charts.
if riverrun evaluate m test.ts --html e.html >/dev/null 2>err.txt; then
  riverrun train train.ts --valid-fraction 0.5 --out page --epochs 1 --html t.html >/dev/null 2>&1
  if command -v chromium >/dev/null; then
    "$browser" 2 cat e.html
    "$browser" 3 cat t.html
  fi
else
  grep -q 'this build has no charts' err.txt || fail "--html: $(cat err.txt)"
fi

# Predictions: each sequence's, as evaluate counts them.
riverrun predict m test.ts --out predicted.csv 2>err.txt
grep -q 'predicted.csv: 40 predictions' err.txt || fail "$(cat err.txt)"
head -1 predicted.csv | grep -qx 'sequence,predicted,label,p(slow),p(fast)' || fail 'the heading'
riverrun predict m test.ts >printed.csv
cmp -s predicted.csv printed.csv || fail 'a file is not what is printed'
riverrun predict m test.ts --json >p.json
json p.json "len(v['predictions']) == 40 and all(abs(sum(p['probabilities'].values()) - 1) < 1e-5 for p in v['predictions'])"
python3 - <<'PY' || fail 'predictions are not those that were evaluated'
import csv, json
rows = list(csv.DictReader(open('predicted.csv', newline='')))
right = sum(row['predicted'] == row['label'] for row in rows)
assert right == round(40 * json.load(open('e.json'))['accuracy'])
assert [r['predicted'] for r in rows] == [p['predicted'] for p in json.load(open('p.json'))['predictions']]
PY
# A file without labels, unpacked from gzip, from a pipe: the same predictions.
sed -E 's/@classLabel true.*/@classLabel false/; /^[0-9]/s/:[a-z]+$//' test.ts >plain.ts
riverrun predict m plain.ts --json >plain.json
gzip -c plain.ts | riverrun predict m - --json >piped.json
python3 -c "
import json
a, b, c = (json.load(open(f))['predictions'] for f in ('p.json', 'plain.json', 'piped.json'))
assert [x['probabilities'] for x in a] == [x['probabilities'] for x in b] == [x['probabilities'] for x in c]
assert 'label' not in b[0]" || fail 'labels or gzip change predictions'

riverrun info m --json >i.json
json i.json "v['kind'] == 'classify' and v['channels'] == 2 and v['examples'] == [24, 24] and v['resumable']"
json i.json "v['parameters'] == sum(x['elements'] for x in v['tensors'])"
json i.json "v['training']['valid_sequences'] == 12 and v['training']['jitter'] == 0.1"
riverrun info m | grep -q 'a classifier' || fail 'info does not say what it is'

# The same bits for any number of threads, and after an interruption.
# shellcheck disable=SC2086
riverrun train train.ts --out again $small --threads 1 >/dev/null 2>&1
cmp -s m/model.safetensors again/model.safetensors || fail 'one thread gives other weights'
status=0
# shellcheck disable=SC2086
"$program" train train.ts --out stopped $small >/dev/null 2>stopped.txt &
until grep -q 'validation' stopped.txt; do sleep 0.01; done
kill -TERM $! || true # SIGINT is ignored in the background of a script
wait $! || status=$?
[ "$status" = 130 ] || [ "$status" = 0 ] || fail "a signal: status $status" # it may have been at its end
# shellcheck disable=SC2086
riverrun train train.ts --out stopped --resume $small >/dev/null 2>&1 || fail 'no resuming'
cmp -s m/model.safetensors stopped/model.safetensors || fail 'a resumed run gives other weights'
expect 2 '--jitter differs from that of the run that is resumed' train train.ts --out m --resume --jitter 0.5
expect 2 'the sequences are not those that the run began with' train test.ts --out m --resume
expect 2 'holds a run already' train train.ts --out m
riverrun train train.ts --out m --overwrite --epochs 1 >/dev/null 2>&1

# A checkpoint that cannot be gone on from is said to be damaged.
python3 - <<'PY'
import json, struct
with open('stopped/checkpoint.safetensors', 'r+b') as file:
    size = struct.unpack('<Q', file.read(8))[0]
    at = json.loads(file.read(size))['rnn.weight_hh_l0']['data_offsets'][0]
    file.seek(8 + size + at)
    file.write(struct.pack('<f', float('nan')))
PY
riverrun info stopped --json >i.json
json i.json "not v['resumable'] and 'element 0 of rnn.weight_hh_l0 is nan' in v['checkpoint_problem']"

# A file of its own to validate on, none at all, and what is odd about the data.
riverrun train train.ts --valid test.ts --out v --epochs 1 --json >t.json 2>/dev/null
json t.json "v['train_sequences'] == 60 and v['valid_sequences'] == 40"
riverrun train train.ts --valid train.ts --out v --overwrite --epochs 1 >/dev/null 2>err.txt
grep -q 'warning: 60 of the 60 sequences to validate on are among those to learn from' err.txt ||
  fail "a leak was not noticed: $(cat err.txt)"
riverrun train train.ts --valid-fraction 0 --out v --overwrite --epochs 1 --json >t.json 2>err.txt
json t.json "v['valid_sequences'] == 0 and v['validation'] is None and v['model_saved']"
json t.json "v['best_valid_nats_per_sequence'] is None and v['validations'][0]['valid_nats_per_sequence'] is None"
! grep -q 'validation [0-9]' err.txt || fail "what was learnt is called validation: $(cat err.txt)"
grep -q 'with no sequence to validate on, the last weights are kept' err.txt || fail "$(cat err.txt)"
riverrun info v --json >i.json
json i.json "v['valid_nats_per_sequence'] is None and v['training']['best']['valid_nats_per_sequence'] is None"
expect 2 'patience needs sequences to validate on' train train.ts --valid-fraction 0 --patience 1 --out n
sed -E 's/@classLabel.*/@classLabel true slow fast lost/; /^[0-9]/s/:[^:]*:/:&/; /^[0-9]/s/::[^:]*:/:1,1,1,1,1,1,1,1,1:/' test.ts |
  awk '/^[0-9]/ {n = split($0, c, ":"); k = split(c[1], x, ","); y = "1"; for (i = 1; i < k; ++i) y = y ",1"; print c[1] ":" y ":" c[n]; next} {print}' >odd.ts
riverrun train odd.ts --out v --overwrite --epochs 1 >/dev/null 2>err.txt
grep -q 'warning: classes without a sequence to learn from: lost' err.txt || fail "$(cat err.txt)"
grep -q 'warning: channels that are constant, and so of no use: 2$' err.txt || fail "$(cat err.txt)"

# Missing values are an error, unless it is said what becomes of them; then the model knows it.
awk -F, -v OFS=, '/^[0-9]/ {$3 = "?"} {print}' train.ts | sed 's/@missing false/@missing true/' >gaps.ts
expect 4 'gaps.ts.* line .*channel 1.*step 3' train gaps.ts --out g
[ ! -e g ] || fail 'a folder was made'
for missing in interpolate mask; do
  riverrun train gaps.ts --missing $missing --out g --overwrite --epochs 8 >/dev/null 2>&1
  riverrun evaluate g gaps.ts --json >e.json || fail "$missing"
  json e.json "v['accuracy'] > 0.6"
done

# A report before there is anything to draw is left out; the run ends as it would have.
riverrun train train.ts --out r --max-minutes 0.0000001 --csv losses.csv >/dev/null 2>err.txt || fail "$(cat err.txt)"
[ -e losses.csv ] || grep -q 'no report was written' err.txt || fail "$(cat err.txt)"

# A CSV file, a row for each step: the same sequences, in other words.
python3 - <<'PY'
import csv
for name in ('train', 'test'):
    rows = [line.strip().split(':') for line in open(f'{name}.ts') if line[0].isdigit()]
    with open(f'{name}.csv', 'w', newline='') as file:
        out = csv.writer(file)
        out.writerow(['time', 'class', 'b', 'run', 'note', 'a'])
        for i, (a, b, label) in enumerate(rows):
            for t, (x, y) in enumerate(zip(a.split(','), b.split(','))):
                out.writerow([t, label, y, f'run {i}', 'x', x])
PY
csv='--label class --series run --time time --channels a,b'
# shellcheck disable=SC2086
riverrun train train.csv $csv --out c $small --json >t.json 2>err.txt || fail "$(cat err.txt)"
json t.json "v['kind'] == 'classify' and v['train_sequences'] == 48 and v['channels'] == 2"
cmp -s c/model.safetensors again/model.safetensors && fail 'two formats, one digest'
riverrun evaluate c test.csv --json >e.json
json e.json "v['sequences'] == 40 and v['accuracy'] >= 0.9"
cut -d, -f3-4,6 test.csv >unlabelled.csv # other columns, in another order; no label, no time
expect 4 'unlabelled.csv.*no column "time"' predict c unlabelled.csv
cut -d, -f1,3-4,6 test.csv >unlabelled.csv
riverrun predict c unlabelled.csv --out p.csv 2>/dev/null
head -2 p.csv | tail -1 | grep -q '^run 0,' || fail "$(head -2 p.csv)"
expect 4 'no labels to compare with' evaluate c unlabelled.csv
riverrun train train.csv --out c --resume --kind classify >/dev/null 2>&1 || fail 'columns must be given again'
expect 2 '--label differs from that of the run' train train.csv --label note --out c --resume
expect 4 'note.*value is "x"' train train.csv --label class --series run --time time --out n
expect 4 'no column "speed"' train train.csv --label class --channels speed --out n
expect 2 'a is.*named twice|"a", which is named twice' train train.csv --label a --channels a --out n
expect 4 'the label is "fast"; it must be that of line 2' train train.csv --label class --channels a --out n
riverrun train train.csv --label class --series run --channels a --class-weights balanced --epochs 1 --out w >/dev/null 2>&1

# What does not go together.
make_text text.txt 60
# shellcheck disable=SC2086
riverrun train text.txt --out text $tiny >/dev/null 2>&1
expect 2 'generate: m is a classifier; it must be a language model' generate m
expect 2 'inspect: m is a classifier' inspect m --text x
expect 4 'text.txt is not of the format ts|text.txt' gradients m text.txt
expect 2 'train --from: m is a classifier' train text.txt --from m --out n
expect 2 'predict: text is a language model; .riverrun generate. goes on' predict text test.ts
expect 2 'evaluate: m is a classifier, for which there is no --lines' evaluate m test.ts --lines
expect 2 'evaluate: text is a language model, for which there is no --csv' evaluate text text.txt --csv x.csv
expect 2 'evaluate: 2 files are given; a classifier reads one' evaluate m test.ts test.ts
expect 2 'train: --seq-len is an option of .*; DATA is labelled sequences, so a classifier' train train.ts --out n --seq-len 5
expect 2 'train: --seq-len is an option of .*; --kind is classify' train train.ts --out n --seq-len 5 --kind classify
expect 2 '--tokens, .* are of texts; train.ts has sequences of numbers' train train.ts --out n --tokens char
expect 2 'train: --jitter is an option of a classifier; DATA is text, so a language model' train text.txt --out n --jitter 0
expect 2 'train: --kind is "both"; it must be language, classify, tag, forecast or transform' train text.txt --out n --kind both
expect 2 '2 files are given; a classifier learns from one' train train.ts test.ts --out n
expect 2 '--missing is "drop"; it must be one of error, interpolate, mask' train train.ts --out n --missing drop
expect 2 '--bidirectional is "yes"; it must be one of false, true' train train.ts --out n --bidirectional yes
expect 2 'class_weights is "much"; it must be none, balanced, or weights' train train.ts --out n --class-weights much
expect 2 'conv_kernel_size is 4; it must be odd' train train.ts --out n --conv-kernel-size 4
expect 2 'valid_fraction is 1; it must be in' train train.ts --out n --valid-fraction 1
expect 4 'text.txt.*line 1: .*which names no class' train text.txt --kind classify --out n
expect 2 'train.csv is read as a CSV file; --label says which' train train.csv --kind classify --series run --out n
expect 2 '--channels and --text-column are of CSV files; train.ts is of the format ts' train train.ts --series id --out n
expect 4 'no labels to learn' train plain.ts --out n
expect 4 'no labels to compare with' evaluate m plain.ts
sed 's/slow/lazy/' test.ts >renamed.ts
riverrun predict m renamed.ts >/dev/null || fail 'predict asks for labels that it does not need'
expect 4 'the label is "lazy"; the model knows no such class' evaluate m renamed.ts
sed -E 's/@dimensions 2/@dimensions 1/; /^[0-9]/s/:[^:]*:/:/' test.ts >narrow.ts
expect 4 'narrow.ts: it has 1 channel; the model reads 2' predict m narrow.ts
expect 4 'narrow.ts: it has 1 channel; the model reads 2' train train.ts --valid narrow.ts --out n
sed -E 's/@classLabel.*/@classLabel true slow/; s/:fast$/:slow/' test.ts >same.ts
expect 4 'same.ts: the only class is "slow"' train same.ts --out n
expect 2 'standard input .-. is given more than once' train - --kind classify --valid - --out n
expect 2 'hidden_size is 0' train nowhere.ts --kind classify --hidden-size 0 --out n
expect 2 'epochs is 0' train nowhere.ts --kind classify --epochs 0 --out n
expect 2 'conv_stride is 9 and conv_kernel_size 5; the steps between' train train.ts --conv-kernel-size 5 --conv-stride 9 --out n
gzip -c test.ts | expect 2 'begins as a file of labelled sequences .* give --kind classify' train - --out n
expect 2 'the run that is resumed is of a classifier' train text.txt --seq-len 5 --out m --resume
expect 3 'nowhere' predict nowhere test.ts
expect 3 'nowhere.ts' predict m nowhere.ts
expect 2 'the output cannot replace what it is made from' predict m test.ts --out test.ts
expect 2 'the output cannot replace what it is made from' predict m test.ts --out m/config.json
[ ! -e n ] || fail 'a folder was made for a run that could not be'
# As a text, if one says so.
# shellcheck disable=SC2086
riverrun train train.ts --kind language --out lm $tiny --json 2>/dev/null >t.json
json t.json "v['tokens'] == 'char'"
echo 'ok'
