#!/usr/bin/env bash
# A classifier of texts, from the file to the predictions.
browser=$(cd "$(dirname "$0")/../report" && pwd)/browser.sh
. "$(dirname "$0")/common.sh"

# Reviews that one word tells apart, in the three forms of a file.
python3 - <<'PY'
import csv, random
def reviews(count, seed):
    draw = random.Random(seed)
    fillers = ['The', 'food', 'was', 'here,', 'we', 'thought', 'It\'s']
    for i in range(count):
        word = draw.choice(['great', 'Good', 'LOVELY'] if i % 2 else ['awful', 'Bad', 'DULL'])
        words = draw.choices(fillers, k=draw.randrange(1, 6)) + [word] + draw.choices(fillers, k=draw.randrange(5))
        yield ' '.join(words) + f' nr {i}.', 'positive' if i % 2 else 'very negative'
for name, count, seed in (('train', 80, 1), ('test', 40, 2)):
    rows = list(reviews(count, seed))
    with open(f'{name}.csv', 'w', newline='') as file:
        out = csv.writer(file)
        out.writerow(['stars', 'text', 'sentiment'])
        for text, label in rows:
            out.writerow([3, text.replace(' nr', '\n"nr"'), label])
    with open(f'{name}.txt', 'w') as file:
        for text, label in rows:
            file.write(f'__label__{label.replace(" ", "-")} {text}\n')
    with open(f'{name}.tab', 'w') as file:
        for text, label in rows:
            file.write(f'{label}\t{text}\n')
    with open(f'{name}.plain', 'w') as file:
        for text, _ in rows:
            file.write(f'{text}\n')
PY
small='--hidden-size 8 --embedding-size 8 --epochs 60 --lr 0.01'
columns='--text-column text --label sentiment'

# A CSV file: the column of texts says what it is.
# shellcheck disable=SC2086
riverrun train train.csv $columns --out m $small --json >t.json 2>err.txt || fail "$(cat err.txt)"
json t.json "v['kind'] == 'classify' and v['classes'] == ['very negative', 'positive']"
json t.json "v['train_texts'] == 64 and v['valid_texts'] == 16 and v['channels'] == 0 and v['known_tokens'] > 10"
json t.json "v['best_valid_nats_per_text'] == min(x['valid_nats_per_text'] for x in v['validations'])"
json t.json "v['validation']['accuracy'] >= 0.9"
grep -q 'data: 64 texts to learn from, 16 to validate on; [0-9]* known words ([0-9.]* % of those to validate on are not) and 2 classes' err.txt ||
  fail "the data are not described: $(cat err.txt)"
[ -e m/tokenizer.json ] || fail 'no tokenizer.json'

riverrun evaluate m test.csv --json >e.json
json e.json "v['texts'] == 40 and v['accuracy'] >= 0.9 and v['naive_accuracy'] == 0.5 and 'nats_per_text' in v"
riverrun evaluate m test.csv >out.txt
grep -q 'nats per text' out.txt || fail "$(cat out.txt)"
riverrun evaluate m train.txt --json 2>err.txt >e.json && fail 'classes of other names' # very-negative
grep -q 'line 1: the label is "very-negative"; the model knows no such class' err.txt || fail "$(cat err.txt)"

# Predictions: with the text itself, so that they can be read, and evaluated.
riverrun predict m test.csv --out predicted.csv 2>err.txt
grep -q 'predicted.csv: 40 predictions' err.txt || fail "$(cat err.txt)"
head -1 predicted.csv | grep -qx 'text,predicted,label,p(very negative),p(positive)' || fail "$(head -1 predicted.csv)"
python3 - <<'PY' || fail 'predictions are not those of the texts'
import csv
predicted = list(csv.DictReader(open('predicted.csv', newline='')))
rows = list(csv.DictReader(open('test.csv', newline='')))
assert [p['text'] for p in predicted] == [r['text'] for r in rows]
assert [p['label'] for p in predicted] == [r['sentiment'] for r in rows]
assert sum(p['label'] == p['predicted'] for p in predicted) >= 36
PY
python3 -c "
import csv
rows = list(csv.DictReader(open('test.csv', newline='')))
out = csv.writer(open('only.csv', 'w', newline=''), delimiter='\t')
out.writerow(['x', 'text'])
for row in rows: out.writerow(['', row['text']])"
riverrun predict m only.csv --json >plain.json
json plain.json "len(v['predictions']) == 40 and 'label' not in v['predictions'][0] and 'text' in v['predictions'][0]"
gzip -c only.csv | riverrun predict m - --json >piped.json
python3 -c "
import json
a, b = (json.load(open(f))['predictions'] for f in ('plain.json', 'piped.json'))
assert a == b" || fail 'gzip changes predictions'
expect 4 'the texts have no labels to compare with' evaluate m only.csv
printf 'id\ttext\n1\tzzz qqq\n2\tgreat\n' | riverrun predict m - >out.txt 2>err.txt || fail "$(cat err.txt)"
grep -q 'note: of 1 text the model knows no word' err.txt || fail "unknown words are not noted: $(cat err.txt)"
[ "$(wc -l <out.txt)" = 3 ] || fail "$(cat out.txt)"

