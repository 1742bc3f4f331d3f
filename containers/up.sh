#!/bin/sh
# Runs a country as containers: containers/up.sh fr [compose's own words, such as down]. README.md beside this.
set -eu
cd "$(dirname "$0")"

country=${1:-fr}
[ -f "$country.env" ] || { echo "vigie: there is no $country.env: choose one of $(ls ./*.env | sed 's/.*\/\(.*\)\.env/\1/' | tr '\n' ' ')" >&2; exit 1; }
: "${DATABASE_PASSWORD:?vigie: set DATABASE_PASSWORD to a password of your choice; the first start gives it to the database}"
[ $# -gt 0 ] && shift

if [ -z "${COMPOSE:-}" ]; then
    if command -v podman-compose >/dev/null; then COMPOSE=podman-compose
    elif docker compose version >/dev/null 2>&1; then COMPOSE="docker compose"
    else echo "vigie: neither podman-compose nor docker compose is here: install one" >&2; exit 1; fi
fi
compose() { # shellcheck disable=SC2086 # COMPOSE is a command with its arguments
    $COMPOSE --env-file "$country.env" -f compose.yaml "$@"; }

if [ $# -gt 0 ]; then compose --profile "$country" "$@"; exit; fi
compose up -d database
tries=0
until compose exec -T database pg_isready -q -h 127.0.0.1 -U vigie >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 60 ] || { echo "vigie: the database does not answer after 60 tries: see its log" >&2; exit 1; }
    sleep 1
done
for step in schema figures; do compose --profile prepare run --rm "$step"; done

compose --profile "$country" up -d
echo "vigie: $country is starting at http://${HOST:-127.0.0.1}:${PORT:-8080}; containers/up.sh $country logs -f shows what it does"
