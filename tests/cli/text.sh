#!/usr/bin/env bash
# How texts come in, from files, pipes, gzip and in other encodings, and how they go out.
# shellcheck disable=SC2086
. "$(dirname "$0")/common.sh"

make_text text.txt 300
gzip -k text.txt
printf '\357\273\277' | cat - text.txt >marked.txt
mkfifo pipe

train() { riverrun train $tiny --json "$@"; }
nats() { riverrun evaluate "$@" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["nats_per_token"])'; }

# The same model and the same score, however the text comes.
for tokens in byte char word; do
  train text.txt --out file-$tokens --tokens $tokens >/dev/null 2>&1
  train - --out dash-$tokens --tokens $tokens <text.txt >/dev/null 2>&1
  train text.txt.gz --out gzip-$tokens --tokens $tokens >/dev/null 2>&1
  cat text.txt.gz >pipe &
  train pipe --out pipe-$tokens --tokens $tokens >/dev/null 2>&1
  wait
  for way in dash gzip pipe; do
    cmp $way-$tokens/checkpoint.safetensors file-$tokens/checkpoint.safetensors ||
      fail "$tokens: another run by $way"
  done
  score=$(nats file-$tokens text.txt)
  [ "$(nats file-$tokens - <text.txt)" = "$score" ] || fail "$tokens: another score of -"
  [ "$(zcat text.txt.gz | nats file-$tokens -)" = "$score" ] || fail "$tokens: another score of a pipe"
  [ "$(nats file-$tokens text.txt.gz)" = "$score" ] || fail "$tokens: another score of gzip"
done
train marked.txt --out marked >/dev/null 2>&1
cmp marked/checkpoint.safetensors file-char/checkpoint.safetensors || fail 'a byte order mark is read'
head -c 100 text.txt | riverrun inspect file-char --file - --over text.txt.gz --json >i.json
json i.json "len(v['tokens']) == 100 and v['ranked_over_tokens'] == $(wc -c <text.txt)"
zcat text.txt.gz | riverrun gradients file-char - --steps 10 --batch-size 1 --json >g.json
json g.json "len(v['curves']) == 2"

# A file that the system makes while it is read says that it has no bytes.
if [ -r /proc/version ]; then
  riverrun evaluate file-byte /proc/version --json >p.json
  json p.json "v['tokens'] > 10"
fi

# A run is resumed with its text, by whatever way that comes, and with no other.
train text.txt --out resumed --epochs 1 >/dev/null 2>&1
zcat text.txt.gz | riverrun train - --out resumed --resume --epochs 2 >/dev/null 2>&1 ||
  fail 'not resumed from a pipe'
sed 's/cat/cow/' text.txt >cow.txt
expect 2 'not the one .* read and cut in the same way' train cow.txt --out resumed --resume --epochs 3
expect 4 'standard input.*empty' train - --out resumed --resume --epochs 3 </dev/null
expect 2 'only once' train - --out new --valid -
expect 2 'only once' evaluate file-char - -
expect 2 'only once' inspect file-char --file - --over -

# Other encodings.
printf 'Gr\374\337e aus K\366ln, der caf\351 ist hei\337.\n%.0s' {1..60} >latin1.txt
iconv -f latin1 -t utf-8 latin1.txt >utf8.txt
iconv -f latin1 -t utf-16 latin1.txt >utf16.txt
train utf8.txt --out utf8 >/dev/null 2>&1
train latin1.txt --out latin1 --encoding latin1 >/dev/null 2>&1
train utf16.txt --out utf16 --encoding UTF-16 >/dev/null 2>&1
for way in latin1 utf16; do
  cmp $way/checkpoint.safetensors utf8/checkpoint.safetensors || fail "another run by $way"
done
[ "$(nats utf8 latin1.txt --encoding latin1)" = "$(nats utf8 utf8.txt)" ] || fail 'evaluate --encoding'
expect 2 'encoding: "klingon" is not known' evaluate utf8 utf8.txt --encoding klingon
expect 4 'latin1.txt.*no character of utf-8' evaluate utf8 latin1.txt --encoding utf-8
expect 4 'utf16.txt.*looks like UTF-16.*encoding' evaluate utf8 utf16.txt
expect 4 'looks like UTF-16' train utf16.txt --out new
printf '%%PDF-1.7\n' >paper.pdf
expect 4 'looks like a PDF' train paper.pdf --out new
head -c 100 text.txt.gz >cut.gz
expect 4 'cut.gz.*cut off' evaluate file-char cut.gz
riverrun evaluate utf8 latin1.txt >out.txt 2>/dev/null
grep -q '^at least .* at least ' out.txt ||
  fail 'bits of what is not UTF-8 are a bound'

