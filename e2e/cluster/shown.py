"""What the pods of a country show to whoever asks them: asked as an ingress controller would, with nothing but what the cluster holds."""

import base64
import re
import socket
import ssl
from pathlib import Path

import roles
from process import Failed
from roles import need

NGINX = "nginx.ingress.kubernetes.io/"
SECURE, ADMIN = 8443, 9090


def answer(address, port, path="/", context=None, name=None):
    """How an answer begins; an empty one when there is none. By TLS where there is a `context`, and then of `name`."""
    with socket.create_connection((address, port), timeout=10) as line:
        if context:
            line = context.wrap_socket(line, server_hostname=name)
        try:
            line.sendall(f"GET {path} HTTP/1.1\r\nHost: {name or address}\r\nConnection: close\r\n\r\n".encode())
            return line.recv(4096).decode(errors="replace")
        except (ConnectionError, TimeoutError):
            return ""
        finally:
            line.close()


def certificate(world, app):
    """What one of the pods of a service shows, in DER, to whoever does what its Ingress says."""
    context, name, paths = told(world, app)
    with socket.create_connection(paths[0][:2], timeout=10) as line, context.wrap_socket(line, server_hostname=name) as by_tls:
        return by_tls.getpeercert(binary_form=True)


def refused(address, port, context, name):
    """Why there was no answer."""
    try:
        return f"answered: {answer(address, port, context=context, name=name)[:60]}"
    except (OSError, ssl.SSLError) as error:
        return str(error)


def told(world, app):
    """(context, name, [(address, port, path)]): what an Ingress of the service tells a controller; no path where there is none."""
    context, name, found = None, None, []
    for ingress in (world.get("ingress", f"--namespace={app}") or {"items": []})["items"]:
        says = {k.removeprefix(NGINX): v for k, v in ingress["metadata"]["annotations"].items() if k.startswith(NGINX)}
        need((says["backend-protocol"], says["proxy-ssl-verify"]) == ("HTTPS", "on"), f"{app}: its Ingress says {says}")
        namespace, secret = says["proxy-ssl-secret"].split("/")
        data = world.get("secret", secret, f"--namespace={namespace}")["data"]
        need(set(data) == {"ca.crt"} and namespace == app, f"{app}: {namespace}/{secret} holds {sorted(data)}")
        context = ssl.create_default_context(cadata=base64.b64decode(data["ca.crt"]).decode())
        context.minimum_version = {"TLSv1.3": ssl.TLSVersion.TLSv1_3}[says["proxy-ssl-protocols"]]
        name = says["proxy-ssl-name"]
        for path in (p for rule in ingress["spec"]["rules"] for p in rule["http"]["paths"]):
            backend = path["backend"]["service"]
            service = world.get("service", backend["name"], f"--namespace={app}")["spec"]
            ports = [p["port"] for p in service["ports"] if p["name"] == backend["port"]["name"] and p["appProtocol"] == "https"]
            need(len(ports) == 1 == len(service["ports"]), f"{app}: the Service has {service['ports']}")
            found.append((service["clusterIP"], ports[0], path["path"]))
    return context, name, found


def listening(address):
    """The ports on which something listens in the pod of that address, as the kernel says."""
    for table in Path("/proc").glob("[0-9]*/net/fib_trie"):
        try:
            if re.search(rf"\|-- {re.escape(address)}\n\s+/32 host LOCAL", table.read_text()):
                lines = "".join((table.parent / name).read_text() for name in ("tcp", "tcp6"))
                return {int(port, 16) for port in re.findall(r"^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:0000 0A ", lines, re.M)}
        except OSError:  # a process that has ended meanwhile
            continue
    raise Failed(f"no process is in the pod {address}")


def by_ingress(world, country, apps, clone):
    """Each path answers to whoever does what its Ingress says; with another country's authority, another service's name or an
    older TLS nothing is said."""
    others = [code.name for code in (clone.path / "secrets").iterdir() if code.is_dir() and code.name != country]
    asked = 0
    for app in apps:
        context, name, paths = told(world, app)
        for address, port, path in paths:
            said = answer(address, port, path, context, name)
            need(said.startswith("HTTP/1.1 "), f"{app}{path}: {said[:80]}")
            asked += 1
        for address, port, _ in paths[:1]:
            for code in others:
                wrong = ssl.create_default_context(cafile=roles.authority(world, code))
                need("CERTIFICATE_VERIFY_FAILED" in (said := refused(address, port, wrong, name)), f"{app}, by the authority of {code}: {said}")
            said = refused(address, port, context, "postgres.postgres.svc.cluster.local")
            need("CERTIFICATE_VERIFY_FAILED" in said, f"{app}, under another name: {said}")
            older = ssl.create_default_context(cafile=roles.authority(world, country))
            older.maximum_version = ssl.TLSVersion.TLSv1_2
            need("PROTOCOL_VERSION" in (said := refused(address, port, older, name)).upper(), f"{app}, by TLS 1.2: {said}")
    need(asked >= len(apps) - 1, f"{asked} paths of {len(apps)} services were asked")


def in_the_clear(world, country, apps):
    """Of each pod: its ports are those two, each shows the pod's certificate, and what is no TLS gets no answer. 8080 is closed."""
    context = ssl.create_default_context(cafile=roles.authority(world, country))
    for app in apps:
        wanted = {SECURE, ADMIN} if world.get("service", app, f"--namespace={app}") else {ADMIN}
        # Of a Deployment; a Job's pod ends, and listens nowhere.
        pods = [p for p in world.get("pods", f"--namespace={app}")["items"] if p["status"]["phase"] == "Running" and
                p["metadata"]["ownerReferences"][0]["kind"] == "ReplicaSet" and "deletionTimestamp" not in p["metadata"]]
        need(pods, f"{app} has no pod")
        for address in (pod["status"]["podIP"] for pod in pods):
            found = listening(address)
            need(found == wanted, f"{app} listens on {sorted(found)}")
            for port in found:
                need(not (said := answer(address, port)).startswith("HTTP"), f"{app}:{port} answers in the clear: {said[:60]}")
                path = "/metrics" if port == ADMIN else "/"
                said = answer(address, port, path, context, f"{app}.{app}.svc.cluster.local")
                need(said.startswith("HTTP/1.1 200" if port == ADMIN else "HTTP/1.1 "), f"{app}:{port} by TLS: {said[:60]}")
            said = refused(address, 8080, None, None)
            need("refused" in said, f"{app}:8080: {said}")
