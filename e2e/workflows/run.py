#!/usr/bin/env python3
"""Runs here what the workflows run there: every `run:` step of .github/workflows, and that each of them can fail.

  e2e/workflows/run.py [--list]

1. The files are what rules.py wants (and actionlint, where it can be had): targets of the Makefile only, actions pinned
   by commit, least permissions, nothing that ends well whatever happened.
2. Each step is run as the runner does, with a `make` that fails: a step that ends well then is a fault.
3. Each step is run: as it is, or in a copy of the tree against a registry and a remote of this machine. Those that
   cannot run here are listed below, with their ids in docs/not-run-here.md.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import rules
from fixture import Registry, git, layout

try:
    import yaml
except ImportError:
    sys.exit("workflows: Python's yaml is missing: install the package python3-yaml")

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(os.environ.get("VIGIE_NIX_DIR") or ROOT / "target/nix") / "tools/root/usr/bin"
# The steps that this driver is itself a part of.
ENCLOSING = {"test", "prove"}
# Target to the id of docs/not-run-here.md and what is missing.
NOT_HERE = {
    "check-flake": ("nixpkgs", "the flake with its real inputs needs nixpkgs and its cache"),
    "images": ("nixpkgs", "images by Nix need nixpkgs and its cache"),
    "images-sign": ("signing", "a signature without key needs the identity that a hosted runner is given"),
}
# Steps that run in a copy, one after the other, as the workflow `images` has them.
DELIVERY = ["images-push", "images-commit"]


class Driver:
    """Collects what went wrong and what could not be run."""

    def __init__(self, work):
        self.work, self.faults, self.ran, self.skipped = work, [], 0, []

    def fault(self, sentence):
        self.faults.append(sentence)
        print(f"workflows: {sentence}", file=sys.stderr, flush=True)

    def skip(self, id_, why):
        self.skipped.append(f"{id_}: {why}")

    def shell(self, command, cwd, env, quiet=False):
        """As the runner does it: bash, ending at the first failure."""
        script = self.work / "step.sh"
        script.write_text(command)
        out = subprocess.DEVNULL if quiet else None
        return subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", script], cwd=cwd, check=False,
                              stdout=out, stderr=out, env={**os.environ, **env}).returncode

    def can_fail(self, where, command):
        broken = self.work / "broken"
        broken.mkdir(exist_ok=True)
        make = broken / "make"
        make.write_text("#!/bin/sh\nexit 3\n")
        make.chmod(0o755)
        if self.shell(command, self.work, {"PATH": f"{broken}:{os.environ['PATH']}"}) == 0:
            self.fault(f"{where}: `{command}` ends well although make fails")

    def run(self, where, command, cwd=ROOT, env=None):
        print(f"workflows: {where}: {command}", flush=True)
        code = self.shell(command, cwd, env or {})
        self.ran += 1
        if code != 0:
            self.fault(f"{where}: `{command}` failed with exit code {code}")
        return code == 0


def program(name):
    """A program of the machine, or one that e2e/nix/get-nix.sh unpacked."""
    return shutil.which(name) or next((str(p) for p in [TOOLS / name] if p.is_file()), None)


def lint(driver):
    actionlint = program("actionlint") or str(ROOT / "target/tools/bin/actionlint")
    if not Path(actionlint).is_file() and shutil.which("go"):
        subprocess.run(["go", "install", "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"], check=False,
                       env={**os.environ, "GOBIN": str(ROOT / "target/tools/bin")})
    if not Path(actionlint).is_file():
        driver.skip("actionlint", "actionlint is built with go, which is missing or cannot fetch it")
        return
    done = subprocess.run([actionlint, "-no-color"], cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        driver.fault(f"actionlint: {done.stdout.strip()}")


def copy(driver, name):
    """The tree as it is, as two commits of a repository whose branch `main` is in a bare one beside it."""
    tree, bare = driver.work / name, driver.work / f"{name}.git"
    files = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for file in filter(None, files):
        if (ROOT / file).is_file():
            (tree / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, tree / file)
    git(driver.work, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    git(tree, "init", "--quiet", "--initial-branch=main")
    git(tree, "add", "--all", "--force")
    git(tree, "commit", "--quiet", "--message", "the tree as it is")
    git(tree, "commit", "--quiet", "--allow-empty", "--message", "a commit later")
    git(tree, "remote", "add", "origin", str(bare))
    git(tree, "push", "--quiet", "origin", "main")
    return tree, bare


def delivery(driver, steps):
    """The steps of `images` after the build: layouts are given, everything after them is real."""
    get = subprocess.run([ROOT / "e2e/nix/get-nix.sh", TOOLS.parents[2], "nix-bin", "skopeo", "docker-registry", "jq"],
                         check=False, capture_output=True, text=True)
    skopeo, registry = program("skopeo"), program("docker-registry")
    if not skopeo or not registry:
        driver.skip("registry", f"skopeo or docker-registry cannot be had ({get.stdout.strip() or 'see target/nix'})")
        return
    tree, bare = copy(driver, "delivered")
    hashes = subprocess.run([sys.executable, tree / "e2e/nix/source.py", "hash"], check=True, capture_output=True, text=True)
    oci = driver.work / "oci"
    for line in hashes.stdout.splitlines():
        source, program_ = line.split()
        layout(oci / program_, program_, source)
    with Registry(driver.work, registry) as here:
        env = {"VIGIE_OCI_DIR": str(oci), "VIGIE_REGISTRY": f"{here.name}/health", "VIGIE_INSECURE": "1",
               "PATH": f"{Path(skopeo).parent}:{os.environ['PATH']}", "GIT_CONFIG_GLOBAL": "/dev/null"}
        env |= {f"GIT_{r}_{f}": v for r in ("AUTHOR", "COMMITTER") for f, v in (("NAME", "w"), ("EMAIL", "w@vigie.invalid"))}
        for where, command in steps:
            driver.run(where, command, tree, env)
        delivered(driver, tree, bare, here.name, oci)
        # The promotion commit is of the same sources: a workflow that ran on it would make the same images.
        git(tree, "pull", "--quiet", "origin", "main")
        again = subprocess.run([sys.executable, tree / "e2e/nix/source.py", "hash"], check=True, capture_output=True, text=True)
        if again.stdout != hashes.stdout:
            driver.fault(f"the promotion commit changes the source of images: {again.stdout}")
        # Again: nothing is new, so nothing is committed.
        before = git(bare, "rev-parse", "main")
        driver.run("images again", "make images-commit", tree, env)
        if git(bare, "rev-parse", "main") != before:
            driver.fault("images-commit commits although no digest changed")
        # A run of an older commit that ends late must not bring its images back.
        git(tree, "checkout", "--quiet", "--detach", "main~2")
        if driver.shell("make images-commit", tree, env, quiet=True) == 0 or git(bare, "rev-parse", "main") != before:
            driver.fault("images-commit of an older commit replaced newer images")
        # A layout that is not what its digest says must not be pushed.
        (oci / "web" / "digest").write_text("sha256:" + "1" * 64)
        if driver.shell("make images-push", tree, env, quiet=True) == 0:
            driver.fault("images-push pushed a layout whose digest is another one")


def delivered(driver, tree, bare, registry, oci):
    """The commit touches clusters/*/images only, and every country has the digests of its services."""
    touched = git(bare, "show", "--name-only", "--format=", "main").splitlines()
    if not touched or any(not (t.startswith("clusters/") and t.endswith("/images/kustomization.yaml")) for t in touched):
        driver.fault(f"images-commit touched {touched or 'nothing'}")
    for app in sorted(tree.glob("clusters/*/apps/*/kustomization.yaml")):
        service, country = app.parent.name, app.parents[2].name
        text = git(bare, "show", f"main:clusters/{country}/images/kustomization.yaml")
        digest = (oci / service / "digest").read_text()
        if f"newName: {registry}/health/vigie/{service}\n" not in text + "\n" or f"digest: {digest}" not in text:
            driver.fault(f"clusters/{country}/images does not deploy {service} by the digest that was pushed")
        if f"VIGIE_COMMIT={git(tree, 'rev-parse', 'main~1')}" not in text:
            driver.fault(f"clusters/{country}/images does not name the commit that was built")


def main():
    files = sorted((ROOT / ".github/workflows").glob("*.yml"))
    workflows = {f.name: yaml.safe_load(f.read_text()) for f in files}
    found = list(rules.steps(workflows))
    if "--list" in sys.argv:
        for file, _, job, step in found:
            target = step["run"].split()[1]
            how = "part of itself" if target in ENCLOSING else NOT_HERE[target][0] if target in NOT_HERE else "run"
            print(f"{file}\t{job}\t{step['run'].strip()}\t{how}")
        return 0
    with tempfile.TemporaryDirectory(prefix="vigie-workflows-") as folder:
        driver = Driver(Path(folder))
        planted = subprocess.run([sys.executable, "-m", "unittest", "rules_test"], cwd=Path(__file__).parent, check=False,
                                 capture_output=True, text=True)
        if planted.returncode != 0:
            driver.fault(f"the rules let a planted fault pass: {planted.stderr.strip()}")
        for sentence in [*rules.check(ROOT, workflows, (ROOT / "docs/pipeline.md").read_text()), *rules.scans(ROOT, workflows)]:
            driver.fault(sentence)
        lint(driver)
        later = []
        for file, workflow, job, step in found:
            where, command = f"{file}/{job}", step["run"].strip()
            driver.can_fail(where, command)
            target = command.split()[1] if len(command.split()) > 1 else ""
            if target in ENCLOSING:
                print(f"workflows: {where}: {command}: what this driver is a part of", flush=True)
            elif target in NOT_HERE:
                driver.skip(*NOT_HERE[target])
            elif target in DELIVERY:
                later.append((where, command))
            else:
                driver.run(where, command)
        if [c.split()[1] for _, c in later] != DELIVERY:
            driver.fault(f"the workflow images must push, then commit; it has {later}")
        delivery(driver, later)
        for line in sorted(set(driver.skipped)):
            print(f"skipped: {line}")
        for sentence in driver.faults:
            print(f"workflows: wrong: {sentence}")
        print(f"workflows: {len(files)} files, {len(found)} steps: {driver.ran} runs, {len(driver.faults)} wrong")
        return 1 if driver.faults else 0


sys.exit(main())
