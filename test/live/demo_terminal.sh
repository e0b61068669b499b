#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# On a terminal `sealane demo` draws a progress bar that never wraps, however narrow the terminal is.
. "$(dirname "$0")/lib.sh"

for width in "200 bar" "80 bar" "60 bar" "45 bar" "0 bar" "30 numbers" "12 numbers"; do
    # shellcheck disable=SC2086
    said=$("$HERE/terminal.py" $width "$SEALANE" demo --size 64M 2>&1) || fail "$width: $said"
done
