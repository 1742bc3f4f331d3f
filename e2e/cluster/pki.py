"""Certificates of one cluster: an authority and a name for each component, for a day."""

import base64
import json

from sandbox import NODE

SERVICE = "10.96.0.1"  # the address that pods reach the API server at

CLIENTS = {  # file -> (name, group)
    "admin": ("admin", "system:masters"),
    "controller-manager": ("system:kube-controller-manager", None),
    "scheduler": ("system:kube-scheduler", None),
    "proxy": ("system:kube-proxy", None),
    "node": ("system:node:node1", "system:nodes"),
    "front-proxy": ("front-proxy-client", None),
}


def make(world):
    """Writes pki/: ca, apiserver, one certificate and kubeconfig a client, and the key of service accounts."""
    pki = world.run / "pki"
    pki.mkdir(mode=0o700)
    openssl = lambda *words: world.call("openssl", *words, cwd=pki)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=vigie-e2e")
    names = ",".join([f"IP:{NODE}", f"IP:{SERVICE}", "IP:127.0.0.1", "DNS:kubernetes", "DNS:kubernetes.default",
                      "DNS:kubernetes.default.svc", "DNS:kubernetes.default.svc.cluster.local"])
    subjects = {"apiserver": ("kube-apiserver", None), "kubelet": ("node1", None), **CLIENTS}
    for file, (name, group) in subjects.items():
        subject = (f"/O={group}" if group else "") + f"/CN={name}"
        alternatives = ["-addext", f"subjectAltName={names},DNS:node1"] if file in ("apiserver", "kubelet") else []
        # Signed in one call: `x509 -req` would need a file of extensions beside each request.
        openssl("req", "-x509", "-CA", "ca.crt", "-CAkey", "ca.key", *key, "-keyout", f"{file}.key", "-out", f"{file}.crt",
                "-days", "1", "-subj", subject, "-addext", "basicConstraints=critical,CA:FALSE", *alternatives)
    openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "sa.key")
    openssl("pkey", "-in", "sa.key", "-pubout", "-out", "sa.pub")
    for file in CLIENTS:
        (pki / f"{file}.kubeconfig").write_text(json.dumps(kubeconfig(pki, file)))
    return pki


def kubeconfig(pki, file):
    data = lambda name: base64.b64encode((pki / name).read_bytes()).decode()
    return {
        "apiVersion": "v1", "kind": "Config", "current-context": "e2e",
        "clusters": [{"name": "e2e", "cluster": {"server": f"https://{NODE}:6443",
                                                 "certificate-authority-data": data("ca.crt")}}],
        "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": file}}],
        "users": [{"name": file, "user": {"client-certificate-data": data(f"{file}.crt"),
                                          "client-key-data": data(f"{file}.key")}}],
    }
