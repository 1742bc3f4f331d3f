#!/usr/bin/env bash
# The flake, checked without nixpkgs: check.sh [fast|full]. fast (make check-nix): everything evaluates, in seconds and
# without root. full (make prove): also a build in the sandbox and the same build again, identical; as root.
# Ends with 0 when all is well or when no Nix can be had (it says `skipped: nix: ...`), 1 otherwise.
set -euo pipefail
. "$(dirname "$0")/nix.sh"
mode=${1:-fast}
case $mode in fast | full) ;; *) fail "the mode is \`$mode\`: write fast or full" ;; esac

find_nix
work=$(mktemp -d "${TMPDIR:-/tmp}/vigie-nix.XXXXXX")
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
tree=$work/tree
copy_tree "$tree"
user_home=$HOME
own_store "$work/store" ""
say "$("$nix" --version), a store of its own, the tree as it is"

# 1. Syntax.
files=$(cd "$tree" && find . -name '*.nix' | sort)
for file in $files; do
    (cd "$tree" && "$nix-instantiate" --parse "$file" >/dev/null 2>"$work/error") \
        || fail "$file does not parse: $(grep -v warning "$work/error" | head -n 5)"
done
say "$(echo "$files" | wc -l) files parse"

# 2. The lock: Nix would change nothing in it, and the revisions are those that docs/images.md lists.
cp -r "$tree" "$work/locked"
(cd "$work/locked" && "$nix" flake lock --offline "path:$work/locked" 2>"$work/error") \
    || fail "flake.lock does not fit flake.nix: $(tail -n 3 "$work/error")"
cmp -s "$tree/flake.lock" "$work/locked/flake.lock" \
    || fail "flake.lock is not what Nix makes of flake.nix: run \`nix flake lock\` and commit it"
python3 "$root/e2e/nix/outputs.py" lock "$tree" || exit 1

# 3. All outputs evaluate, for both systems. `nix flake check` knows neither `images` nor `oci`: they are asked for below.
evaluate() { # tree, file: what the flake gives, as JSON
    stand_ins "$1"
    for output in packages images oci sources; do
        # shellcheck disable=SC2086 # a list of words
        "$nix" eval --json $over "path:$1#$output" --apply \
            'builtins.mapAttrs (_: builtins.mapAttrs (_: d: if builtins.isString d then d else
                { drv = d.drvPath; config = d.passthru.config or null; }))' > "$2.$output" 2>"$work/error" \
            || fail "the output $output does not evaluate: $(grep -v '^warning' "$work/error" | tail -n 12)"
    done
}
stand_ins "$tree"
# shellcheck disable=SC2086
"$nix" flake check --no-build --all-systems $over "path:$tree" > "$work/error" 2>&1 \
    || fail "nix flake check says: $(grep -v '^warning' "$work/error" | tail -n 15)"
say "packages, checks, apps, shells and formatter evaluate for both systems, with the stand-ins"
evaluate "$tree" "$work/now"
python3 "$root/e2e/nix/outputs.py" outputs "$tree" "$work/now" || exit 1

# 4. Cargo reads each filtered source as it reads the tree.
if command -v cargo >/dev/null; then
    code=0
    HOME=$user_home python3 "$root/e2e/nix/source.py" cargo --root "$tree" || code=$?
    case $code in
        0) say "cargo accepts each source with its lock file, and builds the same local crates from it" ;;
        3) say "the crates are not on this machine: what cargo reads was not compared (cargo fetch)" ;;
        *) exit 1 ;;
    esac
fi

# 5. What must not change an image does not, what must does: the same outputs of a changed tree, compared.
other=$work/other
cp -r "$tree" "$other"
python3 "$root/e2e/nix/outputs.py" promote "$other"
evaluate "$other" "$work/promoted"
python3 "$root/e2e/nix/outputs.py" same "$work/now" "$work/promoted" || exit 1
echo "// another line" >> "$other/services/web/src/main.rs"
evaluate "$other" "$work/edited"
python3 "$root/e2e/nix/outputs.py" only web "$work/now" "$work/edited" || exit 1

[ "$mode" = fast ] || HOME=$user_home "$root/e2e/nix/full.sh"
