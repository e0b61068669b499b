#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Lines that nobody reads hold up neither open connections nor an end: `echo` accepts no more while
# there are many, loses none, and gives them up 2 s after a signal; `cat` ends as soon. What cannot be
# written at all is said, and exit status 1.
. "$(dirname "$0")/lib.sh"

# pipe NAME: the output of NAME goes where nobody reads, until somebody does.
pipe()
{
    mkfifo "$TMP/$1"
    exec {reader}<>"$TMP/$1"
}

# ends_within NAME STATUS MS: from a SIGTERM on.
ends_within()
{
    local begin

    begin=$(date +%s%3N)
    kill -TERM "${pids[$1]}" || fail "$1 was no longer there"
    finish "$1" "$2"
    [ $(($(date +%s%3N) - begin)) -le "$3" ] ||
        fail "$1 ends $(($(date +%s%3N) - begin)) ms after SIGTERM, not within $3"
}

namespace host
pipe echo.out
tap_echo "$host"
for _ in 1 2 3; do # what is open when there are too many goes on, so not all at once
    on "$host" "$HERE/peer.py" echo $OURS 7 10 500 2>"$TMP/peer.err" || fail "the echo fails"
done
start peer "$host" "$HERE/peer.py" echo $OURS 7 10 500
sleep 2
is_over peer && fail "2000 connections are served while nobody reads"
exec {reader}>&- # the last who could read, and now one who does
cat "$TMP/echo.out" >"$TMP/lines" &
pids[cat]=$!
finish peer 0
stop echo
finish cat 0
lines lines --connections 2000 --each bytes_in=10 --each error=null
rm "$TMP/echo.out"

pipe echo.out
tap_echo "$host"
start stubborn "$host" "$HERE/peer.py" stubborn $OURS 7
within 10 grep -q echoed "$TMP/stubborn.out" || fail "no echo"
on "$host" "$HERE/peer.py" echo $OURS 7 10 600 2>"$TMP/peer.err" || fail "the echo fails"
ends_within echo 1 2700
grep -q 'standard output' "$TMP/echo.err" || fail "lines are lost without a word"
exec {reader}>&-
rm "$TMP/echo.out"

ln -s /dev/full "$TMP/echo.out"
tap_echo "$host"
on "$host" "$HERE/peer.py" echo $OURS 7 10 3 2>"$TMP/peer.err" || fail "the echo fails"
ends_within echo 1 1000
[ "$(grep -c 'standard output: No space' "$TMP/echo.err")" -eq 1 ] || fail "not told once"
rm "$TMP/echo.out"

pipe cat.out
start cat "$host" "$SEALANE" cat --config "$TAP_CONF" --listen 9 --json
listening cat
kernel_address "$host"
start flood "$host" "$HERE/peer.py" aborted $OURS 9
sleep 2
ends_within cat 0 2700
lines cat.err --connections 1 --each 'error="timeout"'
exec {reader}>&-
