#!/usr/bin/env bash
# The page that a verb writes with --html, on standard output.
#
#   page.sh PROGRAM VERB ARGUMENT…
. "$(dirname "$0")/common.sh"
shift
status=0
riverrun "$@" --html page.html >out.txt 2>err.txt || status=$?
if grep -q 'this build has no charts' err.txt; then
  cat err.txt >&2
  exit 77
fi
[ "$status" = 0 ] || fail "riverrun $*: exit status $status: $(cat err.txt)"
cat page.html