riverrun info m --json >i.json
json i.json "v['kind'] == 'classify' and v['text']['tokens'] == 'word' and v['examples'] == [32, 32] and v['resumable']"
json i.json "v['training']['valid_texts'] == 16 and v['columns']['text_column'] == 'text'"
riverrun info m | grep -q 'reads           texts, the first 500 tokens of each; ' || fail "$(riverrun info m)"

# The pages, where this build has charts.
if riverrun evaluate m test.csv --html e.html >/dev/null 2>err.txt; then
  # shellcheck disable=SC2086
  riverrun train train.csv $columns --valid-fraction 0.5 --out page --epochs 1 --html t.html >/dev/null 2>&1
  if command -v chromium >/dev/null; then
    "$browser" 2 cat e.html
    "$browser" 3 cat t.html
  fi
else
  grep -q 'this build has no charts' err.txt || fail "--html: $(cat err.txt)"
fi

# One text a line: found out from the file, or said.
# shellcheck disable=SC2086
riverrun train train.txt --out p $small --json >t.json 2>/dev/null
json t.json "v['kind'] == 'classify' and v['classes'] == ['very-negative', 'positive']"
riverrun evaluate p test.txt --json >e.json
json e.json "v['texts'] == 40 and v['accuracy'] >= 0.9"
# shellcheck disable=SC2086
riverrun train train.tab --kind classify --out tab $small --valid test.tab --json >t.json 2>/dev/null
json t.json "v['train_texts'] == 80 and v['valid_texts'] == 40 and v['validation']['accuracy'] >= 0.9"
riverrun evaluate tab test.tab --json >e.json
json e.json "v['accuracy'] >= 0.9 and v['classes'][0]['class'] == 'very negative'"
for model in p tab; do
  riverrun predict $model test.plain --json >plain.json
  json plain.json "len(v['predictions']) == 40 and 'label' not in v['predictions'][0]"
  expect 4 'no labels to compare with' evaluate $model test.plain
done
sed 's/$/\r/; 1s/^/\xEF\xBB\xBF/' train.txt | gzip -c >crlf.txt # other bytes, the same texts
# shellcheck disable=SC2086
riverrun train crlf.txt --out crlf $small >/dev/null 2>&1
cmp -s p/model.safetensors crlf/model.safetensors || fail 'line ends and a mark of order change the model'
# shellcheck disable=SC2086
# shellcheck disable=SC2002  # a pipe is what is tried
cat train.txt | riverrun train - --kind classify --out piped $small >/dev/null 2>&1
cmp -s p/model.safetensors piped/model.safetensors || fail 'a pipe changes the model'
# As a text, if one says so.
# shellcheck disable=SC2086
riverrun train train.txt --kind language --out lm $tiny --json 2>/dev/null >t.json
json t.json "v['tokens'] == 'char'"

# The same bits for any number of threads, and after an interruption.
# shellcheck disable=SC2086
riverrun train train.csv $columns --out again $small --threads 1 >/dev/null 2>&1
cmp -s m/model.safetensors again/model.safetensors || fail 'one thread gives other weights'
status=0
# shellcheck disable=SC2086
"$program" train train.csv $columns --out stopped $small >/dev/null 2>stopped.txt &
until grep -q 'validation' stopped.txt; do sleep 0.01; done
kill -TERM $! || true # SIGINT is ignored in the background of a script
wait $! || status=$?
[ "$status" = 130 ] || [ "$status" = 0 ] || fail "a signal: status $status" # it may have been at its end
riverrun train train.csv --out stopped --resume >/dev/null 2>&1 || fail 'no resuming'
cmp -s m/model.safetensors stopped/model.safetensors || fail 'a resumed run gives other weights'
expect 2 '--min-count differs from that of the run that is resumed' train train.csv --out m --resume --min-count 3
expect 2 '--token-dropout differs from that of the run' train train.csv --out m --resume --token-dropout 0.5
expect 2 'the texts are not those that the run began with' train test.csv --out m --resume
sed 's/great/grand/' train.csv >changed.csv
expect 2 'the texts are not those that the run began with' train changed.csv --out m --resume
printf '@problemName x\n@timeStamps false\n@classLabel false\n@data\n1,2\n' >numbers.ts
expect 4 'it has 1 channel; the model reads texts' predict m numbers.ts

# Characters and bytes, vectors to begin with, weights of classes, what is cut.
for tokens in char byte; do
  riverrun train train.txt --out "$tokens" --tokens $tokens --epochs 1 --json >t.json 2>/dev/null
  json t.json "v['known_tokens'] == 256 if '$tokens' == 'byte' else v['known_tokens'] < 60"
  riverrun predict "$tokens" test.plain >/dev/null || fail "$tokens"
