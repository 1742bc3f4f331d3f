#!/bin/sh
# Makes a country's secrets anew: a key pair of age, a password for each role at the two databases, the authority that vouches
# for the database's server and for each service, what each service shows (a certificate of that authority), who this installation
# is at the country's login providers (`unset`, until it is registered there), the key by which data-api asks about API keys where
# there is one, and the files of secrets/<country>/, encrypted to the new public key, which is written to .sops.yaml. The private
# key goes to KEY and nowhere else; the authority's certificate, which is no secret, to clusters/<country>/authority.
#   COUNTRY=fr secrets/init.sh        (make secrets-init COUNTRY=fr; KEY=~/.config/vigie/fr.agekey)
# ONLY=authority: another authority, encrypted to the keys that .sops.yaml names; whoever it replaces is believed meanwhile, too.
# ONLY=certificates: what each service shows, signed anew by the authority that there is; SOPS_AGE_KEY_FILE names the private key.
# PLACEHOLDER=1: what the repository carries: a key that is thrown away, and the word `placeholder` for a password.
set -eu
umask 077
cd "$(dirname "$0")/.."
fail() { echo "secrets: $1" >&2; exit 1; }

country=${COUNTRY:?which country: COUNTRY=fr secrets/init.sh}
[ -d "clusters/$country/apps" ] || fail "there is no country \`$country\`: clusters/$country/apps is not there"
only=${ONLY:-}
case $only in '' | authority | certificates) ;; *) fail "ONLY=$only: \`authority\` or \`certificates\` can be made alone" ;; esac
authority=clusters/$country/authority
[ -f "$authority/kustomization.yaml" ] || fail "$authority/kustomization.yaml is not there: copy that of another country"
for program in sops age-keygen openssl; do
    command -v $program >/dev/null || fail "$program is missing (Debian: age, openssl; sops: e2e/tools/build.py sops)"
