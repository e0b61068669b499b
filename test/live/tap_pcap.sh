#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# --pcap writes a capture with nanoseconds of this year that holds the frames of both ways.
. "$(dirname "$0")/lib.sh"

namespace host
start echo "$host" "$SEALANE" echo --config "$TAP_CONF" --listen 7 --pcap "$TMP/echo.pcap"
listening echo
kernel_address "$host"
on "$host" "$HERE/peer.py" echo $OURS 7 100000 1 2>"$TMP/peer.err" || fail "the echo fails"
stop echo
python3 - "$TMP/echo.pcap" 2>"$TMP/check.err" <<'P' || fail "not the capture that was promised"
import socket, struct, sys, time
data = open(sys.argv[1], 'rb').read()
assert struct.unpack_from('=I', data)[0] == 0xa1b23c4d, 'magic of nanoseconds'
at, ways = 24, {}
while at < len(data):
    seconds, nanos, held, _ = struct.unpack_from('=IIII', data, at)
    frame = data[at + 16:at + 16 + held]
    assert abs(seconds - time.time()) < 60 and nanos < 10**9 and len(frame) == held
    if frame[12:14] == b'\x08\0' and frame[23] == 6:
        way = socket.inet_ntoa(frame[26:30])
        ways[way] = ways.get(way, 0) + struct.unpack('!H', frame[16:18])[0]
    at += 16 + held
assert set(ways) == {'10.77.0.1', '10.77.0.2'} and min(ways.values()) > 100000, ways
P
