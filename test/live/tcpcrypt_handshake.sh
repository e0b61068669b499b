#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Handshakes that must succeed, whatever their shape: offers, key exchange, both ends of a close.
. "$(dirname "$0")/tcpcrypt.sh"

cases handshake "$@"
