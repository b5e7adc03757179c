#!/usr/bin/env bash
# What each verb prints, as text and as JSON.
# shellcheck disable=SC2086
browser=$(cd "$(dirname "$0")/../report" && pwd)/browser.sh
. "$(dirname "$0")/common.sh"

make_text text.txt 300

riverrun --version | grep -Eqx 'riverrun [0-9]+\.[0-9]+\.[0-9]+' || fail '--version'
riverrun --help | grep -q 'Exit status' || fail '--help'
for verb in train evaluate predict generate gradients inspect explain info task; do
  riverrun $verb --help | grep -q "  riverrun $verb " || fail "$verb --help has no example"
done

# train, with every kind of token.
for tokens in byte char word; do
  riverrun train text.txt --out $tokens --tokens $tokens $tiny --json >$tokens.json 2>err.txt
  json $tokens.json "v['tokens'] == '$tokens' and v['stopped'] == 'finished' and v['model_saved']"
  json $tokens.json "v['best_valid_nats_per_token'] == min(x['valid_nats_per_token'] for x in v['validations'])"
  json $tokens.json "math.isclose(v['best_valid_perplexity'], math.exp(v['best_valid_nats_per_token']))"
  riverrun evaluate $tokens text.txt --json >e.json
  json e.json "'$tokens' == 'word' or v['bytes'] == $(wc -c <text.txt) - 1"
  json e.json "math.isclose(v['bits_per_byte'] * v['bytes'] * math.log(2), v['nats_per_token'] * v['tokens'])"
  json e.json "math.isclose(v['perplexity'], math.exp(v['nats_per_token']))"
  riverrun generate $tokens --prompt 'the cat' --length 20 --json >g.json
  json g.json "v['prompt'] == 'the cat' and len(v['text']) > 0"
  riverrun info $tokens --json >i.json
  json i.json "v['parameters'] == sum(x['elements'] for x in v['tensors']) and v['resumable']"
done
json byte.json "v['vocab_size'] == 256"
[ "$(riverrun evaluate char text.txt --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["tokens"])')" \
  = $(($(wc -c <text.txt) - 1)) ] || fail 'not every character but the first was counted once'

# Progress is plain lines where nobody looks, and the results are on standard output.
riverrun train text.txt --out plain $tiny >out.txt 2>err.txt
! grep -q $'[\r\033]' err.txt || fail 'control characters in a file'
grep -Eq 'validation [0-9.]+ nats/token' err.txt || fail 'no line for a validation'
grep -Eq 'nats per token, perplexity' out.txt || fail 'no result'
# How far back the gradient reaches: said in passing, and once if it vanishes or explodes.
grep -Eq 'validation .* gradient [0-9.]+  reaches (> )?[0-9]+( of 16)? steps' err.txt ||
  fail "nothing was said of the gradient: $(cat err.txt)"
warns() { # PATTERN OPTION…: one line on the gradient, which matches
  local pattern=$1
  shift
  riverrun train text.txt --out reach --overwrite $tiny --reach-every 5 --json "$@" >t.json 2>err.txt ||
    true # a gradient that explodes may end the run
  [ "$(grep -Ec '^(note|warning): the gradient' err.txt)" = 1 ] || fail "not one: $(cat err.txt)"
  grep -Eq "$pattern" err.txt || fail "$*: nothing like '$pattern': $(cat err.txt)"
}
warns '^note: .*vanishes within the 64 steps.* [0-9]+ steps back it is 1 %' --cell rnn_tanh --seq-len 64
json t.json "all(0 < x['horizon'] < 64 for x in v['gradient']['reach'])"
json t.json "[x['step'] for x in v['gradient']['reach']][:3] == [0, 5, 10]"
json t.json "[x['lag'] for x in v['gradient']['last_norms']] == [1, 2, 4, 8, 16, 32, 64]"
json t.json "v['gradient']['last_norms'][0]['h'] > 100 * v['gradient']['last_norms'][-1]['h']"
json t.json "0 < v['gradient']['mean_norm'] <= v['gradient']['largest_norm']"
warns '^note: .*vanishes' --cell lstm --seq-len 64
! grep -q 'forget-bias' err.txt || fail "advice that is not known to help: $(cat err.txt)"
json t.json "set(v['gradient']['last_norms'][0]) == {'lag', 'h', 'c'}"
warns '^warning: .*explodes: each step back multiplies it by .* smaller weights \(--init-uniform, here 1.2\)' \
  --cell rnn_relu --init-uniform 1.2
riverrun train text.txt --cell memoryless --out reach --overwrite $tiny --reach-every 5 --json >t.json 2>err.txt
! grep -q '^warning' err.txt || fail "memoryless: $(cat err.txt)"
json t.json "all(x['fate'] == 'none' and x['horizon'] == 0 for x in v['gradient']['reach'])"
# The same as a report.
riverrun train text.txt --out reach --overwrite $tiny --reach-every 5 --csv t.csv >/dev/null 2>&1
grep -Eq '^memory horizon,5,[0-9.]+' t.csv || fail "no memory horizon: $(cat t.csv)"
if command -v gnuplot >/dev/null; then
  riverrun train text.txt --out reach --overwrite $tiny --svg t.svg >/dev/null 2>&1
  grep -q '</svg>' t.svg || fail 'no picture of a run'
fi
status=0
riverrun train text.txt --out reach --overwrite $tiny --reach-every 5 --html t.html \
  >/dev/null 2>err.txt || status=$?
if grep -q 'no charts' err.txt; then
  echo 'skipped: the page of a run, as this build has no Chart.js'
