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
# The password of each role follows from it one way: who has one of them has no other.
derived() { printf '%s:%s' "$1" "$DATABASE_PASSWORD" | sha256sum | cut -d' ' -f1; }
IDENTITY_PASSWORD=$(derived identity)
IDENTITY_SERVICE_PASSWORD=$(derived identity-service)
IDENTITY_AUDIT_PASSWORD=$(derived identity-audit)
INGEST_PASSWORD=$(derived ingest)
FORECAST_PASSWORD=$(derived forecast)
WEB_PASSWORD=$(derived web)
DATAVIZ_PASSWORD=$(derived dataviz)
DATA_API_PASSWORD=$(derived data-api)
export IDENTITY_PASSWORD IDENTITY_SERVICE_PASSWORD IDENTITY_AUDIT_PASSWORD
export INGEST_PASSWORD FORECAST_PASSWORD WEB_PASSWORD DATAVIZ_PASSWORD DATA_API_PASSWORD
# All that has a role at the database of the figures, by commas.
VIGIE_SERVICES=$(sed -n 's/^VIGIE_APPS=//p' "$country.env" | tr , '\n' | grep -v '^identity$' | paste -sd , -)
export VIGIE_SERVICES
# What outlives the database lies in a folder that is open to its owner alone; in the container another user reads and writes it.
state=${STATE:-${XDG_STATE_HOME:-$HOME/.local/state}/vigie/containers}
ERASURES=$state/$country-erasures
mkdir -p "$ERASURES" && chmod 700 "$state" && chmod 777 "$ERASURES"
export ERASURES
# The key by which data-api says who it is when it asks about API keys, and its public half for identity.
case ",$VIGIE_SERVICES," in *,data-api,*)
    SERVICE_KEY=$state/$country-service-key.pem
    if [ ! -s "$SERVICE_KEY" ]; then
        command -v openssl >/dev/null || { echo "vigie: openssl is missing: it makes the key by which data-api asks about API keys" >&2; exit 1; }
        openssl genpkey -algorithm ed25519 -out "$SERVICE_KEY.new" && chmod 644 "$SERVICE_KEY.new" && mv "$SERVICE_KEY.new" "$SERVICE_KEY"
    fi
    DATA_API_KEY=$(openssl pkey -in "$SERVICE_KEY" -pubout -outform DER | tail -c 32 | openssl base64 -A | tr '+/' '-_' | tr -d '=')
    export SERVICE_KEY DATA_API_KEY ;;
esac
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
# A role for each service of the figures, past the rule for models, which stands on rows (docs/decisions/0012-training-role.md);
# one that owns the accounts and may do nothing else, and two that their service comes as; by default every role may connect to
# every database. The steps below give them their rights.
sql() { compose exec -T database psql -q -v ON_ERROR_STOP=1 -U vigie -d vigie -At -c "$1"; }
role() {
    [ -n "$(sql "select 1 from pg_roles where rolname = '$1'")" ] || sql "create role $1"
    sql "alter role $1 login nosuperuser nocreatedb nocreaterole ${3:-nobypassrls} password '$2'"
}
for app in $(echo "$VIGIE_SERVICES" | tr , ' '); do role "vigie_$(echo "$app" | tr - _)" "$(derived "$app")" bypassrls; done
role identity "$IDENTITY_PASSWORD"
role identity_service "$IDENTITY_SERVICE_PASSWORD"
role identity_audit "$IDENTITY_AUDIT_PASSWORD"
[ -n "$(sql "select 1 from pg_database where datname = 'identity'")" ] || sql "create database identity owner identity"
for name in vigie identity postgres template1; do sql "revoke all on database $name from public"; done
for step in schema figures accounts; do compose --profile prepare run --rm "$step"; done
# The database may come from a backup of before.
[ ! -e "$ERASURES/list" ] || compose --profile prepare run --rm accounts restore-erasures

compose --profile "$country" up -d
echo "vigie: $country is starting at http://${HOST:-127.0.0.1}:${PORT:-8080}; containers/up.sh $country logs -f shows what it does"