done
key=${KEY:-${XDG_CONFIG_HOME:-$HOME/.config}/vigie/$country.agekey}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# sealed FOLDER FILE: the Secret on stdin, encrypted
sealed() {
    mkdir -p "secrets/$country/$1"
    sops encrypt --input-type yaml --output-type yaml --filename-override "secrets/$country/$1/$2.sops.yaml" \
        /dev/stdin > "$work/sealed" || fail "secrets/$country/$1/$2.sops.yaml was not encrypted"
    cat "$work/sealed" > "secrets/$country/$1/$2.sops.yaml"
}
# authority [CERTIFICATE]: makes a key and its certificate; the file CERTIFICATE is believed beside it. The database's operator signs
# what its servers show with that key: it takes it in this form alone, and the first certificate must be that of the key.
authority() {
    cat > "$work/authority.cnf" <<CONFIG
[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
O = Vigie
CN = authority of $country, $(date -u +%Y-%m-%dT%H:%MZ)
[extensions]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
CONFIG
    openssl ecparam -name prime256v1 -genkey -noout -out "$work/ca.key"
    openssl req -x509 -new -sha256 -days 1826 -config "$work/authority.cnf" -key "$work/ca.key" -out "$work/ca.crt"
    [ -z "${1:-}" ] || cat "$1" >> "$work/ca.crt"
    sealed database authority <<SECRET
apiVersion: v1
kind: Secret
metadata:
    name: authority
    labels:
        # Another one is taken up without a restart.
        cnpg.io/reload: "true"
type: Opaque
stringData:
    ca.crt: |
$(sed 's/^/        /' "$work/ca.crt")
    ca.key: |
$(sed 's/^/        /' "$work/ca.key")
SECRET
    cat "$work/ca.crt" > "$authority/ca.crt"
    chmod a+r "$authority/ca.crt"
}

# shown APP: the Secret of what a service shows on its ports: a key, and a certificate of the authority for the names of its
# Service. Other values are another Secret, so the pod that reads it starts anew.
shown() {
    cat > "$work/tls.cnf" <<CONFIG
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
authorityKeyIdentifier = keyid
subjectAltName = DNS:$1.$1.svc.cluster.local, DNS:$1.$1.svc, DNS:$1.$1
CONFIG
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out "$work/tls.key"
    openssl req -new -subj "/O=Vigie/CN=$1" -key "$work/tls.key" -out "$work/tls.csr"
    openssl x509 -req -sha256 -days 1825 -CA "$work/ca.crt" -CAkey "$work/ca.key" -set_serial "0x$(openssl rand -hex 16)" \
        -extfile "$work/tls.cnf" -in "$work/tls.csr" -out "$work/tls.crt" 2>"$work/said" || fail "$(cat "$work/said")"
    cat <<SECRET
apiVersion: v1
kind: Secret
metadata:
    name: tls
    annotations:
        kustomize.config.k8s.io/needs-hash: "true"
type: kubernetes.io/tls
stringData:
    tls.crt: |
$(sed 's/^/        /' "$work/tls.crt")
    tls.key: |
$(sed 's/^/        /' "$work/tls.key")
SECRET
}
# Where there is a technical API, identity is asked about its keys.
takes_keys=
[ ! -d "clusters/$country/apps/data-api" ] || takes_keys=yes

if [ "$only" = certificates ]; then
    openssl x509 -in "$authority/ca.crt" -out "$work/ca.crt"
    sops decrypt --extract '["stringData"]["ca.key"]' "secrets/$country/database/authority.sops.yaml" > "$work/ca.key" ||
        fail "the authority's key is not decrypted: SOPS_AGE_KEY_FILE names the private key of $country"
    for app in clusters/"$country"/apps/*/; do
        app=$(basename "$app")
        shown "$app" > "$work/shown"
        sealed "$app" tls < "$work/shown"
        chmod a+r "secrets/$country/$app/tls.sops.yaml"
    done
    exit 0
fi
if [ "$only" = authority ]; then
    grep -q "\^secrets/$country/" .sops.yaml || fail ".sops.yaml has no rule for $country: make all its secrets first, without ONLY"
    [ -s "$authority/ca.crt" ] || fail "$authority/ca.crt is not there: what is to be replaced?"
    # The last one, and not those before it.
    openssl x509 -in "$authority/ca.crt" -out "$work/last.crt"
    authority "$work/last.crt"
    chmod a+r "secrets/$country/database/authority.sops.yaml"
    echo "secrets: $authority/ca.crt names the new authority and the last; what is to be done with it, says docs/delivery.md (Who vouches for the database)"
    exit 0
fi
if [ "${PLACEHOLDER:-0}" = 1 ]; then
    key=$work/thrown-away
    password() { echo placeholder; }
else
    # A key that is in use must not be lost to a second call.
    [ ! -e "$key" ] || fail "$key exists: a new key would make the old secrets unreadable; move it away, or set KEY"
    case $(realpath -m "$key") in "$(pwd -P)"/*) fail "KEY lies in the repository: choose a place outside of it" ;; esac
    mkdir -p "$(dirname "$key")"
    password() { openssl rand -hex 24; }
fi
age-keygen -o "$key" 2>/dev/null
recipient=$(age-keygen -y "$key")

# The rule of this country in .sops.yaml, replaced or added.
awk -v country="$country" '
    index($0, "^secrets/" country "/") { skip = 1 } /^  - path_regex/ && !index($0, "^secrets/" country "/") { skip = 0 }
    !skip { print }' .sops.yaml > "$work/sops.yaml"
cat >> "$work/sops.yaml" <<RULE
  - path_regex: ^secrets/$country/.*\.sops\.yaml\$
    encrypted_regex: ^(data|stringData)\$
    age: $recipient
RULE
cat "$work/sops.yaml" > .sops.yaml

# component FOLDER FILE [FILE]: what an overlay names to get these Secrets
component() {
    folder=secrets/$country/$1
    cat > "$folder/kustomization.yaml" <<COMPONENT
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
generators: [decrypt.yaml]
COMPONENT
    shift
    files=$(printf ', %s.sops.yaml' "$@")
    cat > "$folder/decrypt.yaml" <<FUNCTION
apiVersion: vigie/v1
kind: Decrypt
metadata:
  name: secrets
  annotations:
    config.kubernetes.io/function: "exec: { path: krm-sops }"
files: [${files#, }]
FUNCTION
}
# address NAME ROLE PASSWORD DATABASE: the Secret NAME with the address of a database for a role. Nothing is said before the server
# has shown a certificate of the country's authority (clusters/<country>/authority, mounted there) for the name in the address.
address() {
    cat <<SECRET
apiVersion: v1
kind: Secret
metadata:
    name: $1
type: Opaque
stringData:
    uri: postgres://$2:$3@database-rw.database.svc.cluster.local:5432/$4?sslmode=verify-full&sslrootcert=/etc/vigie-authority/ca.crt
SECRET
}
# user NAME ROLE PASSWORD: the Secret by which the database's operator makes the role
user() {
    cat <<SECRET
apiVersion: v1
kind: Secret
metadata:
    name: $1
type: kubernetes.io/basic-auth
stringData:
    username: $2
    password: $3
SECRET
}
# One table a provider of the profile. What else belongs there, says docs/identity.md.
registrations() {
    cat <<SECRET
apiVersion: v1
kind: Secret
metadata:
    name: registrations
    annotations:
        # Other values are another Secret, so the pod that reads them starts anew.
        kustomize.config.k8s.io/needs-hash: "true"
type: Opaque
stringData:
    registrations.toml: |
        # Who this installation is at each provider. With client_id = "unset" nobody can log in there, and the page says so.
        # Registered? Write what you were given: docs/identity.md says which values each kind of client needs.
SECRET
    awk '/^\[\[identity\.providers\]\]/ { inside = 1; next } /^\[/ { inside = 0 }
        inside && /^id = / { gsub(/"/, "", $3); printf "        [%s]\n        client_id = \"unset\"\n", $3 }' \
        "clusters/$country/profile/profile.toml"
}

# The key by which data-api says who it is, and its public half for identity.
service_key() {
    cat <<SECRET
apiVersion: v1
kind: Secret
metadata:
    name: service-key
    annotations:
        # Another key is another Secret, so the pods that read it start anew.
        kustomize.config.k8s.io/needs-hash: "true"
type: Opaque
stringData:
    key.pem: |
$(sed 's/^/        /' "$1")
SECRET
}
public_key() {
    cat <<SECRET
apiVersion: v1
kind: Secret
metadata:
    name: data-api-key
    annotations:
        kustomize.config.k8s.io/needs-hash: "true"
type: Opaque
stringData:
    public: $(openssl pkey -in "$1" -pubout -outform DER | tail -c 32 | openssl base64 -A | tr '+/' '-_' | tr -d '=')
SECRET
}
[ -z "$takes_keys" ] || openssl genpkey -algorithm ed25519 -out "$work/service-key"
authority

# Each service has a role of its own at the database, and its namespace is the only one that can read how to be it. The tables
# of the figures belong to `vigie`, as whom the step that brings schema and figures comes; the accounts are identity's alone.
roles=
for app in clusters/"$country"/apps/*/; do
    app=$(basename "$app")
    shown "$app" > "$work/shown"
    sealed "$app" tls < "$work/shown"
    secret=$(password)
    if [ "$app" = identity ]; then
        # The service comes as two roles that own nothing; the owner's address is for the schema and the nightly step.
        service=$(password) audit=$(password)
        address database identity_service "$service" identity | sealed identity database
        address audit identity_audit "$audit" identity | sealed identity audit
        address owner identity "$secret" identity | sealed identity owner
        registrations | sealed identity registrations
        [ -z "$takes_keys" ] || public_key "$work/service-key" | sealed identity data-api-key
        # shellcheck disable=SC2086 # one word or none
        component identity database audit owner registrations tls ${takes_keys:+data-api-key}
        user identity identity "$secret" | sealed database identity
        user identity-service identity_service "$service" | sealed database identity-service
        user identity-audit identity_audit "$audit" | sealed database identity-audit
        roles="$roles identity identity-service identity-audit"
        continue
    fi
    role=vigie_$(echo "$app" | tr - _)
    address database "$role" "$secret" vigie | sealed "$app" database
    user "$app" "$role" "$secret" | sealed database "$app"
    roles="$roles $app"
    if [ "$app" = data-api ]; then
        service_key "$work/service-key" | sealed data-api service-key
        component data-api database tls service-key
        continue
    fi
    component "$app" database tls
done
secret=$(password)
address database vigie "$secret" vigie | sealed schema database
component schema database
user owner vigie "$secret" | sealed database owner
# shellcheck disable=SC2086  # names of folders, one word each
component database owner authority $roles
chmod -R u=rwX,go=rX "secrets/$country" .sops.yaml
[ "${PLACEHOLDER:-0}" = 1 ] && exit 0
cat <<NEXT
secrets: secrets/$country is encrypted to $recipient
Commit .sops.yaml, secrets/$country and $authority. Keep $key safe (there is no other copy), and give it to the cluster, once:
  kubectl --namespace argocd create secret generic sops-age --from-file=keys.txt=$key
Nobody can log in until you are registered with the country's providers; then, and whenever that changes:
  SOPS_AGE_KEY_FILE=$key sops edit secrets/$country/identity/registrations.sops.yaml
NEXT
