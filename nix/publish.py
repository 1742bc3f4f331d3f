#!/usr/bin/env python3
"""From a commit to digests in clusters/*/images: what the workflow `images` does, one step a call.

  nix/publish.py build    every image as an OCI layout with its digest, by Nix, each built twice and found identical
  nix/publish.py push     the layouts to the registry, byte for byte, each asked back by its digest
  nix/publish.py sign     a signature on each digest, in the name of the workflow that built it
  nix/publish.py commit   the digests into clusters/*/images, as a commit that is pushed; nothing when none changed

Layouts lie in VIGIE_OCI_DIR (default target/oci): <service>/layout and <service>/digest. Whoever makes them otherwise
(a test from the host's build) puts them there and uses the other steps as they are.

  VIGIE_REGISTRY    where images go, for example registry.example.org/health; the name vigie/<service> is appended
  VIGIE_SYSTEM      what is built, default x86_64-linux
  VIGIE_BRANCH      where the commit goes, default main
  VIGIE_REMOTE      to which repository, default origin
  VIGIE_REGISTRY_USER, VIGIE_REGISTRY_PASSWORD    who pushes; nobody when not set
  VIGIE_INSECURE    1: the registry speaks http (a registry on this machine)
"""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OCI = Path(os.environ.get("VIGIE_OCI_DIR") or ROOT / "target/oci").absolute()
SYSTEM = os.environ.get("VIGIE_SYSTEM") or "x86_64-linux"
INSECURE = os.environ.get("VIGIE_INSECURE") == "1"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
IMAGES = "clusters/*/images/kustomization.yaml"


class Stop(Exception):
    """What went wrong, as a sentence."""


def run(*command, read=False):
    """A command whose failure ends the step; its output is shown, or with `read` returned as bytes."""
    done = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE if read else None)
    if done.returncode != 0:
        raise Stop(f"`{' '.join(map(str, command))}` failed with exit code {done.returncode}")
    return done.stdout


def git(*words):
    return run("git", *words, read=True).decode().strip()


def login(folder, to):
    """Gives VIGIE_REGISTRY_USER and VIGIE_REGISTRY_PASSWORD, if set, to skopeo and cosign: in a file, not in arguments."""
    user, password = os.environ.get("VIGIE_REGISTRY_USER", ""), os.environ.get("VIGIE_REGISTRY_PASSWORD", "")
    if not password:
        return
    file = Path(folder) / "config.json"
    file.touch(mode=0o600)
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    file.write_text(json.dumps({"auths": {to.split("/")[0]: {"auth": token}}}))
    os.environ |= {"DOCKER_CONFIG": str(folder), "REGISTRY_AUTH_FILE": str(file)}


def tool(name):
    """A program of this machine, else the one of flake.lock."""
    return [name] if shutil.which(name) else ["nix", "develop", ".#publish", "--command", name]


def programs():
    """Every program has an image: the services, and the commands that nix/source.json names."""
    rules = json.loads((ROOT / "nix/source.json").read_text())
    services = sorted(p.parent.name for p in (ROOT / rules["services"]).glob("*/Cargo.toml"))
    return [*services, *(Path(command).name for command in rules["commands"])]


def registry():
    """`host[:port]/path` without a scheme: skopeo and kustomize want it so."""
    name = os.environ.get("VIGIE_REGISTRY", "").strip("/")
    if not re.fullmatch(r"[a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)*", name):
        raise Stop(f"VIGIE_REGISTRY is `{name}`: write host[:port][/path], in lower case and without https://")
    return name


def layouts():
    """Program to (layout, digest, hash of its source); every one must have one."""
    found = {}
    for service in programs():
        layout, digest = OCI / service / "layout", OCI / service / "digest"
        if not digest.is_file():
            raise Stop(f"{service} has no layout in {OCI}: run `make images` first")
        index = json.loads((layout / "index.json").read_text())
        said = digest.read_text()
        if not DIGEST.fullmatch(said) or [m["digest"] for m in index["manifests"]] != [said]:
            raise Stop(f"{digest} says `{said}` and the layout beside it holds something else")
        blob = layout / "blobs/sha256" / said.removeprefix("sha256:")
        manifest = blob.read_bytes()
        if hashlib.sha256(manifest).hexdigest() != blob.name:
            raise Stop(f"{blob} is not what its name says")
        config = json.loads((layout / "blobs/sha256" / json.loads(manifest)["config"]["digest"][7:]).read_text())
        source = config["config"]["Labels"]["vigie.source-hash"]
        found[service] = (layout, said, source)
    return found


def build():
    OCI.mkdir(parents=True, exist_ok=True)
    for service in programs():
        target = f".#oci.{SYSTEM}.{service}"
        run("nix", "build", "--print-build-logs", "--out-link", OCI / service, target)
        # Built once more from the same inputs and compared: another result ends the step.
        run("nix", "build", "--rebuild", "--no-link", target)
        print(f"images: {service} {(OCI / service / 'digest').read_text()}", flush=True)


