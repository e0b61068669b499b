# SPDX-License-Identifier: BSD-3-Clause
# An independent tcpcrypt peer against `sealane echo`, and against `sealane cat` in both roles.
# The peer has an IP and a MAC address of its own; the kernel takes no part.
# shellcheck shell=bash source=test/live/lib.sh
. "$(dirname "$0")/lib.sh"

PYTHON=/usr/bin/python3 # Debian's own, with its python3-cryptography
CATS=${CATS:-4}         # programs at a time that serve a case each

# cases GROUP [--only NAME]: all of them, in each role; a line for each.
# With TCPCRYPT_TRACES=FOLDER what went over the wire is left there for each that failed.
cases()
{
    local i name failed=0 names=(cases_echo)

    "$PYTHON" -c 'import cryptography' 2>"$TMP/python.err" ||
        fail "python3-cryptography is not installed"
    namespace host
    start echo "$host" "$SEALANE" echo --config "$TAP_CONF" --listen 7 --json
    for ((i = 0; i < CATS; i++)); do
        name=cat$i
        namespace "$name"
        start "cases_$name" "${!name}" "$PYTHON" "$HERE/tcpcrypt_cases.py" "$@" --cat $i/$CATS \
            --sealane "$SEALANE" --config "$TAP_CONF"
        names+=("cases_$name")
    done
    listening echo
    start cases_echo "$host" "$PYTHON" "$HERE/tcpcrypt_cases.py" "$@" --echo "$TMP/echo.out"
    for name in "${names[@]}"; do
        within 55 is_over "$name" || fail "$name does not end"
        wait "${pids[$name]}" || failed=1
        unset "pids[$name]"
        cat "$TMP/$name.out" "$TMP/$name.err"
    done
    stop echo
    [ -s "$TMP/cases_echo.out" ] && lines echo.out
    cat "$TMP"/cases_*.out >"$TMP/said"
    [ $failed -eq 0 ] || fail "$(grep -c ^FAIL "$TMP/said") of $(wc -l <"$TMP/said") cases failed"
    echo "$(wc -l <"$TMP/said") cases"
}
