#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What fails after 10 s: peers that do not speak, do not authenticate, or end without FINp.
CATS=9 # they mostly wait
. "$(dirname "$0")/tcpcrypt.sh"

cases slow "$@"
