#!/usr/bin/env bash
# What a terminal gets: no control characters of texts, colours and a progress bar only where they
# are wanted, tables that fit.
. "$(dirname "$0")/common.sh"

# terminal ARGUMENT…: what the program writes to a terminal of $width columns, in out.txt. Standard
# error goes there too.
width=80
terminal() {
  python3 - "$width" "$program" "$@" >out.txt <<'P' || fail "on a terminal: $*: $(cat out.txt)"
import fcntl, os, pty, struct, sys, termios
child, descriptor = pty.fork()
if child == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 24, int(sys.argv[1]), 0, 0))
    os.execvp(sys.argv[2], sys.argv[2:])
while True:
    try:
        piece = os.read(descriptor, 1 << 16)
    except OSError:  # as Linux says that the other side is closed
        break
    if not piece:
        break
    sys.stdout.buffer.write(piece.replace(b'\r\n', b'\n'))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
P
}
# The different control characters in out.txt but line ends, as hexadecimal numbers.
controls() {
  LC_ALL=C grep -oaP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' out.txt | sort -u | od -An -tx1 |
    tr -d ' \n' | sed 's/0a//g'
}
none() { [ -z "$(controls)" ] || fail "$*: $(controls)"; }

# A text that would colour, rename and clear a terminal, with words to compare.
awk 'BEGIN { for (i = 0; i < 200; ++i) printf "the \033[31mcat\033[0m \302\233 \033]0;x\007 a \r dog\n" }' >text.txt
export TERM=xterm-256color
unset NO_COLOR
# Wide enough for the bar beside any number of tokens a second.
width=120
# shellcheck disable=SC2086
terminal train text.txt --out char $tiny
width=80
grep -q '\[#####*\]' out.txt || fail 'no progress bar on a terminal'
for kind in dumb ''; do
  # shellcheck disable=SC2086
  TERM=$kind terminal train text.txt --out char --overwrite $tiny
  none "train with TERM=$kind"
  grep -q '\[#' out.txt && fail "a progress bar with TERM=$kind"
done
# shellcheck disable=SC2086
NO_COLOR=1 terminal train text.txt --out char --overwrite $tiny
grep -q $'\033' out.txt && fail 'escape sequences with NO_COLOR'

# shellcheck disable=SC2086
riverrun train text.txt --out byte --tokens byte $tiny --epochs 20 >/dev/null 2>&1
for tokens in char byte; do
  terminal generate $tokens --prompt $'the \033[31mcat' --length 200 --temperature 0.3
  none "generate of a $tokens model"
  grep -q 'the \\x1B\[31mcat' out.txt || fail "the prompt is not escaped: $(cat out.txt)"
  riverrun generate $tokens --prompt $'the \033[31mcat' --length 20 >out.txt
  grep -q $'the \033\[31mcat' out.txt || fail 'the prompt is not as it was given'
done
terminal generate char --prompt $'the \033[31mcat' --length 20 --json
none 'generate --json'

terminal inspect char --text $'the \033[31mcat \302\233'
[ "$(controls)" = 1b ] || fail "inspect: $(controls)"
grep -q $'\033\[30;48;5;' out.txt || fail 'no colours on a terminal'
grep -q $'\033\[31m' out.txt && fail "the text's own colours"
NO_COLOR=1 terminal inspect char --text $'the \033[31mcat \302\233'
none 'inspect with NO_COLOR'
TERM=dumb terminal inspect char --text $'the \033[31mcat \302\233'
none 'inspect with TERM=dumb'
terminal inspect char --compare $'the \033[31m cat' $'a \302\233 \033]0;x\007 cat'
none 'inspect --compare'

# File names in messages and reports.
odd=$'o\033[31md\302\233d'
mv char "$odd"
for arguments in "info $odd" "evaluate $odd text.txt" "gradients $odd text.txt --steps 5"; do
  read -ra words <<<"$arguments"
  TERM=dumb terminal "${words[@]}"
  none "${words[0]}"
done
TERM=dumb terminal inspect "$odd" --text cat --over text.txt
none inspect
riverrun info "$odd.txt" >/dev/null 2>out.txt && fail 'a model that is not there'
none 'an error'
grep -q 'o\\x1B\[31md\\x9Bd' out.txt || fail "an error: $(cat out.txt)"

# Tables fit, and are whole.
cells='--cell lstm --cell gru --cell rnn_tanh --cell lstm:forget=1'
# shellcheck disable=SC2086
terminal gradients $cells --steps 20 --hidden-size 4 --num-layers 2
columns() { LC_ALL=C.UTF-8 wc -L <out.txt; }
[ "$(columns)" -le 80 ] || fail "a line of $(columns) columns"
for name in 'lstm h of layer 0' 'lstm:forget=1 c of layer 1' 'rnn_tanh h of layer 1'; do
  [ "$(grep -c -- "$name" out.txt)" -ge 2 ] || fail "\"$name\" is not in both tables"
done
# shellcheck disable=SC2086
riverrun gradients $cells --steps 20 --hidden-size 4 --num-layers 2 >out.txt
[ "$(columns)" -gt 80 ] || fail 'what is not a terminal gets tables in parts'
