#!/usr/bin/env bash
# The flake, built: everything in the sandbox from the stand-ins, then once more, identical. Called by `check.sh full`
# after the fast checks; root only, about 15 minutes and 4 GB below target/nix on 2 cores. Nothing is fetched in the
# sandbox: toolchain, crates and tools are put into a store of its own beforehand, under the hashes that the lock says.
set -euo pipefail
. "$(dirname "$0")/nix.sh"
[ "$(id -u)" -eq 0 ] || { echo "skipped: nix-build: a sandboxed build without a Nix daemon needs root"; exit 0; }
system=$(uname -m)-linux
started=$SECONDS
minutes() { echo "$(((SECONDS - started) / 60)) min $(((SECONDS - started) % 60)) s"; }

find_nix
bin=$cache/tools/root/usr/bin
for tool in skopeo jq; do [ -x "$bin/$tool" ] || fail "$bin/$tool is missing: remove $cache/tools and start again"; done
work=$(mktemp -d "${TMPDIR:-/tmp}/vigie-nix.XXXXXX")
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
tree=$work/tree
copy_tree "$tree"
cargo_home=${CARGO_HOME:-$HOME/.cargo}
user_home=$HOME
sysroot=$(rustc --print sysroot)
cargo fetch --locked --quiet
# Only folders that are never written. The folder of certificates must not be among them: Nix mounts its own bundle there
# for downloads, and through the bind mount that empties the machine's.
size() { wc -c 2>/dev/null < /etc/ssl/certs/ca-certificates.crt || true; }
bundle_before=$(size)
own_store "$cache/store" "sandbox = true
sandbox-fallback = false
sandbox-paths = /bin /usr /lib /lib64 /etc/alternatives
cores = 0
max-jobs = 1"
mkdir -p "$cache/store"

# A program with the libraries it needs, in a folder that can be anywhere.
portable() { # name, program
    local out=$work/$1 real=$2 libraries=$cache/tools/root/usr/lib/x86_64-linux-gnu
    local loader=$cache/tools/root/usr/lib64/ld-linux-x86-64.so.2
    mkdir -p "$out/bin" "$out/lib"
    cp -L "$real" "$out/lib/$1"
    cp -L "$loader" "$out/lib/loader"
    "$loader" --library-path "$libraries" --list "$real" | awk '$3 ~ /^\// { print $3 }' | xargs -I{} cp -L {} "$out/lib/"
    printf '#!/bin/bash\nhere=$(dirname "$(readlink -f "$0")")/../lib\nexec "$here/loader" --library-path "$here" "$here/%s" "$@"\n' \
        "$1" > "$out/bin/$1"
    chmod +x "$out/bin/$1"
}
add() { # name, folder: its hash, once it is in the store
    "$nix" store add-path --name "$1" "$2" > /dev/null
    "$nix" hash path "$2"
}

say "putting the toolchain, $(grep -c '^checksum' Cargo.lock) crates and two tools into the store"
mkdir "$work/rust"
(cd "$sysroot" && tar -cf - --exclude=./share/doc --exclude=./share/man .) | tar -x -C "$work/rust"
channel=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
printf '{"rust":"%s"}\n' "$(add "rust-$channel" "$work/rust")" > "$tree/nix/stand-in/rust-overlay/host.json"
rm -rf "$work/rust"
portable skopeo "$cache/tools/root/usr/lib/skopeo"
portable jq "$bin/jq"
printf '{"skopeo":"%s","jq":"%s"}\n' "$(add skopeo "$work/skopeo")" "$(add jq "$work/jq")" > "$tree/nix/stand-in/nixpkgs/host.json"
# Under the checksum of Cargo.lock: a crate with other bytes gets another path, and the build does not find it.
awk '/^name = /{n=$3} /^version = /{v=$3} /^checksum = /{gsub(/"/,"",n); gsub(/"/,"",v); print n "-" v ".crate"}' Cargo.lock \
    | while read -r crate; do find "$cargo_home/registry/cache" -name "$crate" | head -n 1; done > "$work/crates"
xargs "$(dirname "$nix")/nix-store" --add-fixed sha256 < "$work/crates" > /dev/null

stand_ins "$tree"
ask() { # shellcheck disable=SC2086 # a list of words
    "$nix" eval --raw $over "$@" 2>"$work/log" || { tail -n 12 "$work/log" >&2; fail "nix eval $* failed"; }
}
build() { # shellcheck disable=SC2086 # a list of words
    "$nix" build $over --print-build-logs "$@" 2>"$work/log" || { grep -v '^warning' "$work/log" | tail -n 40 >&2; fail "nix build $* failed"; }
}
services=$(ask "path:$tree#oci.$system" --apply 'o: toString (builtins.attrNames o)')
say "building the workspace in the sandbox: ${services// /, }"
targets=()
for service in $services; do targets+=("path:$tree#oci.$system.$service"); done
build --no-link "${targets[@]}"
say "built: $(minutes)"

python3 "$root/e2e/nix/layouts.py" <<OUTPUTS || exit 1
$(for service in $services; do
    echo "$service $cache/store$(ask "path:$tree#oci.$system.$service")"
done)
OUTPUTS

# The same again, from the same inputs, compared by Nix bit for bit.
again=("$(ask "path:$tree#packages.$system.vigie" --apply 'p: p.cargoArtifacts.drvPath')^*")
for service in $services; do again+=("$(ask "path:$tree#images.$system.$service" --apply 'i: i.archive.drvPath')^*"); done
build --rebuild --no-link "${again[@]}" "${targets[@]}"
say "built again, identical: the workspace's programs, the images, their layouts and digests: $(minutes)"
[ "$(size)" = "$bundle_before" ] \
    || fail "the machine's certificates changed: run update-ca-certificates --fresh"

# The stand-in builds the whole workspace; that each program's own source is complete is shown by cargo itself.
export CARGO_HOME=$cargo_home HOME=$user_home
for program in $services; do
    python3 "$root/e2e/nix/source.py" tree --root "$tree" "$program" "$work/source-$program"
    (cd "$work/source-$program" && CARGO_TARGET_DIR=$cache/check cargo check --quiet --locked --offline -p "$program") \
        || fail "the source of $program is not complete: see nix/source.json"
done
say "each program compiles from its own filtered source: $(minutes)"
