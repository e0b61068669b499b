#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A demo that cannot run says why, in JSON too, and exits 1; bad usage exits 2. One that ran but
# cannot say what it found exits 1 as well.
. "$(dirname "$0")/lib.sh"

# says FILE WORD: one line of JSON, whose error has this word.
says()
{
    python3 -c '
import json, sys
[line] = open(sys.argv[1]).read().splitlines()
assert sys.argv[2] in json.loads(line)["error"], line' "$TMP/$1" "$2" 2>"$TMP/check.err" ||
        fail "no one line of JSON with the error \"$2\""
}

# A file that is not there; one that has more, and one that has less, than its size says.
for case in "$TMP/absent absent" "/proc/self/status more" "/sys/class/net/lo/mtu shorter"; do
    "$SEALANE" demo --file "${case% *}" --json >"$TMP/facts" 2>"$TMP/demo.err"
    [ $? -eq 1 ] || fail "--file ${case% *}: no exit status 1"
    says facts "${case#* }"
done
for options in --nonsense "--size 10X" "--size 1M --file $0" "surplus"; do
    # shellcheck disable=SC2086
    "$SEALANE" demo $options >"$TMP/out" 2>"$TMP/usage"
    [ $? -eq 2 ] || fail "demo $options: no exit status 2"
    [ -s "$TMP/usage" ] || fail "demo $options: no word on standard error"
    [ -s "$TMP/out" ] && fail "demo $options: JSON that nobody asked for"
    for both in "--json $options" "$options --json"; do
        # shellcheck disable=SC2086
        "$SEALANE" demo $both >"$TMP/out" 2>"$TMP/usage"
        [ $? -eq 2 ] || fail "demo $both: no exit status 2"
        says out -
    done
done

"$SEALANE" demo --size 1K --set 'port client.shard = 0' --json >"$TMP/out" 2>"$TMP/usage"
[ $? -eq 2 ] || fail "both ports on one shard: no exit status 2"
says out 'port client.shard'

# lost STATUS: it is 1, and standard error has a word.
lost()
{
    [ "$1" -eq 1 ] || fail "exit status $1, not 1, with output that cannot be written"
    grep -q 'standard output' "$TMP/demo.err" || fail "output is lost without a word"
}

for json in "" --json; do
    # shellcheck disable=SC2086
    "$SEALANE" demo --size 1K $json >/dev/full 2>"$TMP/demo.err"
    lost $?
    # shellcheck disable=SC2086
    "$SEALANE" demo --size 1K $json >&- 2>"$TMP/demo.err"
    lost $?
    # shellcheck disable=SC2086
    "$SEALANE" demo --size 1K $json 2>"$TMP/demo.err" | true
    lost "${PIPESTATUS[0]}"
done
