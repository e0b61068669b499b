#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Frames of every size and cut, urgent data, rekeying by the peer, FINp and FIN.
. "$(dirname "$0")/tcpcrypt.sh"

cases frames "$@"
