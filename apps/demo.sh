#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# From a fresh Debian 12 to the demo: installs what is missing, builds, runs `sealane demo "$@"`.
# Root is needed only while packages are missing.
set -eu
cd "$(dirname "$0")/.."

.ci/install >&2
if [ ! -f build-release/build.ninja ]; then
    meson setup build-release --buildtype=release -Dtests=false >&2
fi
ninja -C build-release apps/sealane >&2
exec build-release/apps/sealane demo "$@"