done
printf 'great 1 0 0\nbad 0 1 0\nnever 0 0 1\n' >vectors.txt
riverrun train train.txt --out vectors --vectors vectors.txt --epochs 1 >/dev/null 2>&1
riverrun info vectors --json >i.json
json i.json "v['text']['embedding_size'] == 3 and v['training']['vectors'] == 'vectors.txt'"
grep -q '"never"' vectors/tokenizer.json || fail 'a word with a vector is not known'
riverrun train train.txt --out w --class-weights positive=5,very-negative=1 --max-tokens 4 --epochs 1 >/dev/null 2>err.txt
grep -q 'note: [0-9]* texts of more than 4 tokens (--max-tokens): only that many are read' err.txt || fail "$(cat err.txt)"
riverrun train train.txt --valid train.txt --out w --overwrite --epochs 1 >/dev/null 2>err.txt
grep -q 'warning: 80 of the 80 texts to validate on are among those to learn from' err.txt || fail "$(cat err.txt)"
sed '1s/very-negative/odd/' train.txt >odd.txt
riverrun train odd.txt --out w --overwrite --epochs 1 >/dev/null 2>err.txt
grep -q 'warning: classes with a single text to learn from: odd' err.txt || fail "$(cat err.txt)"
grep -q 'warning: classes without a text to validate on: odd' err.txt || fail "$(cat err.txt)"

# What does not go together, and files that are not as they must be.
: >empty.txt
expect 4 'empty' train empty.txt --kind classify --out n
expect 4 'empty' train empty.txt --text-column text --label y --out n
printf 'text\nfood\n' >one.csv
expect 4 'no column "sentiment", which is to be the label; those there are: "text"' train one.csv --text-column text --label sentiment --out n
expect 4 'no column "body", which is to be the text; those there are: "stars", "text", "sentiment"' train train.csv --text-column body --label sentiment --out n
expect 4 'no column "text", which is to be the text' predict m test.plain
expect 2 '--label says which of its columns names the class' train train.csv --text-column text --out n
expect 2 '"text", which is named twice' train train.csv --text-column text --label text --out n
expect 2 'the text is "text", so each row is a text of its own' train train.csv --text-column text --label sentiment --series stars --out n
expect 4 'line 1: the line is .*, which names no class; before its text there must be __label__name' train test.plain --kind classify --out n
sed '3s/^[^ ]* //' train.txt >gap.txt
expect 4 'gap.txt.*line 3: the line is .*, which names no class; it must be __label__name, a blank and the text' train gap.txt --out n
sed '3s/$/ __label__positive/' train.txt >two.txt
expect 4 'two.txt.*line 3: there is a second label' train two.txt --out n
sed '4s/ .*//' train.txt >bare.txt
expect 4 'bare.txt.*line 4: there is no text behind the label' train bare.txt --out n
sed '4s/^__label__[^ ]*/__label__/' train.txt >nameless.txt
expect 4 'nameless.txt.*line 4: the label has no name' train nameless.txt --out n
sed '5s/$/ \xFF/' train.txt >latin.txt
expect 4 'latin.txt.*line 5: the line is not UTF-8' train latin.txt --out n
sed '5s/$/ \x00/' train.txt >nul.txt
expect 4 'nul.txt.*line 5: there is a byte 0' train nul.txt --out n
sed 's/very-negative/positive/' train.txt >same.txt
expect 4 'same.txt: the only class is "positive"' train same.txt --out n
printf 'text,y\nfood,a\n,b\n' >blank.csv
expect 4 'blank.csv.*line 3, column "text": the text is empty' train blank.csv --text-column text --label y --out n
printf 'text,y\nfood,a\nfood,\n' >unnamed.csv
expect 4 'line 3, column "y": the field is empty; it must be the name of a class' train unnamed.csv --text-column text --label y --out n
printf '__label__a one\n__label__b two\n__label__a three\n__label__b four\n' >rare.txt
expect 4 'rare.txt: no word occurs at least 2 times' train rare.txt --out n
expect 2 '--label, --series, --time, --channels and --text-column are of CSV files; train.txt has the labels in its lines' train train.txt --label y --out n
expect 2 '--missing, --shift, --scaling and --jitter are of sequences of numbers; train.txt has texts' train train.txt --jitter 0.5 --out n
expect 2 'class_weights .*"neutral" must be one of the classes "very-negative", "positive"' train train.txt --class-weights neutral=2 --out n
expect 2 'class_weights .*must be a number greater than 0' train train.txt --class-weights positive=-2 --out n
expect 2 'min_count is 0' train nowhere.txt --kind classify --min-count 0 --out n
expect 2 'tokens is "line"; it must be one of byte, char, word' train train.txt --tokens line --out n
expect 2 'token_dropout is 1' train train.txt --token-dropout 1 --out n
expect 2 'tokens are chars, and there are word vectors' train train.txt --tokens char --vectors vectors.txt --out n
expect 2 '--from is an option of a language model; DATA is labelled texts, so a classifier' train train.txt --from m --out n
expect 3 'nowhere.txt' train nowhere.txt --text-column t --label y --out n
[ ! -e n ] || fail 'a folder was made for a run that could not be'
sed -i 's/"great"/"groat"/' m/tokenizer.json
expect 4 'another config.json or tokenizer.json' predict m test.csv
rm m/tokenizer.json
expect 3 'tokenizer.json' evaluate m test.csv
echo 'ok'