else
  [ $status = 0 ] || fail "--html: $(cat err.txt)"
  if command -v chromium >/dev/null; then "$browser" 3 cat t.html; fi
fi
expect 3 'nowhere: cannot write a file there' train text.txt --out never $tiny --csv nowhere/t.csv
[ ! -e never ] || fail 'a run whose report cannot be written was begun'
# Watching changes no bits.
riverrun train text.txt --out seldom $tiny --reach-every 1000000 >/dev/null 2>&1
cmp seldom/checkpoint.safetensors plain/checkpoint.safetensors || fail 'seldom measured'
riverrun train text.txt --out often $tiny --reach-every 1 >/dev/null 2>&1
cmp often/checkpoint.safetensors plain/checkpoint.safetensors || fail 'measuring changes the run'

riverrun train text.txt --valid text.txt --optimizer sgd --lr 0.5 --schedule step \
  --decay-after 1 --decay 0.5 --warmup 0 --clip 0.25 --init-uniform 0.1 --momentum 0.9 \
  --out literature $tiny >/dev/null 2>&1 || fail 'the flags of the literature'
riverrun train text.txt --schedule plateau --optimizer rmsprop --forget-bias 1 \
  --weight-decay 0.01 --valid-every 5 --out plateau $tiny >/dev/null 2>&1 || fail 'plateau'
for cell in gru rnn_tanh rnn_relu memoryless; do
  riverrun train text.txt --cell $cell --out cell-$cell $tiny >/dev/null 2>&1 || fail "--cell $cell"
  riverrun generate cell-$cell --length 5 >/dev/null || fail "generate with $cell"
done

# The same seed writes the same text, and JSON holds what is printed.
one=$(riverrun generate char --prompt 'a dog' --length 50 --seed 3)
two=$(riverrun generate char --prompt 'a dog' --length 50 --seed 3 --threads 1)
other=$(riverrun generate char --prompt 'a dog' --length 50 --seed 4)
[ "$one" = "$two" ] || fail 'the same seed writes another text'
[ "$one" != "$other" ] || fail 'another seed writes the same text'
riverrun generate char --prompt 'a dog' --length 50 --seed 3 --json >g.json
ONE=$one python3 -c "
import json, os
v = json.load(open('g.json'))
assert v['prompt'] + v['text'] == os.environ['ONE'], v"
[ "$(riverrun generate char --prompt 'the ' --length 0)" = 'the ' ] || fail '--length 0'
[ "$(riverrun generate char --temperature 0 --length 30)" = \
  "$(riverrun generate char --temperature 0 --length 30 --seed 9)" ] || fail 'temperature 0 draws'

# Smaller numbers change what is written little, and what is measured a little.
for weights in float32 bf16 int8; do
  riverrun evaluate char text.txt --weights $weights --json >$weights.json
  json $weights.json "v['weights'] == '$weights'"
  [ "$(riverrun generate char --weights $weights --length 30 --seed 3 --json |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["weights"])')" = $weights ] ||
    fail "generate --weights $weights"
done
python3 -c "
import json
exact, *others = [json.load(open(w + '.json'))['nats_per_token'] for w in ('float32', 'bf16', 'int8')]
assert all(0 < abs(x - exact) < 0.01 for x in others), (exact, others)"

riverrun info char | grep -q 'decoder.weight' || fail 'info'
riverrun info char --json >i.json
json i.json "v['training']['epochs_done'] == v['training']['epochs'] > 0"
# Numbers are written as they were given.
grep -q '"dropout": 0.2,' char/config.json || fail "config.json: $(cat char/config.json)"
riverrun info char --json | grep -q '"dropout": 0.2,' || fail 'info --json: dropout'
riverrun generate char --length 1 --temperature 0.7 --json | grep -q '"temperature": 0.7,' ||
  fail 'generate --json: temperature'

# What is not in the vocabulary, and what is not UTF-8.
printf 'the cat sees\377 the \303 dog.\n' >odd.txt
riverrun evaluate char odd.txt --json >e.json 2>err.txt
json e.json "v['unknown_tokens'] == 2 and v['invalid_utf8'] == 2"
grep -q 'odd.txt: not UTF-8 at byte 12 (2 such places' err.txt || fail "odd.txt: $(cat err.txt)"
riverrun evaluate char odd.txt 2>/dev/null | grep -q 'at least [0-9.]* bits per character' ||
  fail 'bits per character with unknown tokens'
riverrun evaluate char text.txt | grep -q 'at least' && fail 'a bound without unknown tokens'
cat odd.txt text.txt >mixed.txt
riverrun train mixed.txt --out mixed $tiny --json >t.json 2>/dev/null
json t.json "v['train_invalid_utf8'] == 2 and v['valid_invalid_utf8'] == 0"
riverrun explain lstm | grep -q 'tanh' || fail 'explain'
riverrun --version --json >x.json
json x.json "v['name'] == 'riverrun' and v['version'].count('.') == 2"
riverrun explain lstm --json >x.json
json x.json "v['cell'] == 'lstm' and v['states'] == ['h', 'c'] and len(v['gates']) == 4"

# model.safetensors is what anybody's reader expects: PyTorch's names, float32, row-major.
python3 - <<'P'
import json, struct
raw = open('char/model.safetensors', 'rb').read()
size, = struct.unpack('<Q', raw[:8])
header = json.loads(raw[8:8 + size])
shape = {name: value['shape'] for name, value in header.items() if name != '__metadata__'}
assert shape['rnn.weight_ih_l0'] == [64, 8] and shape['decoder.bias'] == shape['embedding.weight'][:1], shape
assert all(value.get('dtype', 'F32') == 'F32' for value in header.values())
P
