#!/bin/sh
# The deterministic release build: the same source, crates and compiler give the same bytes, in whatever folder and for
# whatever user.   e2e/release.sh [-p PROGRAM ...]   (make release-binaries; without a name: all of them)
# The programs are in target/same/release. A folder of its own, since cargo builds everything anew when flags change.
set -eu
cd "$(dirname "$0")/.."
here=$(pwd -P)
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$here/target/same}"
export CARGO_INCREMENTAL=0 SOURCE_DATE_EPOCH=1 TZ=UTC LC_ALL=C.UTF-8
# Messages of panics name source files: not by where they lie here. The last one that fits is taken.
export RUSTFLAGS="--remap-path-prefix=$here=/build --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo --remap-path-prefix=$CARGO_TARGET_DIR=/target"
[ $# -gt 0 ] || set -- --workspace
exec cargo build --release --locked --bins "$@"
