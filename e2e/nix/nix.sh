# Sourced by check.sh and full.sh: a Nix of one's own, a copy of the tree, and the stand-ins. Sets nix, work, tree, over.
# shellcheck shell=bash disable=SC2034,SC2154
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root" || exit 1
cache=${VIGIE_NIX_DIR:-$root/target/nix}
say() { echo "nix: $1"; }
fail() { echo "nix: $1" >&2; exit 1; }

# The machine's own Nix is taken when it is new enough; else one from Debian, unpacked below target/.
find_nix() {
    if command -v nix >/dev/null && have=$(nix --version 2>/dev/null | grep -oE '[0-9]+\.[0-9]+' | head -n 1) \
        && [ "$(printf '2.18\n%s\n' "$have" | sort -V | head -n 1)" = 2.18 ]; then
        nix=$(command -v nix)
        return
    fi
    said=$("$root/e2e/nix/get-nix.sh" "$cache/tools" nix-bin skopeo docker-registry jq) || {
        [ $? -eq 3 ] || fail "getting Nix failed: $said"
        echo "$said"
        exit 0
    }
    nix=$cache/tools/root/usr/bin/nix
}

# A store, a home and settings of its own: nothing of the machine's is read or written.
own_store() {
    export HOME="$work/home" XDG_CACHE_HOME="$work/cache" NIX_CONF_DIR="$work/conf" NIX_USER_CONF_FILES=
    mkdir -p "$HOME" "$NIX_CONF_DIR"
    unset NIX_PATH NIX_REMOTE NIX_STORE_DIR
    export NIX_CONFIG="experimental-features = nix-command flakes
build-users-group =
substituters =
flake-registry =
store = $1
$2"
}

# Every file that git knows or would add, as it is now: a flake sees the files of a commit, this sees the next one.
copy_tree() {
    mkdir -p "$1"
    git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' f; do
        [ -f "$f" ] && printf '%s\0' "$f"
    done | tar --null --files-from=- -cf - | tar -x -C "$1"
}

# Sets `over`: the options that put the stand-ins of a tree in the place of the inputs.
stand_ins() {
    over="--offline --no-write-lock-file --quiet"
    for input in nixpkgs crane rust-overlay; do
        over="$over --override-input $input path:$1/nix/stand-in/$input"
    done
}
