#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The captures of the demo's two ends agree about time; one that outgrows its limit is reported once
# by each end and the demo goes on; one that cannot be made is a usage error.
. "$(dirname "$0")/lib.sh"

"$SEALANE" demo --size 1M --json --pcap "$TMP/demo.pcap" >"$TMP/facts" 2>"$TMP/demo.err" ||
    fail "exit status $?"
said=$("$HERE/capture.py" pair "$TMP/demo.pcap" "$TMP/demo.pcap-1" 2>&1) || fail "pair: $said"

(ulimit -f 100 && exec "$SEALANE" demo --size 4M --pcap "$TMP/demo.pcap") >"$TMP/table" \
    2>"$TMP/demo.err" || fail "exit status $? with a limit for files"
[ "$(grep -c 'capturing ends' "$TMP/demo.err")" -eq 2 ] || fail "not one word from each end"

"$SEALANE" demo --size 1M --json --pcap "$TMP/absent/demo.pcap" >"$TMP/facts" 2>"$TMP/demo.err"
[ $? -eq 2 ] || fail "no exit status 2 for a capture that cannot be made"
grep -q '"error": ".*absent/demo.pcap' "$TMP/facts" || fail "its JSON does not name the path"