# Prompts from a file or standard input.
printf 'the cat' >prompt.txt
one=$(riverrun generate file-char --prompt 'the cat' --length 20)
[ "$(riverrun generate file-char --prompt-file prompt.txt --length 20)" = "$one" ] || fail '--prompt-file'
[ "$(riverrun generate file-char --prompt-file - --length 20 <prompt.txt)" = "$one" ] ||
  fail '--prompt-file -'
expect 2 'prompt' generate file-char --prompt-file prompt.txt --prompt x
expect 3 'nowhere' generate file-char --prompt-file nowhere

# One space or line end between a prompt and what is written.
for prompt in 'the cat' 'the cat ' $'the cat\n' $'the cat\t' $'the cat\u00a0'; do
  riverrun generate file-word --prompt "$prompt" --length 4 >g.txt
  PROMPT=$prompt python3 -c "
import os
text, prompt = open('g.txt').read(), os.environ['PROMPT']
assert text.startswith(prompt), text
rest = text[len(prompt):]
assert rest[0].isspace() != prompt[-1].isspace() or rest[0] == '\n', repr(text)
assert '  ' not in text, repr(text)"
done

# Bytes in, bytes out.
train latin1.txt --out raw --tokens byte --epochs 60 >/dev/null 2>&1
riverrun generate raw --prompt 'Gr' --length 200 --temperature 0.2 >raw.txt
LC_ALL=C grep -aq $'[\374\366\351\337]' raw.txt || fail "no bytes as they were learnt: $(xxd raw.txt | head)"
! LC_ALL=C grep -aq $'\357\277\275' raw.txt || fail 'U+FFFD in place of bytes'
riverrun generate raw --prompt 'Gr' --length 200 --temperature 0.2 --json >g.json
python3 -c "
import json
v = json.load(open('g.json'))
assert v['text_encoding'] == 'latin-1', v
raw = (v['prompt'] + v['text']).encode(v['text_encoding'])
assert raw + b'\n' == open('raw.txt', 'rb').read(), v"
riverrun generate file-byte --length 20 --json >g.json
json g.json "v['text_encoding'] == 'utf-8'"

# Spaces between words change nothing that is predicted of words.
sed 's/ /        /g' text.txt >spaced.txt
riverrun evaluate file-word text.txt --json >narrow.json 2>/dev/null
riverrun evaluate file-word spaced.txt --json >wide.json 2>/dev/null
python3 -c "
import json
narrow, wide = json.load(open('narrow.json')), json.load(open('wide.json'))
for key in 'tokens', 'characters', 'bytes', 'bits_per_character', 'bits_per_byte':
    assert narrow[key] == wide[key], (key, narrow, wide)
assert narrow['white_space_not_predicted'] == 0
assert wide['white_space_not_predicted'] == 7 * open('text.txt').read().count(' ')"
riverrun evaluate file-word spaced.txt >out.txt 2>err.txt
grep -q 'characters of white space.* not counted' err.txt ||
  fail 'white space that is not counted goes unnamed'

# Unknown tokens are named.
echo 'the cat eats 7 birds.' >odd.txt
riverrun evaluate file-word odd.txt >out.txt 2>err.txt
grep -q 'without <unk>' out.txt || fail 'no second perplexity'
grep -q "3 tokens are not in the vocabulary and become <unk>: 'eats' '7' 'birds.'" err.txt ||
  fail "unknown words go unnamed: $(cat err.txt)"
riverrun evaluate file-word odd.txt --json 2>/dev/null >e.json
json e.json "v['unknown_tokens'] == 3 and v['perplexity_without_unknown'] > 0"
cat odd.txt text.txt >long.txt
riverrun inspect file-char --text 'the' --over long.txt >out.txt 2>err.txt
grep -q "vocabulary.*'7'" err.txt || fail "inspect --over: unknown tokens go unnamed: $(cat err.txt)"
riverrun gradients file-char long.txt --steps 5 >out.txt 2>err.txt
grep -q "vocabulary.*'7'" err.txt || fail "gradients: unknown tokens go unnamed: $(cat err.txt)"

# The lines of a text, each from a fresh state.
head -n 5 text.txt >five.txt
riverrun evaluate file-char five.txt --lines >lines.tsv 2>/dev/null
[ "$(wc -l <lines.tsv)" = 6 ] || fail "--lines: $(cat lines.tsv)"
riverrun evaluate file-char five.txt --lines --json >lines.json 2>/dev/null
json lines.json "[x['line'] for x in v['lines']] == [1, 2, 3, 4, 5]"
json lines.json "[x['tokens'] for x in v['lines']] == [len(x) for x in open('five.txt')]"
json lines.json "math.isclose(sum(x['nats'] for x in v['lines']), v['nats'])"
sed -n 3p five.txt | riverrun evaluate file-char - --lines --json >third.json
python3 -c "
import json
lines, third = json.load(open('lines.json'))['lines'], json.load(open('third.json'))['lines']
assert third == [{**lines[2], 'line': 1}], (lines[2], third)"

