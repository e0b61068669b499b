# SPDX-License-Identifier: BSD-3-Clause
# What the live scripts stand on: namespaces, programs in the background, and an end that removes
# all of it whatever happened. A script ends with status 0, or by `fail` with its reason.
# shellcheck shell=bash
set -u

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
SEALANE=${SEALANE:-$ROOT/build-${BUILD:-release}/apps/sealane} # BUILD=asan: with the sanitizers
TAP_CONF=$ROOT/drivers-config/tap.conf
OURS=10.77.0.2 # Sealane's address
KERNEL=10.77.0.1
export PYTHONDONTWRITEBYTECODE=1

namespaces=()
declare -A pids=()

fail()
{
    local log

    for log in "$TMP"/*.err; do
        [ -s "$log" ] && { echo "--- $(basename "$log")"; tail -n 5 "$log"; }
    done
    echo "$*"
    exit 1
}

cleanup()
{
    local pid ns

    for pid in "${pids[@]}"; do
        kill -KILL "$pid" 2>/dev/null
    done
    wait 2>/dev/null
    for ns in "${namespaces[@]}"; do
        ip netns del "$ns" 2>/dev/null
    done
    rm -rf "$TMP"
}

TMP=$(mktemp -d) || exit 1
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

[ -x "$SEALANE" ] || fail "$SEALANE is not built"

# namespace VAR: make one of a name that is nobody else's and set VAR to it.
namespace()
{
    local -n name=$1

    # The global of that name is what is meant.
    # shellcheck disable=SC2034
    name=sl-$$-$1
    [ "$(id -u)" -eq 0 ] || fail "network namespaces need root"
    ip netns add "$name" 2>"$TMP/netns.err" || fail "no network namespace can be made here"
    namespaces+=("$name")
    ip -n "$name" link set lo up
}

# on NS COMMAND...: run it there.
on()
{
    ip netns exec "$@"
}

# start NAME NS COMMAND...: in the background there, output to NAME.out and NAME.err. Its input is
# NAME.in if that exists.
start()
{
    local name=$1 in=/dev/null
    shift

    [ -e "$TMP/$name.in" ] && in=$TMP/$name.in
    ip netns exec "$@" <"$in" >"$TMP/$name.out" 2>"$TMP/$name.err" &
    pids[$name]=$!
}

# within SECONDS COMMAND...: until it succeeds; fails if it does not in time.
within()
{
    local end=$((SECONDS + $1))
    shift

    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt "$end" ] || return 1
        sleep 0.05
    done
}

is_over()
{
    ! kill -0 "${pids[$1]}" 2>/dev/null
}

# finish NAME STATUS [SECONDS]: it ends by itself, with that status.
finish()
{
    local status

    within "${3:-20}" is_over "$1" || fail "$1 does not end"
    wait "${pids[$1]}"
    status=$?
    unset "pids[$1]"
    [ $status -eq "$2" ] || fail "$1 exits $status, not $2"
}

# stop NAME: SIGTERM; a program of ours then closes in order and exits 0.
stop()
{
    kill -TERM "${pids[$1]}" 2>/dev/null || fail "$1 was no longer there"
    finish "$1" 0
}

# listening NAME: it said so.
listening()
{
    within 20 grep -q '^listening ' "$TMP/$1.err" || fail "$1 does not say that it listens"
}

# kernel_address NS: the kernel's end of the tap, as soon as the program has made it.
kernel_address()
{
    within 20 ip -n "$1" link show sealane0 || fail "no interface sealane0"
    ip -n "$1" addr add $KERNEL/24 dev sealane0 || fail "no address on sealane0"
}

# tap_echo NS: an echo server on port 7 of a tap, and the kernel beside it.
tap_echo()
{
    start echo "$1" "$SEALANE" echo --config "$TAP_CONF" --listen 7 --json
    listening echo
    kernel_address "$1"
}

# veth NS_A NAME_A NS_B NAME_B: a cable between them; nothing but true packets passes.
veth()
{
    local end

    ip -n "$1" link add "$2" type veth peer name "$4" netns "$3" || fail "no veth pair can be made"
    for end in "$1 $2" "$3 $4"; do
        # shellcheck disable=SC2086
        set -- $end
        ip netns exec "$1" ethtool -K "$2" tx off tso off gso off gro off >"$TMP/ethtool.err" 2>&1 ||
            fail "ethtool does not switch offloads off"
        ip -n "$1" link set "$2" up
    done
}

# af_packet_conf FILE INTERFACE ADDRESS: the shipped configuration on that interface.
af_packet_conf()
{
    sed -e "s/^device *=.*/device = af_packet:$2/" -e "s,^address *=.*,address = $3/24," \
        "$ROOT/drivers-config/af_packet.conf" >"$1"
}

# blob FILE SIZE: random bytes.
blob()
{
    head -c "$2" /dev/urandom >"$TMP/$1"
}

# same FILE FILE: by hash, as the transfer's users would compare.
same()
{
    [ "$(sha256sum <"$TMP/$1")" = "$(sha256sum <"$TMP/$2")" ] ||
        fail "$2 ($(stat -c %s "$TMP/$2") bytes) is not $1 ($(stat -c %s "$TMP/$1") bytes)"
}

# lines FILE OPTION...: its JSON is as promised; see lines.py.
lines()
{
    local file=$1 said
    shift

    said=$("$HERE/lines.py" "$TMP/$file" "$@") || fail "$file: $said"
}
