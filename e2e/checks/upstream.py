#!/usr/bin/env python3
"""What a pod shows, and who asks it: every port of a service is by TLS, with a certificate of the country's authority, and the
manifests say to an ingress controller, another service, a kubelet and a Prometheus how to ask. Without a cluster and without a key."""

from common import ROOT, documents, finish, name, tracked

SHARED = ROOT / "clusters/components/service"
SECURE, ADMIN = 8443, 9090
FILES = {"VIGIE_TLS_CERT": "/etc/vigie-tls/tls.crt", "VIGIE_TLS_KEY": "/etc/vigie-tls/tls.key"}
LISTENS = {"VIGIE_ADDR", "VIGIE_ADMIN_ADDR", *FILES}
NGINX = "nginx.ingress.kubernetes.io/"


def pod(document):
    """The pod of a Deployment and its container."""
    spec = document.get("spec", {}).get("template", {}).get("spec", {})
    return spec, (spec.get("containers") or [{}])[0]


def shared(faults):
    """The component of all services: two ports, both by TLS, and a Secret with what they show."""
    path = SHARED / "deployment.yaml"
    spec, container = pod(documents(path)[0])
    settings = {s["name"]: s.get("value") for s in container.get("env", [])}
    wanted = {"VIGIE_ADDR": f"0.0.0.0:{SECURE}", "VIGIE_ADMIN_ADDR": f"0.0.0.0:{ADMIN}", **FILES}
    faults += [f"{name(path)} must set {key} to {value}, or something of a pod is in the clear" for key, value in wanted.items() if settings.get(key) != value]
    ports = {p["name"]: p["containerPort"] for p in container.get("ports", [])}
    if ports != {"https": SECURE, "admin": ADMIN}:
        faults.append(f"{name(path)} opens {ports}: https ({SECURE}) and admin ({ADMIN}) are the ports that answer by TLS")
    mounted = [m["mountPath"] for v in spec.get("volumes", []) if v.get("secret") == {"secretName": "tls"} for m in container.get("volumeMounts", [])
               if m["name"] == v["name"] and m.get("readOnly")]
    if mounted != ["/etc/vigie-tls"]:
        faults.append(f"{name(path)} must mount the Secret tls at /etc/vigie-tls, read-only")
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        if container.get(probe, {}).get("httpGet", {}).get("scheme") != "HTTPS":
            faults.append(f"{name(path)}: {probe} asks in the clear: scheme: HTTPS")


def ingress(app, path, document):
    """An Ingress: to the port that answers by TLS, with the country's authority and the Service's name."""
    wanted = {"backend-protocol": "HTTPS", "proxy-ssl-secret": f"{app}/authority", "proxy-ssl-verify": "on", "proxy-ssl-server-name": "on",
              "proxy-ssl-name": f"{app}.{app}.svc.cluster.local", "proxy-ssl-protocols": "TLSv1.3"}
    told = document["metadata"].get("annotations", {})
    for key, value in wanted.items():
        if told.get(NGINX + key) != value:
            yield f"{name(path)} must say {NGINX}{key}: {value}, or a controller takes any pod for {app}, or none"
    for one in (p for rule in document["spec"]["rules"] for p in rule["http"]["paths"]):
        if one["backend"]["service"] != {"name": app, "port": {"name": "https"}}:
            yield f"{name(path)} leads {one['path']} to {one['backend']['service']}: the port https of {app} answers by TLS"


def of(app, path, document):
    """What is wrong with one manifest of a service."""
    kind = document.get("kind")
    if kind == "Ingress":
        yield from ingress(app, path, document)
    elif kind == "Service":
        for port in document["spec"]["ports"]:
            if (port.get("name"), port.get("appProtocol"), port.get("targetPort")) != ("https", "https", "https"):
                yield f"{name(path)} has a port {port}: name, appProtocol and targetPort are https, so that nobody asks in the clear"
    elif kind == "Deployment":
        own = {s["name"] for s in pod(document)[1].get("env", [])} & LISTENS
        if own or pod(document)[1].get("ports"):
            yield f"{name(path)} listens in a way of its own ({', '.join(sorted(own)) or 'ports'}): clusters/components/service says where and how"
    elif kind == "PodMonitor":
        for endpoint in document["spec"]["podMetricsEndpoints"]:
            tls = {"ca": {"secret": {"name": "authority", "key": "ca.crt"}}, "serverName": f"{app}.{app}.svc.cluster.local"}
            if endpoint.get("scheme") != "https" or endpoint.get("tlsConfig") != tls:
                yield f"{name(path)} must ask by https and look whom it meets: tlsConfig {tls}"


def policies(faults):
    """Nobody is let in to another port of a service."""
    for path in [SHARED / "network-policy.yaml", *tracked("services/*/deploy/*network-policy.yaml")]:
        for rule in documents(path)[0]["spec"].get("ingress", []):
            others = [p.get("port") for p in rule.get("ports", [{}]) if p.get("port") not in (SECURE, ADMIN)]
            if others:
                faults.append(f"{name(path)} lets somebody in to {others}: a service answers on {SECURE} and {ADMIN}")


def secrets(faults):
    """Each service of a country brings what it shows; who is not there has none."""
    found = {p.relative_to(ROOT).parts[1:3] for p in tracked("secrets/*/*/tls.sops.yaml")}
    apps = {(p.parts[-4], p.parts[-2]) for p in tracked("clusters/*/apps/*/kustomization.yaml")}
    faults += [f"secrets/{country}/{app} has no tls.sops.yaml: secrets/init.sh makes it" for country, app in sorted(apps - found)]
    faults += [f"secrets/{country}/{app}/tls.sops.yaml is of a service that {country} does not have" for country, app in sorted(found - apps)]
    for country, app in sorted(apps & found):
        path = ROOT / f"secrets/{country}/{app}/decrypt.yaml"
        if "tls.sops.yaml" not in documents(path)[0]["files"]:
            faults.append(f"{name(path)} must bring tls.sops.yaml: {app} does not start without what it shows")
    return len(apps)


def main():
    faults, looked = [], 0
    shared(faults)
    for path in tracked("services/*/deploy/*.yaml"):
        for document in documents(path):
            looked += 1
            faults += of(path.relative_to(ROOT).parts[1], path, document)
    policies(faults)
    looked += secrets(faults)
    finish("upstream", faults, looked)


main()
