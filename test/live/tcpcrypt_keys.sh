#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Key exchanges that must fail at once.
. "$(dirname "$0")/tcpcrypt.sh"

cases keys "$@"
