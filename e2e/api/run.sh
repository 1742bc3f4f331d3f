#!/bin/sh
# Asks a running technical API what its description allows, and what it forbids, and compares each answer with the
# description: schemathesis with its default checks and a fixed seed. Fails when it finds anything.
#
#   e2e/api/run.sh http://127.0.0.1:8080     a platform of the United States, without a limit on how often one may ask:
#                                            VIGIE_RATE_PER_MINUTE=0 make up COUNTRY=us
#   SEED=2 EXAMPLES=200                      other questions, and more of them
set -eu
here=$(cd "$(dirname "$0")" && pwd)
url=${1:?"usage: e2e/api/run.sh URL"}
python=${PYTHON:-python3}
venv=$here/../../target/schemathesis

fail() { echo "e2e/api: $1" >&2; exit 1; }

"$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    fail "Python 3.11 or later with venv is missing (Debian: apt-get install python3 python3-venv)"
if ! cmp -s "$here/requirements.txt" "$venv/installed"; then
    rm -rf "$venv"
    "$python" -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-compile -r "$here/requirements.txt" ||
        fail "schemathesis cannot be installed: pip says why above"
    cp "$here/requirements.txt" "$venv/installed"
fi
# Loopback is asked directly, whatever proxy this machine has; what it remembers of earlier runs is not used.
export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$venv/bin/schemathesis" run "$url/api/data/v1/openapi.json" --url "$url" --seed "${SEED:-1}" \
    --max-examples "${EXAMPLES:-40}" --warnings off --no-color
