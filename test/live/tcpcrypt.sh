# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
. "$(dirname "$0")/lib.sh"
# An independent tcpcrypt peer against `sealane echo`, and against `sealane cat` in both roles.
# The peer has an IP and a MAC address of its own; the kernel takes no part.

# Debian's own, with its python3-cryptography.
PYTHON=/usr/bin/python3
CATS=${CATS:-4}

# cases GROUP [OPTION...]: all of them, in each role. Says a line for each, ends with `fail` if one failed.
cases()
{
    local i name failed=0 names=(cases_echo)

    "$PYTHON" -c 'import cryptography' 2>"$TMP/python.err" || fail "python3-cryptography is not installed"
    namespace host
    start echo "$host" "$SEALANE" echo --config "$TAP_CONF" --listen 7 --json
    for ((i = 0; i < CATS; i++)); do
        namespace "cat$i"
        name=cat$i
        start "cases_$name" "${!name}" "$PYTHON" "$HERE/tcpcrypt_cases.py" "$@" --cat $i/$CATS \
            --sealane "$SEALANE" --config "$TAP_CONF"
        names+=("cases_$name")
    done
    listening echo
    start cases_echo "$host" "$PYTHON" "$HERE/tcpcrypt_cases.py" "$@" --echo "$TMP/echo.out"
    for name in "${names[@]}"; do
        within 55 is_over "$name" || { failed=1; echo "FAIL $name does not end"; }
        wait "${pids[$name]}" || failed=1
        unset "pids[$name]"
        cat "$TMP/$name.out"
    done
    stop echo
    cp $TMP/echo.out /tmp/interop-echo.out; [ -s "$TMP/cases_echo.out" ] && lines echo.out
    [ $failed -eq 0 ] || fail "$(cat "$TMP"/cases_*.out | grep -c ^FAIL) of $(cat "$TMP"/cases_*.out | wc -l) cases failed"
    echo "$(cat "$TMP"/cases_*.out | wc -l) cases"
}
