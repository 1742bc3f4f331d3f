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
# The accounts' own password follows from it one way: who has the one of the accounts does not have the other.
IDENTITY_PASSWORD=$(printf 'identity:%s' "$DATABASE_PASSWORD" | sha256sum | cut -d' ' -f1)
IDENTITY_SERVICE_PASSWORD=$(printf 'identity-service:%s' "$DATABASE_PASSWORD" | sha256sum | cut -d' ' -f1)
IDENTITY_AUDIT_PASSWORD=$(printf 'identity-audit:%s' "$DATABASE_PASSWORD" | sha256sum | cut -d' ' -f1)
export IDENTITY_PASSWORD IDENTITY_SERVICE_PASSWORD IDENTITY_AUDIT_PASSWORD
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
# A role that owns its database and may do nothing else, and two that the service comes as; by default every role may connect
# to every database.
sql() { compose exec -T database psql -q -v ON_ERROR_STOP=1 -U vigie -d vigie -At -c "$1"; }
role() {
    [ -n "$(sql "select 1 from pg_roles where rolname = '$1'")" ] || sql "create role $1"
    sql "alter role $1 login nosuperuser nocreatedb nocreaterole password '$2'"
}
role identity "$IDENTITY_PASSWORD"
role identity_service "$IDENTITY_SERVICE_PASSWORD"
role identity_audit "$IDENTITY_AUDIT_PASSWORD"
[ -n "$(sql "select 1 from pg_database where datname = 'identity'")" ] || sql "create database identity owner identity"
for name in vigie identity postgres template1; do sql "revoke all on database $name from public"; done
for step in schema figures accounts; do compose --profile prepare run --rm "$step"; done

compose --profile "$country" up -d
echo "vigie: $country is starting at http://${HOST:-127.0.0.1}:${PORT:-8080}; containers/up.sh $country logs -f shows what it does"
