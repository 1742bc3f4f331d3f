#!/usr/bin/env python3
"""Who asks a cluster's database, or another service, looks whom it meets, without a cluster and without a key: each address wants
a certificate checked, each pod that has one has the authority's too, and that is one for some time to come."""

import re
import subprocess
from pathlib import PurePosixPath

from common import ROOT, documents, finish, name, tracked

DAYS = 120  # before its end an authority is replaced: what it signed lasts 90 days
MAKER = ROOT / "secrets/init.sh"
# The names that the database's operator puts into the server's certificate, of the one where writing is possible.
HOSTS = {f"database-rw{end}" for end in ("", ".database", ".database.svc", ".database.svc.cluster.local")}
ADDRESS = re.compile(r"postgres(?:ql)?://[^@\s]*@([^:/\s]+)[^?\s]*\??(\S*)")


def addresses(faults):
    """The file that each address of secrets/init.sh names as `sslrootcert`; others are made nowhere (docs/delivery.md)."""
    found = set()
    made = ADDRESS.findall(MAKER.read_text(encoding="utf-8"))
    if not made:
        faults.append(f"{name(MAKER)} makes no address of a database: this check must follow it")
    for host, query in made:
        asked = [pair.split("=", 1) for pair in query.split("&")]
        modes, files = ([value for key, value in asked if key == wanted] for wanted in ("sslmode", "sslrootcert"))
        if modes != ["verify-full"] or len(files) != 1:
            faults.append(f"{name(MAKER)} makes an address with `{query}`: it must be sslmode=verify-full&sslrootcert=FILE, or any server is "
                          "taken for the database")
        if host not in HOSTS:
            faults.append(f"{name(MAKER)} names the database {host}, which its certificate does not")
        found.update(files)
    return found


def containers(document):
    """(the pod, each of its containers) of what makes pods"""
    spec = document.get("spec", {})
    spec = spec.get("jobTemplate", {}).get("spec", spec).get("template", {}).get("spec", {})
    return [(spec, c) for c in [*spec.get("initContainers", []), *spec.get("containers", [])]]


def asks(container):
    """Has it an address of a database?"""
    sources = [setting.get("valueFrom", {}).get("secretKeyRef", {}) for setting in container.get("env", [])]
    return any(source.get("key") == "uri" for source in sources)


def has(pod, container, file):
    """Does the container find the ConfigMap `authority` where `file` is looked for?"""
    volumes = {v["name"] for v in pod.get("volumes", []) if v.get("configMap", {}).get("name") == "authority"}
    mounts = container.get("volumeMounts", [])
    return any(m["name"] in volumes and m["mountPath"] == str(PurePosixPath(file).parent) and m.get("readOnly") for m in mounts)


def pods(faults, files):
    """Each container that has an address has the file; a Deployment takes both from the component of all services."""
    shared, count = ROOT / "clusters/components/service/deployment.yaml", 0
    for path in tracked("clusters/*.yaml", "services/*/deploy/*.yaml"):
        for document in documents(path):
            if document.get("kind") == "Deployment" and path != shared:
                continue
            for pod, container in containers(document):
                if not asks(container):
                    continue
                count += 1
                faults += [f"{name(path)}: `{container['name']}` has an address of a database and no ConfigMap `authority` at {file}, read-only"
                           for file in sorted(files) if not has(pod, container, file)]
    if not any(asks(container) for document in documents(shared) for _, container in containers(document)):
        faults.append(f"{name(shared)} gives nobody an address of a database: this check must follow it")
    return count


def services(faults, files):
    """A service that asks another does so by TLS, and believes the country's authority."""
    for path in tracked("services/*/deploy/*.yaml"):
        for document in documents(path):
            for _, container in containers(document):
                settings = {s["name"]: s.get("value", "") for s in container.get("env", [])}
                for setting, value in settings.items():
                    if value.startswith("http://"):
                        faults.append(f"{name(path)}: {setting} asks {value} in the clear: https://, and VIGIE_AUTHORITY")
                    inside = value.startswith("https://") and ".svc" in value
                    if inside and settings.get("VIGIE_AUTHORITY") not in files:
                        faults.append(f"{name(path)}: {setting} asks {value}, and VIGIE_AUTHORITY does not name {' or '.join(sorted(files))}")


