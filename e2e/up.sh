#!/bin/sh
# Builds what is missing of one country and runs it. Needs cargo and a C compiler, nothing else.
set -eu
cd "$(dirname "$0")/.."

fail() { echo "vigie: $1" >&2; exit 1; }

[ -d "clusters/$COUNTRY/apps" ] || {
    known=$(for d in clusters/*/apps; do basename "$(dirname "$d")"; done | tr '\n' ' ')
    fail "there is no country \`$COUNTRY\`: choose one of $known(make up COUNTRY=fr)"
}
case $PORT in '' | *[!0-9]* | ??????*) fail "PORT is \`$PORT\`: write a number up to 65535 (make up PORT=8081)" ;; esac
[ "$PORT" -ge 1 ] && [ "$PORT" -le 65535 ] || fail "PORT is \`$PORT\`: write a number up to 65535 (make up PORT=8081)"
case $HOST in '' | *[!0-9a-fA-F.:]*) fail "HOST is \`$HOST\`: write an address of this machine, 127.0.0.1, or 0.0.0.0 to let a phone in" ;; esac
case $LIVE in 0 | 1) ;; *) fail "LIVE is \`$LIVE\`: write 1 to fetch from the publishers, 0 not to" ;; esac
# Asked before the minutes of a build, and again by the program itself. Port 0x1F90 listens: state 0A.
listens=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v port="$(printf ':%04X' "$PORT")" \
    '$4 == "0A" && substr($2, length($2) - 4) == port { print "yes"; exit }')
[ -z "$listens" ] || fail "port $PORT is taken: stop what listens there, or choose another with PORT=8081"
command -v cargo >/dev/null || fail "cargo is missing: install Rust with rustup, then start again"
command -v cc >/dev/null || fail "a C compiler is missing: install gcc (Debian: apt-get install gcc), then start again"

# The programs of this country are the folders that Argo CD reads.
packages="-p vigie"
for app in clusters/"$COUNTRY"/apps/*/; do
    app=$(basename "$app")
    [ -f "services/$app/Cargo.toml" ] || fail "clusters/$COUNTRY/apps has \`$app\`, and services/ has no such service: remove the folder, or write the service"
    packages="$packages -p $app"
done

# The provider for trying login out runs on Node.js: the machine's own, or one that is fetched. Without it everything
# else starts, and the login page says what is missing.
if [ -d "clusters/$COUNTRY/apps/identity" ]; then
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null && ! command -v npm >/dev/null && ! python3 -m pip --version >/dev/null 2>&1; then
        echo "[node] installing what fetches it: python3-pip"
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-pip >/dev/null; } \
            || echo "[node] it could not be installed" >&2
    fi
    if node=$(python3 e2e/tools/node.py provider); then PATH=$node:$PATH; fi
fi

target=${CARGO_TARGET_DIR:-target}
if [ ! -x "$target/release/vigie" ]; then
    free=$(df -Pk . | awk 'NR == 2 { print int($4 / 1024) }')
    [ "$free" -ge 2500 ] || fail "the first build needs 2.5 GB of disk and $free MB are free here: make room, then start again"
    echo "[build] the first build takes 5 to 8 minutes on 2 cores and 2 GB of disk; later ones seconds"
else
    echo "[build] what changed since the last start"
fi
start=$(date +%s)
# shellcheck disable=SC2086 # a list of words
cargo build --release $packages || fail "the build failed: the compiler says why above"
echo "[build] – done in $(($(date +%s) - start)) s"
exec "$target/release/vigie" up
