#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# `sealane demo --json` sends data in plain TCP and under tcpcrypt, and every fact that it states
# holds; on one CPU too.
. "$(dirname "$0")/lib.sh"

check='
import json, sys
[line] = sys.stdin.read().splitlines()
facts = json.loads(line)
promised = set("""encrypted tep aead session_id_client session_id_server bytes sha256 sha256_match
    gbps_plain gbps_encrypted frames segments retransmissions mbufs_leaked error""".split())
assert set(facts) == promised, set(facts) ^ promised
assert facts["encrypted"] is True and facts["sha256_match"] is True and facts["error"] is None
assert facts["tep"] == "0x23" and facts["aead"] == "AES-128-GCM"
assert facts["session_id_client"] == facts["session_id_server"]
assert len(bytes.fromhex(facts["session_id_client"])) == 33
assert facts["bytes"] == int(sys.argv[1]) and facts["mbufs_leaked"] == 0
assert facts["gbps_plain"] > 0 and facts["gbps_encrypted"] > 0
assert facts["frames"] * 65518 >= facts["bytes"] and facts["segments"] > 0
assert len(sys.argv) < 3 or facts["sha256"] == sys.argv[2]
'
cpu=$(taskset -cp $$ | sed 's/.*: *\([0-9]*\).*/\1/')
blob file 10000000

"$SEALANE" demo --size 64M --json >"$TMP/facts" 2>"$TMP/demo.err" || fail "exit status $?"
python3 -c "$check" $((64 << 20)) <"$TMP/facts" 2>"$TMP/check.err" || fail "--size: wrong facts"
taskset -c "$cpu" "$SEALANE" demo --file "$TMP/file" --json >"$TMP/facts" 2>"$TMP/demo.err" ||
    fail "exit status $? on one CPU"
python3 -c "$check" 10000000 "$(sha256sum <"$TMP/file" | cut -d ' ' -f 1)" <"$TMP/facts" \
    2>"$TMP/check.err" || fail "--file: wrong facts"
