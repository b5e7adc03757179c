#!/usr/bin/env bash
# The one rule for the values of options: no value is empty but a prompt, and a number is written in
# decimal without blanks, plus sign or leading zeros, and is finite. Every option of every verb is
# found in its --help.
. "$(dirname "$0")/common.sh"

# Arguments with which a verb gets as far as looking for what is not there, and the positional ones.
declare -A rest=([train]='TEXT --out new' [evaluate]='MODEL TEXT' [generate]=MODEL
  [gradients]='MODEL TEXT' [inspect]='MODEL --text cat' [explain]=CELL [info]=MODEL [task]=NAME)

common=('' ' ' '1 ' ' 1' '+1' '00' '010' '0x10' '0b1' 1_000 "1'000" '1,5' one - '{}' '[]' '[1]' $'1\n' é)
whole=("${common[@]}" 1.0 1e2 1. -010 99999999999999999999 -99999999999999999999 nan inf)
decimal=("${common[@]}" 1e 0x1p3 1f 00.5 -00.5 nan NaN inf -inf infinity 1e999 -1e999 1e-999 1e39)

numbers=0
texts=0
for verb in "${!rest[@]}"; do
  read -ra arguments <<<"${rest[$verb]}"
  riverrun "$verb" --help >help.txt
  # "  --lr FLOAT=0.003   Learning rate"; a flag has no type.
  while read -r option type; do
    case $type in
      *INT*) values=("${whole[@]}") good=1 rule='it must be a whole number' ;;
      *FLOAT*) values=("${decimal[@]}") good=0.5 rule='it must be a finite number' ;;
      *) values=('') good=x rule='the value is empty' ;;
    esac
    if [ "$good" = x ]; then ((++texts)); else ((++numbers)); fi
    for value in "${values[@]}"; do
      # An empty prompt is none.
      if [ "$option" = --prompt ]; then continue; fi
      expect 2 "$option: .*$rule" "$verb" "${arguments[@]}" "$option=$value"
    done
    if [ "$option" = --compare ] || [ "$option" = --prompt ]; then continue; fi
    expect 2 "$option: .*$rule" "$verb" "${arguments[@]}" "$option" ''
    # The last one counts, but all are read.
    expect 2 "$option: .*$rule" "$verb" "${arguments[@]}" "$option" '' "$option" "$good"
    # What is refused then is another thing: there is no such text, model, cell or task.
    if riverrun "$verb" "${arguments[@]}" "$option" "$good" >out.txt 2>err.txt; then
      fail "$verb ${arguments[*]} ends well"
    fi
    ! grep -q -- "$option: " err.txt || fail "$verb $option $good: $(cat err.txt)"
  done < <(sed -nE 's/^  (--[a-z-]+)[ =](INT|UINT|FLOAT|TEXT)\b.*/\1 \2/p' help.txt)
  # Positional ones.
  for i in "${!arguments[@]}"; do
    case ${arguments[$i]} in [A-Z]*) ;; *) continue ;; esac
    wrong=("${arguments[@]}")
    wrong[i]=''
    expect 2 "${arguments[$i]}: the value is empty" "$verb" "${wrong[@]}"
    ((++texts))
  done
done
# So that another form of --help does not make this test find nothing.
[ $numbers -gt 50 ] || fail "only $numbers options with numbers were found"
[ $texts -gt 40 ] || fail "only $texts options with texts were found"
[ ! -e new ] || fail 'a folder was made for a run that could not be'

# An option that takes two values takes two.
make_text text.txt 60
# shellcheck disable=SC2086
riverrun train text.txt --out model $tiny >/dev/null 2>&1
expect 2 'compare' inspect model --compare 'the cat'
expect 2 'compare' inspect --compare 'the cat' model
expect 2 'not expected: my cat' inspect model --compare 'the cat' 'a cat' 'my cat'
expect 2 'compare' inspect model --compare 'the cat' 'a cat' --compare 'the cat' 'a cat'
expect 2 'compare: the value is empty' inspect model --compare '' 'a cat'
expect 2 'compare: the value is empty' inspect model --compare= 'a cat'
riverrun inspect model --compare '[the cat, a dog]' '[a cat, a dog]' --at cat >out.txt 2>/dev/null ||
  fail 'texts in brackets'
# Texts and cells that are repeated are all taken, of others the last.
riverrun evaluate model text.txt text.txt --json >two.json
riverrun evaluate model text.txt --json >one.json
python3 -c "
import json
one, two = (json.load(open(name + '.json')) for name in ('one', 'two'))
assert two['tokens'] == 2 * one['tokens'] + 1 and len(two['texts']) == 2"
riverrun gradients --cell lstm --cell gru --steps 5 --steps 7 --hidden-size 4 --json >two.json
json two.json "{c['network'] for c in v['curves']} == {'lstm', 'gru'} and v['steps'] == 7"
riverrun inspect model --text 'the cat' --unit 0:1 --unit 0:3 --json >two.json
json two.json "list(v['tokens'][0]['units']) == ['0:1', '0:3']"
for unit in 0: :0 0:1: 00:1 0:01 +0:1 ' 0:1' 0x0:1; do
  expect 2 'there is no unit' inspect model --text cat --unit "$unit"
done
# "--prompt=" is an empty one, and not the option that follows.
riverrun generate model --prompt= --length 3 --json >g.json
json g.json "v['prompt'] == '' and v['length'] == 3"
expect 2 'not expected' info model --json=
