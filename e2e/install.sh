#!/bin/sh
# Installs what the tests need and a bare Debian machine lacks: a browser, Node, Python. Root only; else it says what to install.
set -eu
need=""
command -v python3 >/dev/null || need="$need python3"
python3 -c 'import yaml' 2>/dev/null || need="$need python3-yaml"
command -v chromium >/dev/null || need="$need chromium fonts-dejavu-core fonts-liberation"
command -v psql >/dev/null || need="$need postgresql-client"
command -v setpriv >/dev/null || need="$need util-linux"
command -v node >/dev/null || need="$need nodejs"
command -v npm >/dev/null || need="$need npm"
[ -n "$need" ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo "vigie: the tests need$need: install them as root (apt-get install$need), then start again" >&2
    exit 1
fi
echo "[install]$need"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # a list of words
apt-get install -y -qq --no-install-recommends $need >/dev/null
