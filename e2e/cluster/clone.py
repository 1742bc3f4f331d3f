"""A scratch copy of what GitOps reads, in a repository of this run: local digests, keys of this run, upstream files from
the modules that e2e/tools pins. Nothing of it goes back.
"""

import hashlib
import re
import shutil
import subprocess

from process import Failed
from sandbox import NODE

URL = f"git://{NODE}/vigie.git"
TAKEN = ["clusters", "secrets", "services/*/deploy/*", ".sops.yaml"]
ZERO = "sha256:" + "0" * 64
# Where a release's own copy of an upstream file lies: the beginning of its address -> (tool, folder under share/).
UPSTREAM = {
    r"https://raw\.githubusercontent\.com/argoproj/argo-cd/[^/]+/manifests/": ("argocd", "manifests"),
    r"https://raw\.githubusercontent\.com/cloudnative-pg/cloudnative-pg/[^/]+/releases/": ("cloudnative-pg", "releases"),
}


class Clone:
    def __init__(self, world, taken=TAKEN):
        self.world, self.path, self.taken = world, world.run / "clone", taken
        self.bare, self.run_aside = world.run / "git/vigie.git", world.run / "aside"
        self.path.mkdir()

    def git(self, *words):
        return self.world.call("git", "-c", "user.name=e2e", "-c", "user.email=e2e@vigie.invalid", "-c", "commit.gpgsign=false",
                               *words, cwd=self.path)

    def make(self):
        """Copies the files that git knows or would add, as they lie in the folder; serves the copy on the node's address."""
        root = self.world.root
        # The caller's git, not the sandbox's: the folder may belong to another user.
        files = subprocess.run(["git", "-c", f"safe.directory={root}", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--",
                                *self.taken], cwd=root, capture_output=True, text=True, check=True).stdout.split("\0")
        for name in filter(None, files):
            if (root / name).is_file():
                (self.path / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(root / name, self.path / name, follow_symlinks=False)
        self.git("init", "--quiet", "--initial-branch=main")
        self.world.call("git", "init", "--quiet", "--bare", "--initial-branch=main", self.bare)
        self.git("remote", "add", "origin", str(self.bare))
        self.world.start("git", ["git", "daemon", "--reuseaddr", "--export-all", "--informative-errors", f"--listen={NODE}",
                                 f"--base-path={self.world.run}/git"])

    def push(self, message):
        """Commits all that changed and pushes it; returns the commit."""
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--message", message)
        self.git("push", "--quiet", "origin", "main")
        return self.git("rev-parse", "HEAD").strip()

    def revert(self):
        self.git("revert", "--no-edit", "HEAD")
        self.git("push", "--quiet", "origin", "main")
        return self.git("rev-parse", "HEAD").strip()

    def edit(self, name, *changes):
        """Replaces by regular expressions; each must match, so that a changed manifest is noticed here."""
        path = self.path / name
        text = path.read_text()
        for pattern, replacement in changes:
            text, count = re.subn(pattern, replacement, text, flags=re.M)
            if not count:
                raise Failed(f"{name} has nothing like `{pattern}`: the test must follow the manifest")
        path.write_text(text)

    def upstream(self):
        """Resolves remote resources from the pinned modules; returns [(address, sha256 as written, as found)]."""
        seen = []
        for listed in sorted(self.path.glob("clusters/**/upstream.sha256")):
            wanted = dict(reversed(line.split()) for line in listed.read_text().splitlines())
            root = listed.parent / "kustomization.yaml"
            text = root.read_text()
            remote = set(re.findall(r"^ *- (https?://\S+)$", text, re.M))
            if remote != set(wanted):
                raise Failed(f"{listed.relative_to(self.path)} and the kustomization beside it name different files")
            for address in sorted(remote):
                content = self.released(address)
                seen.append((address, wanted[address], hashlib.sha256(content).hexdigest()))
                local = "upstream-" + address.rsplit("/", 1)[1]
                (listed.parent / local).write_bytes(content)
                text = text.replace(address, local)
            root.write_text(text)
        unlisted = [p for p in self.path.glob("clusters/**/kustomization.yaml")
                    if re.search(r"^ *- https?://", p.read_text(), re.M)]
        if unlisted:
            raise Failed(f"{unlisted[0].relative_to(self.path)} takes a remote file without a sha256 beside it")
        return seen

    def released(self, address):
        for pattern, (tool, folder) in UPSTREAM.items():
            if found := re.match(pattern, address):
                path = self.world.tools[tool] / "share" / folder / address[found.end():]
                if path.is_file():
                    return path.read_bytes()
        raise Failed(f"no module of e2e/tools has {address}")

    def digests(self, country, digests):
        """Local digests into clusters/<country>/images, as CI writes real ones; of the programs that the country has."""
        name = f"clusters/{country}/images/kustomization.yaml"
        for service in re.findall(r"- name: vigie/(\S+)", (self.path / name).read_text()):
            self.edit(name, (rf"(- name: vigie/{service}\n +newName: \S+\n +digest: )\S+", rf"\g<1>{digests[service]}"))

    def render(self, folder, sealed=False):
        """What kustomize makes of a folder."""
        return self.world.call("kustomize", "build", "--enable-alpha-plugins", "--enable-exec", folder, cwd=self.path,
                               env={"KRM_SOPS_SEALED": "1"} if sealed else {"SOPS_AGE_KEY_FILE": str(self.world.run / "agekey")})