def server(faults):
    """The operator signs with the country's key, and the server takes nobody in clear."""
    path = ROOT / "clusters/base/database/cluster.yaml"
    spec = documents(path)[0]["spec"]
    if spec.get("certificates", {}).get("serverCASecret") != "authority":
        faults.append(f"{name(path)} must have certificates.serverCASecret: authority")
    for rule in (r for r in spec["postgresql"]["pg_hba"] if not r.startswith("hostssl ") and not r.endswith(" reject")):
        faults.append(f"{name(path)} lets somebody in without TLS: `{rule}`")


def certificate(path):
    """What is wrong with the newest certificate of a file, the first."""
    openssl = lambda *words: subprocess.run(["openssl", "x509", "-in", path, "-noout", *words], capture_output=True, text=True, check=False)
    said = openssl("-text")
    if said.returncode != 0:
        yield "holds no certificate: secrets/init.sh makes it"
        return
    if re.sub(r"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n", "", path.read_text(encoding="utf-8")):
        yield "holds more than certificates, and everybody may read it"
    if "CA:TRUE" not in said.stdout or "ASN1 OID: prime256v1" not in said.stdout:
        yield "is not an authority with a key of P-256, which is what the database's operator can sign with"
    if openssl("-checkend", str(DAYS * 86400)).returncode != 0:
        yield f"ends within {DAYS} days: ONLY=authority secrets/init.sh makes another (docs/delivery.md)"


def country(faults, folder):
    """The certificate of a country, who is given it, and that its key is sealed."""
    code = folder.name
    path = folder / "authority/ca.crt"
    if not path.is_file():
        faults.append(f"{name(path)} is missing: secrets/init.sh makes it")
        return
    faults += [f"{name(path)} {why}" for why in certificate(path)]
    generated = documents(folder / "authority/kustomization.yaml")[0]
    if generated.get("secretGenerator") != [{"name": "authority", "files": ["ca.crt"], "options": {"disableNameSuffixHash": True}}]:
        faults.append(f"{name(folder / 'authority/kustomization.yaml')} must make the Secret `authority` of ca.crt, by this name: the Ingresses name it")
    generated = generated.get("configMapGenerator")
    if generated != [{"name": "authority", "files": ["ca.crt"]}]:
        faults.append(f"{name(folder / 'authority/kustomization.yaml')} must make the ConfigMap `authority` of ca.crt alone")
    for overlay in [*sorted(folder.glob("apps/*/kustomization.yaml")), folder / "platform/schema/kustomization.yaml"]:
        if "../../authority" not in documents(overlay)[0].get("components", []):
            faults.append(f"{name(overlay)} must have the component ../../authority: its pods ask the database")
    sealed = ROOT / f"secrets/{code}/database"
    if not (sealed / "authority.sops.yaml").is_file() or "authority.sops.yaml" not in documents(sealed / "decrypt.yaml")[0]["files"]:
        faults.append(f"{name(sealed)} must bring authority.sops.yaml: the operator signs with it")


def main():
    faults = []
    files = addresses(faults)
    count = pods(faults, files)
    services(faults, files)
    server(faults)
    profiles = tracked("clusters/*/profile/profile.toml")
    for profile in profiles:
        country(faults, profile.parents[1])
    texts = [p.read_text(encoding="utf-8") for p in tracked("clusters/*/authority/ca.crt")]
    if len(set(texts)) != len(texts):
        faults.append("two countries have one authority: one country's server would be taken for the other's")
    finish("authority", faults, count + len(profiles))


main()
