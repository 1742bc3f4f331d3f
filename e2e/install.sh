#!/bin/sh
# Installs what the tests need and a bare Debian 12 lacks; as root, with apt.   e2e/install.sh [tests] [cluster] [containers]
#   tests       a browser, Node, Python's modules, a client of PostgreSQL, Prometheus
#   cluster     what a real node is made of (make e2e, make e2e-pipeline), and a Go that can build the rest of it
#   containers  podman, for make prove
# Without words: tests, and as root also cluster. Not root: it says what to install.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
PATH=$PATH:/usr/sbin:/sbin
root=0
[ "$(id -u)" -ne 0 ] || root=1
if [ $# -eq 0 ]; then
    set -- tests
    [ $root -eq 0 ] || set -- tests cluster
fi

need=""
program() { command -v "$1" >/dev/null || need="$need $2"; } # program, packages that have it
file() { [ -e "$1" ] || need="$need $2"; }
python() { python3 -c "import $1" 2>/dev/null || need="$need $2"; }
for group in "$@"; do
    case $group in
    tests)
        program python3 python3
        python yaml python3-yaml
        program chromium "chromium fonts-dejavu-core fonts-liberation"
        program psql postgresql-client
        program promtool prometheus
        program openssl openssl
        python pip python3-pip
        program setpriv util-linux
        program node nodejs
        program npm npm
        program git git
        ;;
    cluster)
        python pip python3-pip
        program etcd etcd-server
        program containerd containerd
        program runc runc
        program docker-registry docker-registry
        program redis-server redis-server
        program skopeo skopeo
        program iptables iptables
        program conntrack conntrack
        program age-keygen age
        program openssl openssl
        program gcc "gcc libc6-dev"
        program ip iproute2
        program unshare util-linux
        program mount mount
        program sysctl procps
        file /usr/lib/cni/bridge containernetworking-plugins
        file /etc/ssl/certs/ca-certificates.crt ca-certificates
        file /usr/share/zoneinfo/UTC tzdata
        ;;
    containers)
        program podman podman
        program mmdebstrap mmdebstrap
        program runc runc
        ;;
    *) echo "vigie: e2e/install.sh knows tests, cluster and containers, not $group" >&2; exit 2 ;;
    esac
done

if [ -n "$need" ]; then
    if [ $root -eq 0 ]; then
        echo "vigie: the tests need$need: install them as root (apt-get install$need), then start again" >&2
        exit 1
    fi
    echo "[install]$need"
    # RUNLEVEL=1: a daemon that comes with a package is not started on the machine itself.
    export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
    apt-get update -qq
    # shellcheck disable=SC2086 # a list of words
    apt-get install -y -qq --no-install-recommends $need >/dev/null
fi
case " $* " in *" cluster "*)
    # Without it the parts that need it fail and say so; the others run.
    go=$(python3 "$here/tools/compiler.py") || go="none"
    echo "[install] go: $go"
    ;;
esac
