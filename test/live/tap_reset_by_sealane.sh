#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A broken standard output resets the connection: the kernel's sender sees ECONNRESET.
. "$(dirname "$0")/lib.sh"

namespace host
mkfifo "$TMP/cat.in"
exec 3<>"$TMP/cat.in" # never at its end: with our FIN before, the kernel would say EPIPE
start cat "$host" bash -c '"$@" | head -c 100000 >/dev/null; exit "${PIPESTATUS[0]}"' - \
    "$SEALANE" cat --config "$TAP_CONF" --listen 7 --json
listening cat
kernel_address "$host"
on "$host" "$HERE/peer.py" aborted $OURS 7 2>"$TMP/peer.err" || fail "no reset"
finish cat 1
lines cat.err --connections 1 --each encrypted=false

# The same when both ends have said all that they had to say, but for the ACK of the peer's FIN.
exec 3<&-
rm "$TMP/cat.in"
start late "$host" bash -c '"$@" >/dev/full' - "$SEALANE" cat --config "$TAP_CONF" --listen 7 --json
listening late
kernel_address "$host"
on "$host" "$HERE/peer.py" aborted-late $OURS 7 2>"$TMP/peer.err" || fail "no late reset"
finish late 1
lines late.err --connections 1 --each encrypted=false --each 'error="reset"'
