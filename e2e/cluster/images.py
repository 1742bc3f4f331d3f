"""The images of this run: ours from the host's release build, and what the platform under them needs.

They hold what nix/source.json says and the flake puts into them: one program with its libraries, and for some figures,
authorities for TLS or another program. Their digests are others than those of the flake, which builds from pinned inputs.
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import oci
from node import REGISTRY

USER = "10001:10001"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
DATA = "/srv/vigie"


def registry(world):
    (world.run / "registry.yml").write_text(json.dumps({
        "version": "0.1", "log": {"level": "warn"}, "http": {"addr": REGISTRY},
        "storage": {"filesystem": {"rootdirectory": str(world.run / "registry")}, "delete": {"enabled": False}}}))
    world.start("docker-registry", ["docker-registry", "serve", world.run / "registry.yml"])
    import urllib.request
    world.wait("the registry", lambda: urllib.request.urlopen(f"http://{REGISTRY}/v2/", timeout=1).status == 200, 30)


def push(world, name, layers, config):
    """Makes an image and gives it to the registry; returns its digest there, which must be the one it was made with."""
    layout = world.run / "layouts" / hashlib.sha256(name.encode()).hexdigest()[:16]
    return send(world, name, layout, oci.write(layout, layers, config))


def send(world, name, layout, digest):
    repository, _, tag = name.rpartition(":") if ":" in name.rsplit("/", 1)[-1] else (name, "", "built")
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


def sources(root):
    """Program -> the hash of its source in a tree, as the flake finds it."""
    said = subprocess.run([sys.executable, root / "e2e/nix/source.py", "hash", "--root", root], check=True, capture_output=True,
                          text=True, timeout=120).stdout
    return {name: hash_ for hash_, name in (line.split() for line in said.splitlines())}


def layout(world, root, name, programs, source, folder):
    """One of our images as nix/oci.nix leaves it: `folder`/layout and `folder`/digest. `root` is the tree it is of,
    `programs` the folder with the release build. Returns the digest."""
    rules = json.loads((root / "nix/source.json").read_text())
    program = (Path(programs) / name).resolve()
    files = dict(oci.libraries(program))
    env = {"VIGIE_ADDR": "0.0.0.0:8080", "VIGIE_ADMIN_ADDR": "0.0.0.0:9090", "VIGIE_PROFILE": "/etc/vigie/profile.toml",
           "VIGIE_SOURCE_HASH": source}
    if name in rules["authorities"]:
        files["/etc/ssl/certs/ca-certificates.crt"] = AUTHORITIES
        env["SSL_CERT_FILE"] = "/etc/ssl/certs/ca-certificates.crt"
    for tool in rules["tools"].get(name, []):
        files[f"/tools/{tool}"] = world.tools[tool] / "bin" / tool
        env["PATH"] = "/tools"
    layers = [oci.layer(files)]
    if carried := rules["carries"].get(name):
        layers.append(oci.layer({at: path for part in carried for at, path in oci.tree(root / part, f"{DATA}/{part}").items()}))
        env["VIGIE_DATA_DIR"] = f"{DATA}/data"
    layers.append(oci.layer({f"/bin/{name}": program}))
    digest = oci.write(folder / "layout", layers, {
        "Entrypoint": [f"/bin/{name}"], "User": USER, "WorkingDir": "/", "StopSignal": "SIGTERM",
        "Env": [f"{key}={value}" for key, value in sorted(env.items())], "Labels": {"vigie.source-hash": source}})
    (folder / "digest").write_text(digest)
    return digest


def ours(world, programs):
    """All of our images, given to the registry as `vigie/<program>`; program -> digest."""
    found = {}
    for name, source in sources(world.root).items():
        folder = world.run / "ours" / name
        digest = layout(world, world.root, name, programs, source, folder)
        found[name] = send(world, f"vigie/{name}", folder / "layout", digest)
    return found
