#!/bin/sh
# Side-by-side benchmarks: each row is our way and its reference in one run, reported as a ratio. Results in bench/results/.
set -eu
cd "$(dirname "$0")/.."
cargo build --release --locked --workspace --bins
# Durable, as `vigie up` runs it; alternating with plain COPY of the same rows.
target/release/vigie with-database --name bench --durable -- cargo bench --locked --package vigie --bench load
target/release/vigie with-database --name bench-chain --durable -- cargo bench --locked --package vigie --bench chain
python3 bench/read/bench.py
# Says `not run` unless DELPHI_EPIDATA_DIR names a checkout (bench/README.md).
target/release/vigie with-database --name bench-delphi --durable -- python3 bench/delphi/bench.py
# Ten million synthetic rows; ROWS=100000000 is the whole measurement (12 GB of disk while it runs).
target/release/vigie with-database --name bench-scale --durable -- python3 bench/scale/bench.py --rows "${ROWS:-10000000}"
