#!/bin/sh
# Makes a country's secrets anew: a key pair of age, a password of the database, and the files of secrets/<country>/,
# encrypted to the new public key, which is written to .sops.yaml. The private key goes to KEY and nowhere else.
#   COUNTRY=fr secrets/init.sh        (make secrets-init COUNTRY=fr; KEY=~/.config/vigie/fr.agekey)
# PLACEHOLDER=1: what the repository carries: a key that is thrown away, and the word `placeholder` for a password.
set -eu
umask 077
cd "$(dirname "$0")/.."
fail() { echo "secrets: $1" >&2; exit 1; }

country=${COUNTRY:?which country: COUNTRY=fr secrets/init.sh}
[ -d "clusters/$country/apps" ] || fail "there is no country \`$country\`: clusters/$country/apps is not there"
for program in sops age-keygen openssl; do
    command -v $program >/dev/null || fail "$program is missing (Debian: age, openssl; sops: e2e/tools/build.py sops)"
done
key=${KEY:-${XDG_CONFIG_HOME:-$HOME/.config}/vigie/$country.agekey}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ "${PLACEHOLDER:-0}" = 1 ]; then
    key=$work/thrown-away
    password=placeholder
else
    # A key that is in use must not be lost to a second call.
    [ ! -e "$key" ] || fail "$key exists: a new key would make the old secrets unreadable; move it away, or set KEY"
    case $(realpath -m "$key") in "$(pwd -P)"/*) fail "KEY lies in the repository: choose a place outside of it" ;; esac
    mkdir -p "$(dirname "$key")"
    password=$(openssl rand -hex 24)
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

# secret FOLDER FILE: a component around the Secret on stdin
secret() {
    mkdir -p "secrets/$country/$1"
    cat > "secrets/$country/$1/kustomization.yaml" <<COMPONENT
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
generators: [decrypt.yaml]
COMPONENT
    cat > "secrets/$country/$1/decrypt.yaml" <<FUNCTION
apiVersion: vigie/v1
kind: Decrypt
metadata:
  name: secrets
  annotations:
    config.kubernetes.io/function: "exec: { path: krm-sops }"
files: [$2.sops.yaml]
FUNCTION
    sops encrypt --input-type yaml --output-type yaml --filename-override "secrets/$country/$1/$2.sops.yaml" \
        /dev/stdin > "$work/sealed" || fail "secrets/$country/$1/$2.sops.yaml was not encrypted"
    cat "$work/sealed" > "secrets/$country/$1/$2.sops.yaml"
}

# The figures are every service's, so each app, and the step that brings schema and figures, has the same Secret; its own namespace is the only one that can read it.
for app in clusters/"$country"/apps/*/ schema; do
    secret "$(basename "$app")" database <<SECRET
apiVersion: v1
kind: Secret
metadata:
    name: database
type: Opaque
stringData:
    uri: postgres://vigie:$password@database-rw.database.svc.cluster.local:5432/vigie
SECRET
done
secret database owner <<SECRET
apiVersion: v1
kind: Secret
metadata:
    name: owner
type: kubernetes.io/basic-auth
stringData:
    username: vigie
    password: $password
SECRET
chmod -R u=rwX,go=rX "secrets/$country" .sops.yaml
[ "${PLACEHOLDER:-0}" = 1 ] && exit 0
cat <<NEXT
secrets: secrets/$country is encrypted to $recipient
Commit .sops.yaml and secrets/$country. Keep $key safe (there is no other copy), and give it to the cluster, once:
  kubectl --namespace argocd create secret generic sops-age --from-file=keys.txt=$key
NEXT
