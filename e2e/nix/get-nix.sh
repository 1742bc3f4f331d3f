#!/bin/sh
# Puts programs of the current Debian into a folder, without installing anything: get-nix.sh DIR PACKAGE ...
# apt resolves and verifies them against an empty list of installed packages; they are unpacked below DIR/root and made to
# use the libraries beside them. No root needed. Ends with a sentence and exit code 3 when the packages cannot be had.
set -eu
dir=$1
shift
suite=trixie # Debian 13: Nix 2.26
skip() { echo "skipped: nix: $1"; exit 3; }

wanted="$suite $*"
[ "$(cat "$dir/wanted" 2>/dev/null)" = "$wanted" ] && exit 0

[ "$(uname -m)" = x86_64 ] || skip "the programs are taken for x86_64 only, this machine is $(uname -m)"
for tool in apt-get dpkg-deb; do
    command -v $tool >/dev/null || skip "$tool is missing: this is no Debian; install Nix 2.18 or newer, then start again"
done
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -f $keyring ] || skip "Debian's keys are missing: install debian-archive-keyring, then start again"
# The mirror that this machine uses; security and other archives have other paths.
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -E '/debian/?$' | sort -u | head -n 1)
[ -n "$mirror" ] || skip "no mirror of Debian is configured for apt on this machine"

rm -rf "$dir"
apt=$dir/apt
mkdir -p "$apt/etc/apt/apt.conf.d" "$apt/etc/apt/preferences.d" "$apt/etc/apt/sources.list.d" \
    "$apt/var/lib/apt/lists/partial" "$apt/var/cache/apt/archives/partial" "$apt/var/lib/dpkg" "$dir/root"
: > "$apt/var/lib/dpkg/status"
echo "deb [signed-by=$keyring] $mirror $suite main" > "$apt/etc/apt/sources.list"
get() {
    apt-get -qq -o Dir="$apt" -o Dir::State::status="$apt/var/lib/dpkg/status" -o APT::Install-Recommends=false \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root "$@" >> "$dir/log" 2>&1
}
get update && get -y --download-only install "$@" patchelf \
    || skip "the Debian packages cannot be had ($(tail -n 1 "$dir/log" | cut -c 1-160))"
for package in "$apt"/var/cache/apt/archives/*.deb; do dpkg-deb -x "$package" "$dir/root"; done

# Each program looks for the loader and the libraries of its own system, which is not this one.
root=$(cd "$dir/root" && pwd)
libraries=$root/usr/lib/x86_64-linux-gnu
loader=$root/usr/lib64/ld-linux-x86-64.so.2
patch() { "$loader" --library-path "$libraries" "$root/usr/bin/patchelf" "$@"; }
# Nix starts itself anew for builds, so its file is changed; skopeo does not survive that and is started through the loader.
patch --set-interpreter "$loader" --force-rpath --set-rpath "$libraries" "$root/usr/bin/nix"
if [ -f "$root/usr/bin/skopeo" ]; then
    mv "$root/usr/bin/skopeo" "$root/usr/lib/skopeo"
    printf '#!/bin/sh\nexec %s --library-path %s %s "$@"\n' "$loader" "$libraries" "$root/usr/lib/skopeo" > "$root/usr/bin/skopeo"
    chmod +x "$root/usr/bin/skopeo"
fi
for name in nix-store nix-instantiate nix-build nix-hash; do ln -sf nix "$root/usr/bin/$name"; done
rm -rf "$apt"
echo "$wanted" > "$dir/wanted"
