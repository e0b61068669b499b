#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# --pcap writes a capture with nanoseconds of this year that holds the frames of both ways, with the
# kernel's times; it can be read after the program was killed, too.
. "$(dirname "$0")/lib.sh"

# captured_echo: an echo server that captures, and the kernel beside it.
captured_echo()
{
    start echo "$host" "$SEALANE" echo --config "$TAP_CONF" --listen 7 --pcap "$TMP/echo.pcap"
    listening echo
    kernel_address "$host"
}

capture()
{
    local said

    said=$("$HERE/capture.py" "$@" 2>&1) || fail "$1: $said"
}

namespace host
captured_echo
start watch "$host" "$HERE/capture.py" watch sealane0 "$TMP/watched"
within 10 grep -q watching "$TMP/watch.out" || fail "nobody watches"
on "$host" "$HERE/peer.py" echo $OURS 7 100000 1 2>"$TMP/peer.err" || fail "the echo fails"
stop echo
finish watch 0
capture ways "$TMP/echo.pcap" 100000
capture kernel "$TMP/echo.pcap" "$TMP/watched"

captured_echo
on "$host" "$HERE/peer.py" echo $OURS 7 100000 1 2>"$TMP/peer.err" || fail "the echo fails"
kill -KILL "${pids[echo]}"
finish echo 137
capture ways "$TMP/echo.pcap" 100000

captured_echo
start stubborn "$host" "$HERE/peer.py" stubborn $OURS 7
within 10 grep -q echoed "$TMP/stubborn.out" || fail "no echo"
kill -TERM "${pids[echo]}"
sleep 0.3
kill -TERM "${pids[echo]}"
finish echo 130 2
capture ways "$TMP/echo.pcap" 40
