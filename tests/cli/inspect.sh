#!/usr/bin/env bash
# What `riverrun inspect` says of a model: at each token, of its units, and of a word in two contexts.
# shellcheck disable=SC2086
browser=$(cd "$(dirname "$0")/../report" && pwd)/browser.sh
. "$(dirname "$0")/common.sh"

make_text text.txt 300

for cell in lstm gru rnn_tanh memoryless; do
  riverrun train text.txt --out $cell --cell $cell $tiny --num-layers 2 >/dev/null 2>&1
done
riverrun train text.txt --out word --tokens word $tiny >/dev/null 2>&1
riverrun train text.txt --out byte --tokens byte $tiny >/dev/null 2>&1

# Every token, as surprising as `evaluate` finds them.
head -c 500 text.txt >some.txt
riverrun inspect lstm --file some.txt --json >i.json
json i.json "len(v['tokens']) == 500 and v['gates'] == ['i', 'f', 'o'] and v['states'] == ['h', 'c']"
json i.json "''.join(t['token'].replace('\\\\n', '\n') for t in v['tokens']) == open('some.txt').read()"
json i.json "v['tokens'][0]['nats'] is None and all(t['nats'] > 0 for t in v['tokens'][1:])"
json i.json "all(math.isclose(t['bits'] * math.log(2), t['nats']) for t in v['tokens'][1:])"
json i.json "all(len(t['layers']) == 2 and len(t['next']) == 3 for t in v['tokens'])"
json i.json "all(0 < o < 1 for t in v['tokens'] for l in t['layers'] for o in l['mean_openings'].values())"
json i.json "all(t['next'][0]['probability'] >= t['next'][2]['probability'] for t in v['tokens'])"
riverrun evaluate lstm some.txt --json >e.json
python3 -c "
import json
seen, measured = json.load(open('i.json'))['mean_nats'], json.load(open('e.json'))['nats_per_token']
assert abs(seen - measured) < 1e-5, (seen, measured)"

# Chosen units, in full: the state of an LSTM's unit follows from its gates.
riverrun inspect lstm --text 'the cat sees' --unit 0:3 --unit 1:15 --json >i.json
json i.json "set(v['tokens'][0]['units']) == {'0:3', '1:15'}"
json i.json "all(abs(u['states']['h'] - u['openings']['o'] * math.tanh(u['states']['c'])) < 1e-12
                 for t in v['tokens'] for u in t['units'].values())"

# Rankings, over a longer text.
riverrun inspect lstm --text 'the cat' --over text.txt --json >i.json
json i.json "v['ranked_over_tokens'] == $(wc -c <text.txt) and len(v['remember_longest']) == 10"
json i.json "all(a['time_constant_tokens'] >= b['time_constant_tokens']
                 for a, b in zip(v['remember_longest'], v['remember_longest'][1:]))"
json i.json "all(math.isclose(u['time_constant_tokens'], -1 / math.log(u['mean_retention']))
                 and u['mean_retention'] <= u['mean_openings']['f'] for u in v['remember_longest'])"
json i.json "{f['feature'] for f in v['follow']} >= {'position in line', 'space', 'line end'}"
json i.json "all(abs(a['correlation']) >= abs(b['correlation']) for a, b in zip(v['follow'], v['follow'][1:]))"
json i.json "'digit' not in {f['feature'] for f in v['follow']}" # there is none in the text
json i.json "abs(v['follow'][0]['correlation']) > 0.5"
riverrun inspect gru --text 'the cat' --json >i.json
json i.json "v['gates'] == ['r', 'z'] and v['remember_longest'][0]['time_constant_tokens'] > 0"
for cell in rnn_tanh memoryless; do
  riverrun inspect $cell --text 'the cat' --json >i.json
  json i.json "v['gates'] == [] and v['remember_longest'] == []"
  riverrun inspect $cell --text 'the cat' >out.txt
  grep -q 'no gates that open' out.txt || fail "$cell: $(cat out.txt)"
  grep -q 'no unit has a time constant' out.txt || fail "$cell: $(cat out.txt)"
