#!/bin/sh
# What may have become wrong without a change of ours: advisories on crates we use; and what must never be in a history:
# secrets. VIGIE_ONLINE=1 (the workflow): tools are installed and what cannot be fetched is a failure, not a skip.
set -eu
cd "$(dirname "$0")/../.."
tools=$PWD/target/tools/bin
PATH=$tools:$PATH
online=${VIGIE_ONLINE:-0}
without() { # id, reason
    [ "$online" != 1 ] || { echo "audit: $2" >&2; exit 1; }
    echo "skipped: $1: $2"
}

python3 e2e/workflows/exceptions.py
echo "audit: no exception of deny.toml is older than it says"

# The copy of the history that gitleaks reads is redacted in what it prints.
if command -v go >/dev/null; then
    [ -x "$tools/gitleaks" ] || GOBIN=$tools go install github.com/zricethezav/gitleaks/v8@v8.30.1
    gitleaks git --config e2e/workflows/gitleaks.toml --redact --verbose --no-banner --log-level warn .
    echo "audit: no secret in $(git rev-list --count HEAD) commits"
else
    without gitleaks "gitleaks is built with go, which is missing"
fi

[ "$online" != 1 ] || command -v cargo-deny >/dev/null || cargo install --locked --root target/tools cargo-deny@0.20.2
if command -v cargo-deny >/dev/null; then
    cargo deny --offline --log-level warn check bans licenses sources
    echo "audit: licences, sources and bans of $(grep -c '^name = ' Cargo.lock) packages are as deny.toml wants them"
    if cargo deny fetch db 2>/dev/null; then
        cargo deny --log-level warn check advisories
        echo "audit: no advisory that deny.toml does not name"
    else
        without advisories "the advisory database cannot be fetched"
    fi
else
    without cargo-deny "cargo-deny is not installed (cargo install cargo-deny, or nix develop)"
fi
