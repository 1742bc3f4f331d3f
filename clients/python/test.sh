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
tidy() {
    [ -z "$child" ] || { kill -TERM "$child" 2>/dev/null && wait "$child" 2>/dev/null; } || true
    rm -rf "$work"
}
trap tidy EXIT
trap 'exit 130' INT TERM HUP

# Loopback is asked directly, whatever proxy this machine has; no test touches the user's cache or writes here.
export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost
export XDG_CACHE_HOME="$work/cache" MPLCONFIGDIR="$work/matplotlib" PYTHONPYCACHEPREFIX="$work/bytecode"
export VIGIE_PROFILE=clusters/us/profile/profile.toml VIGIE_DATA_DIR=data VIGIE_LOG_FORMAT=text
# The figures are loaded while the packages are installed; the tests begin when both are there.
# shellcheck disable=SC2016 # for the inner shell
"$VIGIE_BIN/vigie" with-database --name "${VIGIE_TEST_NAME:-python-client}" -- sh -euc '
    work=$0 here=$1
    shift
    "$VIGIE_BIN/vigie" migrate
    "$VIGIE_BIN/vigie" load >/dev/null
    echo "[database] schema and figures"
    while [ ! -e "$work/installed" ]; do sleep 0.2; done
    cd "$here"
    exec "$work/venv/bin/python" -m pytest "$@"
' "$work" "$here" "$@" &
child=$!

"$python" -m venv "$work/venv"
pip() { "$work/venv/bin/pip" --quiet --disable-pip-version-check "$@"; }
pip install --no-compile -r "$here/requirements-test.txt"
# From a copy: building must leave nothing in the checkout.
cp -R "$here" "$work/package"
pip install --no-compile --no-build-isolation "$work/package[pandas,polars,plot]"
# What was installed is what is pinned: the package asked for nothing else.
pip freeze --exclude vigie | sort -f >"$work/there"
grep -v '^#' "$here/requirements-test.txt" | sort -f | diff - "$work/there" >&2 ||
    fail "requirements-test.txt does not pin what is installed (< pinned, > installed)"
echo "[environment] a fresh one, with $("$python" --version)"
touch "$work/installed"

code=0
wait "$child" || code=$?
child=
exit "$code"