# Lines are warned about as a whole text is.
printf 'the cat\nthe \377 eel\nthe dog\n' >odd-lines.txt
riverrun evaluate file-word odd-lines.txt --lines >lines.tsv 2>err.txt
grep -q 'odd-lines.txt: not UTF-8 at byte 12 (1 such place in the text' err.txt || fail "--lines: $(cat err.txt)"
grep -q "warning: text: .* tokens are not in the vocabulary.*'eel'" err.txt || fail "--lines: $(cat err.txt)"
grep -Eq 'perplexity [0-9.]+ \([0-9.]+ without <unk>\)' err.txt || fail "--lines: $(cat err.txt)"
riverrun evaluate file-word odd-lines.txt --lines --json >lines.json 2>/dev/null
json lines.json "v['invalid_utf8'] == 1 and v['unknown_tokens'] >= 2"
riverrun evaluate file-char five.txt --lines >lines.tsv 2>err.txt
[ "$(wc -l <err.txt)" = 1 ] || fail "--lines warns of nothing: $(cat err.txt)"

# Bytes need not be UTF-8.
riverrun generate raw --prompt $'Gr\374' --length 5 >g.txt 2>err.txt
[ ! -s err.txt ] || fail "a prompt of bytes: $(cat err.txt)"
riverrun inspect raw --text $'Gr\374' >i.txt 2>err.txt
[ ! -s err.txt ] || fail "a text of bytes: $(cat err.txt)"
riverrun generate file-char --prompt $'the \374' --length 5 >g.txt 2>err.txt
grep -q 'not UTF-8' err.txt || fail 'characters need to be UTF-8'

# A byte order mark is no character of a text on the command line either; a second one is seen.
mark=$'\357\273\277'
riverrun inspect file-char --text "${mark}the cat" --json >i.json 2>err.txt
json i.json "len(v['tokens']) == 7"
[ ! -s err.txt ] || fail "a byte order mark: $(cat err.txt)"
riverrun inspect file-char --compare "${mark}the cat" "${mark}a cat" >i.txt 2>err.txt
[ ! -s err.txt ] || fail "a byte order mark: $(cat err.txt)"
[ "$(riverrun generate file-char --prompt "${mark}the cat" --length 20)" = "$one" ] || fail 'a prompt with a mark'
riverrun inspect file-char --text "$mark${mark}the cat" >i.txt 2>err.txt
grep -q "vocabulary.*'.uFEFF'" err.txt || fail "a second mark is not seen: $(cat err.txt)"

# gzip within gzip is named; an empty file is no prompt, an empty --prompt is none.
gzip -c text.txt.gz >twice.gz
expect 4 'twice.gz.*a gzip file within a gzip file: unpack it first' evaluate file-char twice.gz
: >nothing.txt
expect 4 'nothing.txt.*empty' generate file-char --prompt-file nothing.txt
expect 4 'standard input.*empty' generate file-char --prompt-file - </dev/null
expect 4 '/dev/null.*empty' evaluate file-char /dev/null
riverrun generate file-char --prompt '' --length 3 >/dev/null || fail 'an empty prompt'

# A text that is too short for the batch size that was asked for.
head -c 4096 text.txt >short.txt
riverrun train short.txt --out short --batch-size 32 --hidden-size 8 --embedding-size 4 --json >t.json 2>err.txt
grep -Eq 'note: only [0-9]+ updates in all, as the text is short; --batch-size 0 would choose [0-9]+, and make [0-9]+' err.txt ||
  fail "no hint: $(cat err.txt)"
riverrun train short.txt --out short --overwrite --hidden-size 8 --embedding-size 4 --json >t.json 2>err.txt
! grep -q 'note: only' err.txt || fail 'a hint that nobody needs'

# A tenth of the words is kept for validation, wherever lines end.
line=$(printf 'word%s ' {1..600})
for text in "$line" "Title"$'\n'"$line" $'\n'"$line" "$line"$'\n'"$line"$'\n'"$line"; do
  printf '%s' "$text" >split.txt
  train split.txt --out split --overwrite --tokens word >t.json 2>/dev/null
  json t.json "abs(v['valid_tokens'] / (v['train_tokens'] + v['valid_tokens']) - 0.1) < 0.01"
done