done
for model in word byte; do
  riverrun inspect $model --text 'the cat sees a dog.' --json >i.json
  json i.json "len(v['tokens']) == (5 if '$model' == 'word' else 19)"
done

# For people: tables, and colours only on a terminal that wants them.
riverrun inspect lstm --text 'the cat sees' --unit 0:3 >out.txt
grep -Eq "^'t' +– +– +0\.[0-9]{2} +0\.[0-9]{2} +0\.[0-9]{2}" out.txt || fail "$(cat out.txt)"
grep -q 'Units that remember longest' out.txt || fail "$(cat out.txt)"
grep -q '^Unit 0:3:' out.txt || fail "$(cat out.txt)"
! grep -q $'\033' out.txt || fail 'colours in a file'
on_terminal() { python3 -c "
import os, pty, sys
os.environ.update(a.split('=') for a in sys.argv[2:])
status = pty.spawn([sys.argv[1], 'inspect', 'lstm', '--text', 'the cat sees', '--unit', '0:3'] +
                   os.environ.get('MORE', '').split())
sys.exit(os.waitstatus_to_exitcode(status))" "$program" "$@" </dev/null >out.txt; }
on_terminal
grep -q $'\033\[30;48;5;' out.txt || fail 'no colours on a terminal'
on_terminal NO_COLOR=1
! grep -q $'\033' out.txt || fail 'colours in spite of NO_COLOR'
on_terminal MORE='--over text.txt'
grep -Eq '[0-9,]+ of [0-9,]+ tokens' out.txt || fail 'nothing was said of how far it has read'

# A word in two contexts.
riverrun inspect lstm --compare 'the cat sees my bird.' 'a dog likes my bird' --json >c.json
json c.json "v['word'] == 'bird' and not v['same_states'] and not v['same_predictions']"
json c.json "[(s['layer'], s['state']) for s in v['states']] == [(0, 'h'), (0, 'c'), (1, 'h'), (1, 'c')]"
json c.json "all(s['distance'] > 0 and s['cosine'] < 1 for s in v['states'])"
json c.json "0 < v['total_variation'] < 1 and 0 < v['jensen_shannon_bits'] < 1"
json c.json "v['texts'][0]['text'] == 'the cat sees my bird'"
riverrun inspect lstm --compare 'the cat sees my bird.' 'a dog likes my bird' --at my --json >c.json
json c.json "v['word'] == 'my' and v['texts'][1]['text'] == 'a dog likes my'"
# Two words that the vocabulary lacks are no shared word.
riverrun inspect word --compare 'the zork sees' 'a quux sees' --json >c.json 2>/dev/null
json c.json "v['word'] == 'sees'"
riverrun inspect word --compare 'the zork' 'a zork' --at zork >/dev/null 2>err.txt && fail 'a lacking word'
grep -q 'the word "zork" of --at is not in the vocabulary' err.txt || fail "$(cat err.txt)"
for model in memoryless word; do
  riverrun inspect $model --compare 'the cat sees' 'a dog sees' --json >c.json
  json c.json "v['word'] == 'sees' and v['same_predictions'] == ('$model' == 'memoryless')"
done
riverrun inspect memoryless --compare 'the cat sees' 'a dog sees' --json >c.json
json c.json "v['same_states'] and v['total_variation'] == 0 and v['texts'][0]['next'] == v['texts'][1]['next']"
json c.json "all(s['distance'] == 0 for s in v['states']) and v['jensen_shannon_bits'] == 0"
riverrun inspect memoryless --compare 'the cat sees' 'a dog sees' >out.txt
grep -q 'Exactly the same, to the last bit' out.txt || fail "$(cat out.txt)"
riverrun inspect lstm --compare 'the cat sees' 'a dog sees' >out.txt
grep -q 'predictions after "sees" differ by 0' out.txt || fail "$(cat out.txt)"
riverrun inspect lstm --compare 'the cat' 'the cat' | grep -q 'the same up to the word' || fail same

# Files.
riverrun inspect lstm --text 'the cat sees' --unit 0:3 --csv i.csv >/dev/null
[ "$(grep -c '^unit 0:3 gate f,' i.csv)" = 12 ] || fail "$(cat i.csv)"
[ "$(grep -c '^surprise,' i.csv)" = 12 ] || fail "$(cat i.csv)"
if command -v gnuplot >/dev/null; then
  riverrun inspect lstm --text 'the cat sees' --svg i.svg >/dev/null
  grep -q 'How far the gates are open' i.svg || fail 'no picture of the gates'
  riverrun inspect lstm --text 'the cat sees' --unit 0:3 --unit 0:5 --svg u.svg >/dev/null
  grep -q '<text>unit 0:5</text>' u.svg || fail 'no picture of the units'
  riverrun inspect memoryless --compare 'the cat sees' 'a dog sees' --svg c.svg >/dev/null
  grep -q '<svg' c.svg || fail 'no picture of a comparison'
fi
long="$(head -c 300 text.txt | tr '\n' ' ') bird"
riverrun inspect lstm --compare "$long" 'a bird' --csv c.csv >/dev/null
grep -Eq '^B: a bird,' c.csv || fail "$(cat c.csv)"
grep -Eq '^A: ….{50,60},' c.csv || fail "$(cat c.csv)"
status=0
riverrun inspect lstm/ --text $'the <b>cat</b>\n& "sees"' --html i.html >/dev/null 2>err.txt || status=$?
if grep -q 'no charts' err.txt; then
  echo 'skipped: pages, as this build has no Chart.js'
else
  [ $status = 0 ] || fail "--html: $(cat err.txt)"
  ! grep -q '<b>' i.html || fail 'text became markup'
  grep -q '<title>What lstm does' i.html || fail 'the page has not the name of the model'
  riverrun inspect memoryless --compare 'the cat sees' 'a dog sees' --html c.html >/dev/null
  grep -q 'Exactly the same' c.html || fail 'the page says nothing of it'
  if command -v chromium >/dev/null; then
    "$browser" 3 cat i.html
    "$browser" 1 cat c.html
  fi
fi

# What cannot be.
before=$(contents lstm)
: >empty.txt
expect 2 'one of --text, --file and --compare' inspect lstm
expect 2 'text: the value is empty' inspect lstm --text ''
expect 4 'the text is empty' inspect lstm --file empty.txt
expect 3 'nowhere.txt' inspect lstm --file nowhere.txt
expect 3 'nowhere.txt' inspect lstm --text a --over nowhere.txt
expect 3 'nowhere' inspect nowhere --text a
expect 3 'not a model folder' inspect text.txt --text a
for unit in 2:0 0:16 0 0:x :1 0:1:2 -1:0; do
  expect 2 "no unit \"$unit\"; it must be LAYER:INDEX, with a layer from 0 to 1 and an index from 0 to 15" \
    inspect lstm --text a --unit=$unit
done
expect 2 'share no word' inspect lstm --compare 'the cat' 'a dog'
expect 2 '"cat" of --at is not in the second text' inspect lstm --compare 'the cat' 'the dog' --at cat
expect 2 '"cow" of --at is not in either' inspect lstm --compare 'the cat' 'the dog' --at cow
expect 2 'top: 0' inspect lstm --text a --top 0
expect 2 'excludes' inspect lstm --text a --file text.txt
expect 3 '/dev/zero: a text must be a file or a pipe' inspect lstm --file /dev/zero
truncate -s 17M large.txt
expect 2 'large.txt: the text has 17825792 bytes; at most 16777216' inspect lstm --file large.txt
head -c 4M /dev/zero | tr '\0' a >long.txt
expect 2 'has 4194304 tokens; with these options at most [0-9]+ fit' inspect lstm --file long.txt
expect 3 'lstm: cannot write a file there' inspect lstm --text a --csv lstm
riverrun inspect lstm --text 'thê cat' >/dev/null 2>err.txt || fail 'an unknown character'
grep -q "1 token is not in the vocabulary.*'ê'" err.txt || fail "$(cat err.txt)"
riverrun inspect word --text 'the cow' >/dev/null 2>err.txt || fail 'an unknown word'
grep -q "1 token is not in the vocabulary.*cow" err.txt || fail "$(cat err.txt)"
[ "$(contents lstm)" = "$before" ] || fail 'the model was changed'
