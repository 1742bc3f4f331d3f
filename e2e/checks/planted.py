#!/usr/bin/env python3
"""The checks of secrets, manifests, the authority and what pods show, checked: faults planted in a copy, each of which must be named."""

import os
import re
import subprocess

from common import ROOT, finish, plant

TAKEN = ["clusters", "secrets", "containers", "services/*/deploy/*", "services/*/Cargo.toml", ".sops.yaml", "docs/operations.md", "e2e/checks"]
CHECKS = ["sealed", "manifests", "authority", "upstream"]
SECRET = "apiVersion: v1\nkind: {kind}\nmetadata: {{ name: a }}\n{rest}"
IMAGES = "clusters/fr/images/kustomization.yaml"
ZERO, REAL = "sha256:" + "0" * 64, "sha256:" + "5" * 64
# In pieces, since these would be faults here too.
KEY = "AGE-SECRET-" + "KEY-1" + "Q" * 58
PASSWORD = "value: postgres://vigie:" + "hunter2@database/vigie\n"

# check, what is planted, path, how its text changes, what must be said
FAULTS = [
    ("sealed", "a Secret among the manifests", "clusters/fr/apps/web/secret.yaml",
     lambda _: SECRET.format(kind="Secret", rest="stringData: { uri: hunter2 }\n"), "holds a Secret in plain text"),
    ("sealed", "one within a list", "services/web/deploy/list.yaml",
     lambda _: "apiVersion: v1\nkind: List\nitems:\n  - { apiVersion: v1, kind: Secret, data: { a: aHVudGVyMg== } }\n",
     "holds a Secret in plain text"),
    ("sealed", "one that kustomize would make", "clusters/fr/apps/web/kustomization.yaml",
     lambda text: text + "secretGenerator:\n  - name: a\n    literals: [uri=hunter2]\n", "generates a Secret from plain text"),
    ("sealed", "a password in an address", "services/web/deploy/deployment.yaml", lambda text: text + "# " + PASSWORD,
     "holds a password in an address"),
    ("sealed", "a value that is not encrypted", "secrets/fr/web/database.sops.yaml",
     lambda text: re.sub(r"uri: ENC\[.*\]", "uri: hunter2", text), "in plain text: encrypt it"),
    ("sealed", "another recipient", ".sops.yaml", lambda text: re.sub(r"(secrets/fr/[^#]*?age: age1)....", r"\1aaaa", text, flags=re.S),
     "is encrypted to others"),
    ("sealed", "a private key", "clusters/fr/note.txt", lambda _: KEY + "\n", "holds a private key"),
    ("sealed", "another program while rendering", "secrets/fr/web/decrypt.yaml", lambda text: text.replace("path: krm-sops", "path: sh"),
     "another program than krm-sops"),
    ("manifests", "the all-zero digest in a registry", IMAGES, lambda text: text.replace("newName: registry.invalid", "newName: registry.example", 1),
     "all-zero digest"),
    ("manifests", "a digest that is in no registry", IMAGES, lambda text: text.replace(ZERO, REAL, 1), "all-zero digest"),
    ("manifests", "a tag instead of a digest", IMAGES, lambda text: text.replace(f"digest: {ZERO}", "newTag: latest", 1),
     "by a digest, not by a tag"),
    ("manifests", "a setting that nobody reads", "services/ingest/deploy/deployment.yaml",
     lambda text: text.replace("VIGIE_ARCHIVE,", "VIGIE_RAW_DIR,"), "sets VIGIE_RAW_DIR, which no service reads"),
    ("manifests", "a path in the clear", "services/web/deploy/routes.yaml", lambda text: re.sub(r"^  tls: .*\n", "", text, flags=re.M),
     "must be answered over TLS"),
    ("manifests", "a path whose certificate nobody names", "services/identity/deploy/routes.yaml", lambda text: text.replace("{ secretName: front-door-tls }", "{}"),
     "must be answered over TLS"),
    ("manifests", "an image of an absent service", "clusters/ch/images/kustomization.yaml",
     lambda text: text.replace("vigie/web", "vigie/data-api"), "an absent service has no image"),
    ("authority", "an address that takes any server", "secrets/init.sh", lambda text: text.replace("sslmode=verify-full", "sslmode=require"),
     "any server is taken for the database"),
    ("authority", "one that trusts the public authorities", "secrets/init.sh", lambda text: re.sub(r"&sslrootcert=\S+", "", text),
     "any server is taken for the database"),
    ("authority", "a name that no certificate has", "secrets/init.sh", lambda text: text.replace("database-rw.database.svc", "postgres.database.svc"),
     "which its certificate does not"),
    ("authority", "an authority elsewhere", "clusters/components/service/deployment.yaml", lambda text: text.replace("/etc/vigie-authority", "/etc/other"),
     "no ConfigMap `authority` at /etc/vigie-authority/ca.crt"),
    ("authority", "a nightly step without it", "services/identity/deploy/retention.yaml", lambda text: text.replace("configMap: { name: authority }", "emptyDir: {}"),
     "no ConfigMap `authority` at"),
    ("authority", "a service without it", "clusters/fr/apps/web/kustomization.yaml", lambda text: text.replace("  - ../../authority\n", ""),
     "must have the component ../../authority"),
    ("authority", "the operator's own authority", "clusters/base/database/cluster.yaml", lambda text: text.replace("serverCASecret: authority", "{}"),
     "must have certificates.serverCASecret"),
    ("authority", "a role in clear text", "clusters/base/database/cluster.yaml", lambda text: text.replace("hostssl vigie all", "host vigie all"),
     "lets somebody in without TLS"),
    ("authority", "a service that asks in the clear", "services/data-api/deploy/deployment.yaml", lambda text: text.replace("https://identity", "http://identity"),
     "in the clear"),
    ("authority", "one that believes another authority", "services/data-api/deploy/deployment.yaml",
     lambda text: text.replace("value: /etc/vigie-authority", "value: /etc/other"), "VIGIE_AUTHORITY does not name"),
    ("authority", "one authority for two countries", "clusters/fr/authority/ca.crt", lambda _: (ROOT / "clusters/ch/authority/ca.crt").read_text(),
     "two countries have one authority"),
    ("authority", "a certificate of a server", "clusters/fr/authority/ca.crt", lambda _: certificate("CA:FALSE", 1000), "is not an authority"),
    ("authority", "an authority that ends soon", "clusters/fr/authority/ca.crt", lambda _: certificate("CA:TRUE", 119), "ends within 120 days"),
    ("authority", "a key beside the certificate", "clusters/fr/authority/ca.crt", lambda text: text + "key\n", "holds more than certificates"),
    ("upstream", "a port in the clear", "clusters/components/service/deployment.yaml", lambda text: text.replace("0.0.0.0:8443", "0.0.0.0:8080"),
     "must set VIGIE_ADDR to 0.0.0.0:8443"),
    ("upstream", "a service that shows nothing", "clusters/components/service/deployment.yaml",
     lambda text: re.sub(r".*VIGIE_TLS_CERT.*\n", "", text), "must set VIGIE_TLS_CERT"),
    ("upstream", "a service that listens in its own way", "services/identity/deploy/deployment.yaml",
     lambda text: text.replace("          env:\n", "          env:\n            - { name: VIGIE_ADDR, value: \"0.0.0.0:8080\" }\n"), "listens in a way of its own (VIGIE_ADDR)"),
    ("upstream", "a probe in the clear", "clusters/components/service/deployment.yaml", lambda text: text.replace(", scheme: HTTPS", "", 1), "startupProbe asks in the clear"),
    ("upstream", "a Service that says nothing of TLS", "services/web/deploy/service.yaml", lambda text: text.replace("appProtocol: https, ", ""), "so that nobody asks in the clear"),
    ("upstream", "a path to another port", "services/identity/deploy/routes.yaml", lambda text: text.replace("{ name: https }", "{ name: http }", 1), "the port https of identity"),
    ("upstream", "a controller that takes any pod", "services/web/deploy/routes.yaml", lambda text: text.replace('proxy-ssl-verify: "on"', 'proxy-ssl-verify: "off"'),
     "takes any pod for web"),
    ("upstream", "another service's name", "services/web/deploy/routes.yaml", lambda text: text.replace("web.web.svc", "identity.identity.svc"), "takes any pod for web"),
    ("upstream", "the old port", "clusters/components/service/network-policy.yaml", lambda text: text.replace("8443", "8080"), "lets somebody in to [8080]"),
    ("upstream", "metrics in the clear", "services/forecast/deploy/watched/pods.yaml", lambda text: text.replace("scheme: https", "scheme: http"), "look whom it meets"),
    ("upstream", "a service without a certificate", "secrets/fr/web/decrypt.yaml", lambda text: text.replace(", tls.sops.yaml", ""), "must bring tls.sops.yaml"),
    ("authority", "no key for the operator", "secrets/fr/database/decrypt.yaml", lambda text: text.replace("authority.sops.yaml, ", ""),
     "must bring authority.sops.yaml"),
]


def certificate(constraints, days):
    """A certificate that signs itself, with a key that is kept nowhere."""
    made = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", os.devnull,
                           "-days", str(days), "-config", "/dev/stdin"], check=True, capture_output=True, text=True,
                          input=f"[req]\nprompt=no\ndistinguished_name=n\nx509_extensions=e\n[n]\nCN=a\n[e]\nbasicConstraints={constraints}\n")
    return made.stdout


def main():
    with plant.copied(*TAKEN) as tree:
        # As the tree is, and as the workflow `images` leaves it: both are well.
        faults = plant.well(tree, CHECKS)
        kept = {p: p.read_text() for p in tree.glob("clusters/*/images/kustomization.yaml")}
        for path, text in kept.items():
            path.write_text(text.replace("registry.invalid", "registry.example").replace(ZERO, REAL))
        faults += plant.well(tree, CHECKS, "with real digests")
        for path, text in kept.items():
            path.write_text(text)
        faults += plant.planted(tree, FAULTS)
    finish("planted", faults, len(FAULTS))


main()
