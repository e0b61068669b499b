#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Segments forged into a live encrypted connection, which goes on.
. "$(dirname "$0")/tcpcrypt.sh"

cases attacks "$@"
