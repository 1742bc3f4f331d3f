"""The images of this run: our services from the host's release build, and what the platform under them needs.

They hold what the Containerfile and the flake put into theirs: one program, its libraries, authorities for TLS, for some
the figures of data/. Their digests are others than those of the flake, which builds from pinned inputs.
"""

import hashlib
import json
from pathlib import Path

import oci
from node import REGISTRY

USER = "10001:10001"
# Which programs read data/ (nix/source.nix says it for the flake).
WITH_DATA = {"ingest", "forecast", "vigie"}
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")


def registry(world):
    (world.run / "registry.yml").write_text(json.dumps({
        "version": "0.1", "log": {"level": "warn"}, "http": {"addr": REGISTRY},
        "storage": {"filesystem": {"rootdirectory": str(world.run / "registry")}, "delete": {"enabled": False}}}))
    world.start("docker-registry", ["docker-registry", "serve", world.run / "registry.yml"])
    import urllib.request
    world.wait("the registry", lambda: urllib.request.urlopen(f"http://{REGISTRY}/v2/", timeout=1).status == 200, 30)


def push(world, name, layers, config):
    """Makes the image and gives it to the registry; returns its digest there, which must be the one it was made with."""
    repository, _, tag = name.rpartition(":") if ":" in name.rsplit("/", 1)[-1] else (name, "", "built")
    layout = world.run / "layouts" / hashlib.sha256(name.encode()).hexdigest()[:16]
    digest = oci.write(layout, layers, config)
    world.call("skopeo", "--insecure-policy", "copy", "--quiet", "--preserve-digests", "--dest-tls-verify=false",
               f"oci:{layout}:latest", f"docker://{REGISTRY}/{repository}:{tag}")
    raw = world.call("skopeo", "--insecure-policy", "inspect", "--raw", "--tls-verify=false",
                     f"docker://{REGISTRY}/{repository}@{digest}")
    if f"sha256:{hashlib.sha256(raw.encode()).hexdigest()}" != digest:
        raise ValueError(f"the registry answers for {name}@{digest} with other bytes")
    return digest


def pause(world):
    """The container that holds a pod's network, compiled from Kubernetes' own source."""
    source, program = world.tools["kubernetes"] / "share/pause.c", world.run / "pause"
    world.call("gcc", "-Os", "-static", "-DVERSION=v3.10", "-o", program, source)
    push(world, "vigie.local/pause:3.10", [oci.layer({"/pause": program})], {"Entrypoint": ["/pause"], "User": "65535:65535"})


def base():
    """What every image of ours has beside its program."""
    return {"/etc/ssl/certs/ca-certificates.crt": AUTHORITIES} if AUTHORITIES.is_file() else {}


def service(world, name, programs, extra=None):
    """One of our services; `programs` is the folder with the release build. Returns the digest."""
    program = (Path(programs) / name).resolve()
    files = {**base(), **oci.libraries(program)}
    env = ["VIGIE_ADDR=0.0.0.0:8080", "VIGIE_ADMIN_ADDR=0.0.0.0:9090", "VIGIE_PROFILE=/etc/vigie/profile.toml"]
    layers = [oci.layer(files, {"/etc/passwd": "vigie:x:10001:10001::/:/bin/none\n"}, {"/tmp": (10001, 0o755)})]
    if name in WITH_DATA:
        layers.append(oci.layer(oci.tree(world.root / "data", "/srv/vigie/data")))
        env.append("VIGIE_DATA_DIR=/srv/vigie/data")
    layers.append(oci.layer({f"/bin/{name}": program}, extra))
    hashed = hashlib.sha256(b"".join(hashlib.sha256(data).digest() for data in layers)).hexdigest()
    return push(world, f"vigie/{name}", layers, {
        "Entrypoint": [f"/bin/{name}"], "User": USER, "Env": [*env, f"VIGIE_SOURCE_HASH={hashed}"], "StopSignal": "SIGTERM",
        "Labels": {"vigie.source-hash": hashed}})
