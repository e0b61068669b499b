#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A demo that cannot run says why, in JSON too, and exits 1; bad usage exits 2.
. "$(dirname "$0")/lib.sh"

"$SEALANE" demo --file "$TMP/absent" --json >"$TMP/facts" 2>"$TMP/demo.err"
[ $? -eq 1 ] || fail "no exit status 1"
python3 -c 'import json, sys; assert json.loads(sys.stdin.read())["error"]' <"$TMP/facts" \
    2>"$TMP/check.err" || fail "no error in its JSON"
for options in --nonsense "--size 10X" "--size 1M --file $0" "surplus"; do
    # shellcheck disable=SC2086
    "$SEALANE" demo $options >"$TMP/out" 2>"$TMP/usage"
    [ $? -eq 2 ] || fail "demo $options: no exit status 2"
    [ -s "$TMP/usage" ] || fail "demo $options: no word on standard error"
done
