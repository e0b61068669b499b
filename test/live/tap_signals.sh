#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# SIGTERM closes connections in order, prints what is due and exits 0; a second SIGINT, while a
# connection does not end, exits 130 at once.
. "$(dirname "$0")/lib.sh"

namespace host
tap_echo "$host"
start polite "$host" "$HERE/peer.py" polite $OURS 7
within 10 grep -q echoed "$TMP/polite.out" || fail "no echo"
stop echo
finish polite 0
lines echo.out --connections 1 --each bytes_in=5 --each bytes_out=5 --each error=null

tap_echo "$host"
start stubborn "$host" "$HERE/peer.py" stubborn $OURS 7
within 10 grep -q echoed "$TMP/stubborn.out" || fail "no echo"
kill -INT "${pids[echo]}"
sleep 0.5
kill -INT "${pids[echo]}"
finish echo 130 2
