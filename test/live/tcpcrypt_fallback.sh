#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Every way in which TCP-ENO falls back to plain TCP, and the word that says why.
. "$(dirname "$0")/tcpcrypt.sh"

cases fallback "$@"
