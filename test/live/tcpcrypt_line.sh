#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Loss, reordering, duplication and small windows; what is repeated is what was sent.
. "$(dirname "$0")/tcpcrypt.sh"

cases line "$@"
