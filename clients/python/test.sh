#!/bin/sh
# Tests the Python client from a fresh virtual environment against the running server: a PostgreSQL of its own, the
# schema, the figures of data/, the program data-api. Nothing is left running. Arguments go to pytest.
#
#   PYTHON=python3.12        another Python (3.11 or later)
#   VIGIE_BIN=target/debug   built programs `vigie` and `data-api`; without it they are built
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
python=${PYTHON:-python3}

fail() { echo "clients/python: $1" >&2; exit 1; }

command -v "$python" >/dev/null || fail "$python is missing: install Python 3.11 or later (Debian: apt-get install python3 python3-venv)"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$python" --version) is too old: set PYTHON to a Python 3.11 or later"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$python cannot make virtual environments: install python3-venv (Debian: apt-get install python3-venv)"

cd "$root"
if [ -z "${VIGIE_BIN:-}" ]; then
    command -v cargo >/dev/null || fail "cargo is missing: install Rust with rustup, or name built programs in VIGIE_BIN"
    cargo build --quiet -p vigie -p data-api || fail "the build failed: the compiler says why above"
    VIGIE_BIN=${CARGO_TARGET_DIR:-target}/debug
fi
VIGIE_BIN=$(cd "$VIGIE_BIN" 2>/dev/null && pwd) || fail "VIGIE_BIN is no folder"
for program in vigie data-api; do
    [ -x "$VIGIE_BIN/$program" ] || fail "$VIGIE_BIN has no program \`$program\`: cargo build -p $program"
done
export VIGIE_BIN

work=$(mktemp -d)
child=
# A signal goes on to the database's parent, which stops everything below it; then the folder goes.
trap 'rm -rf "$work"' EXIT
trap '[ -z "$child" ] || { kill -TERM "$child" 2>/dev/null; wait "$child" 2>/dev/null; }; exit 130' INT TERM HUP

echo "[environment] a fresh one, with $("$python" --version)"
"$python" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements-test.txt"
# From a copy: building must leave nothing in the checkout. The dependencies are the pinned ones, or pip says so.
cp -R "$here" "$work/package"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-build-isolation "$work/package[pandas,polars,plot]"
"$work/venv/bin/pip" check

# Loopback is asked directly, whatever proxy this machine has; and no test touches the user's cache.
export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost
export XDG_CACHE_HOME="$work/cache" MPLCONFIGDIR="$work/matplotlib" PYTHONDONTWRITEBYTECODE=1
export VIGIE_PROFILE=clusters/us/profile/profile.toml VIGIE_DATA_DIR=data VIGIE_LOG_FORMAT=text
echo "[database] schema and figures"
# shellcheck disable=SC2016 # for the inner shell
"$VIGIE_BIN/vigie" with-database --name "${VIGIE_TEST_NAME:-python-client}" -- sh -euc '
    "$VIGIE_BIN/vigie" migrate
    "$VIGIE_BIN/vigie" load >/dev/null
    echo "[tests]"
    cd "$1"
    shift
    exec "$0" -m pytest "$@"
' "$work/venv/bin/python" "$here" "$@" &
child=$!
wait "$child"