def push():
    to = registry()
    # Which registries are believed is no question here: what is pushed is our own, and asked back by its digest.
    skopeo = [*tool("skopeo"), "--insecure-policy"]
    for service, (layout, digest, source) in layouts().items():
        # By digest it is deployed; the tag says which source it is and keeps the registry from collecting it.
        name = f"docker://{to}/vigie/{service}"
        flags = ["--dest-tls-verify=false"] if INSECURE else []
        run(*skopeo, "copy", "--quiet", "--preserve-digests", *flags, f"oci:{layout}:latest", f"{name}:src-{source[:16]}")
        flags = ["--tls-verify=false"] if INSECURE else []
        raw = run(*skopeo, "inspect", "--raw", *flags, f"{name}@{digest}", read=True)
        if hashlib.sha256(raw).hexdigest() != digest.removeprefix("sha256:"):
            raise Stop(f"the registry answers for {service}@{digest} with other bytes")
        print(f"images: pushed vigie/{service}@{digest}", flush=True)


def sign():
    to = registry()
    for service, (_, digest, source) in layouts().items():
        run(*tool("cosign"), "sign", "--yes", "--annotations", f"vigie.source-hash={source}", f"{to}/vigie/{service}@{digest}")


def write(to, digests, commit, lock):
    """Writes the digests; returns the services whose digest is another one now."""
    changed = set()
    for path in sorted(ROOT.glob(IMAGES)):
        text = path.read_text()
        for service, digest in digests.items():
            entry = re.compile(rf"(- name: vigie/{service}\n +newName: )\S+(\n +digest: )(\S+)\n")
            match = entry.search(text)
            if match is None:
                continue  # not a service of this country
            if match.group(3) != digest or match.group(0) != f"{match.group(1)}{to}/vigie/{service}{match.group(2)}{digest}\n":
                changed.add(service)
            text = entry.sub(rf"\g<1>{to}/vigie/{service}\g<2>{digest}\n", text)
        here = [s for s in digests if f"- name: vigie/{s}\n" in text]
        values = {"VIGIE_COMMIT": commit, "VIGIE_LOCK": lock, "VIGIE_DIGESTS": ",".join(f"{s}={digests[s]}" for s in here)}
        lines = "".join(f"      - {key}={value}\n" for key, value in values.items())
        text, count = re.subn(r"( +literals:\n)(?: +- [A-Z_]+=.*\n)+", rf"\g<1>{lines}", text)
        if count != 1:
            raise Stop(f"{path.relative_to(ROOT)} has no `literals:` of the ConfigMap `build`")
        path.write_text(text)
    return sorted(changed)


def written():
    """The commits whose images clusters/ has now."""
    texts = [path.read_text() for path in sorted(ROOT.glob(IMAGES))]
    return {c for text in texts for c in re.findall(r"- VIGIE_COMMIT=([0-9a-f]{40})$", text, re.M)}


def is_ancestor(old, new):
    return subprocess.run(["git", "merge-base", "--is-ancestor", old, new], cwd=ROOT, check=False).returncode == 0


def commit():
    to, built = registry(), layouts()
    remote, branch = os.environ.get("VIGIE_REMOTE") or "origin", os.environ.get("VIGIE_BRANCH") or "main"
    if git("status", "--porcelain", "--untracked-files=no"):
        raise Stop("the checkout has changes: this step resets it and runs in a clean one only")
    source = git("rev-parse", "HEAD")
    lock = hashlib.sha256((ROOT / "flake.lock").read_bytes()).hexdigest()
    digests = {service: digest for service, (_, digest, _) in built.items()}
    for _ in range(5):
        older = [c for c in written() if not is_ancestor(c, source)]
        if older:
            raise Stop(f"clusters/ has images of {older[0][:12]}, which {source[:12]} does not contain: newer ones stay")
        changed = write(to, digests, source, lock)
        if not changed:
            run("git", "checkout", "--quiet", "--", "clusters")
            print("images: every digest is the one that clusters/ has; nothing to commit")
            return
        paths = [str(p.relative_to(ROOT)) for p in sorted(ROOT.glob(IMAGES))]
        run("git", "add", "--", *paths)
        run("git", "commit", "--quiet", "--message", f"build(images): {', '.join(changed)} of {source[:12]}", "--", *paths)
        pushed = subprocess.run(["git", "push", "--quiet", remote, f"HEAD:{branch}"], cwd=ROOT, check=False)
        if pushed.returncode == 0:
            print(f"images: committed the digests of {', '.join(changed)}")
            return
        # Somebody was faster. The digests are those of `source`; they go on top of what is there now.
        run("git", "fetch", "--quiet", remote, branch)
        run("git", "reset", "--quiet", "--hard", "FETCH_HEAD")
        if not is_ancestor(source, "HEAD"):
            raise Stop(f"{source[:12]} is not part of {remote}/{branch}: its images are not written there")
    raise Stop(f"{remote}/{branch} moved five times while the digests were being pushed: run the step again")


def main():
    steps = {"build": build, "push": push, "sign": sign, "commit": commit}
    if len(sys.argv) != 2 or sys.argv[1] not in steps:
        print(f"usage: nix/publish.py {'|'.join(steps)}", file=sys.stderr)
        return 2
    try:
        with tempfile.TemporaryDirectory() as folder:
            if sys.argv[1] in ("push", "sign"):
                login(folder, registry())
            steps[sys.argv[1]]()
    except (Stop, OSError, KeyError, ValueError) as error:
        print(f"images: {error}", file=sys.stderr)
        return 1
    return 0


sys.exit(main())
