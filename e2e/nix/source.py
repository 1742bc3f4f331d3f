#!/usr/bin/env python3
"""The source of a program, by the rules of nix/source.json, without Nix. nix/source.nix reads the same rules.

  e2e/nix/source.py hash [--root DIR] [PROGRAM ...]   a line `<sha256>  <program>` for each (default: all)
  e2e/nix/source.py files [--root DIR] PROGRAM        the files whose bytes make that hash
  e2e/nix/source.py tree [--root DIR] PROGRAM OUT     writes the source that the program is built from to OUT
  e2e/nix/source.py cargo [--root DIR]                compares with what cargo reads in each source; 3: crates are missing

The hash of a program is the SHA-256 of what `sha256sum` prints for its files in the order of the C locale. It is what
an image carries as VIGIE_SOURCE_HASH and as the label vigie.source-hash.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path


class Tree:
    """A checkout, read by the rules."""

    def __init__(self, root):
        self.root = root
        self.rules = json.loads((root / "nix/source.json").read_text())
        self.table = tomllib.loads((root / "Cargo.toml").read_text())["workspace"]["dependencies"]
        self.members = [m for group in self.rules["groups"] for m in self.folders(group)]

    def folders(self, group):
        return sorted(f"{group}/{p.parent.name}" for p in (self.root / group).glob("*/Cargo.toml"))

    def programs(self):
        """Program name to its folder."""
        return {Path(m).name: m for m in [*self.folders(self.rules["services"]), *self.rules["commands"]]}

    def manifest(self, member):
        return tomllib.loads((self.root / member / "Cargo.toml").read_text())

    def below(self, place):
        """Regular files below a folder, as paths from the root; links are left out."""
        found = []
        for path in sorted((self.root / place).iterdir()):
            if path.is_symlink():
                continue
            if path.is_dir():
                found += self.below(f"{place}/{path.name}")
            elif path.is_file():
                found.append(f"{place}/{path.name}")
        return found

    def own(self, member):
        """A member's folder without what no build reads, and the files of others that its code includes."""
        mine = [f for f in self.below(member) if f.split("/")[2] not in self.rules["never"]]
        return mine + self.rules["borrows"].get(member, [])

    def closure(self, member):
        """The member and every local crate that it needs."""
        seen, todo = [], [member]
        while todo:
            one = todo.pop()
            if one in seen:
                continue
            seen.append(one)
            m = self.manifest(one)
            names = {**m.get("dependencies", {}), **m.get("build-dependencies", {})}
            entries = [self.table.get(n) for n in names]
            todo += [e["path"] for e in entries if isinstance(e, dict) and "path" in e]
        return seen

    def source(self, member):
        """The files that a program is built from."""
        built = self.closure(member)
        others = [f"{m}/Cargo.toml" for m in self.members if m not in built]
        return sorted({*self.rules["root"], *others, *(f for m in built for f in self.own(m))})

    def missing(self, member):
        """Files that the code includes and that are not in its source."""
        files = set(self.source(member))
        for file in sorted(f for f in files if f.endswith(".rs")):
            for target in re.findall(r'\binclude(?:_str|_bytes)?!\(\s*"([^"]+)"', (self.root / file).read_text()):
                path = os.path.normpath(os.path.join(os.path.dirname(file), target))
                if path not in files:
                    yield f"{file} includes {path}"

    def carried(self, member):
        """The files that its image holds beside the program."""
        return [f for place in self.rules["carries"].get(Path(member).name, []) for f in self.below(place)]

    def hash(self, member):
        lines = ""
        for file in sorted([*self.source(member), *self.carried(member)], key=str.encode):
            lines += f"{hashlib.sha256((self.root / file).read_bytes()).hexdigest()}  {file}\n"
        return hashlib.sha256(lines.encode()).hexdigest()

    def stubs(self, member):
        """Targets that a manifest declares, or a member must have, and whose file is not in the source."""
        files, built = set(self.source(member)), self.closure(member)
        wanted = [f"{m}/src/main.rs" for m in self.members if m not in built]
        for m in self.members:
            for kind, folder in [("bin", "src/bin"), ("bench", "benches"), ("example", "examples"), ("test", "tests")]:
                for target in self.manifest(m).get(kind, []):
                    wanted.append(f"{m}/{target.get('path') or folder + '/' + target['name'] + '.rs'}")
        return [f for f in wanted if f not in files]

    def write(self, member, out):
        for file in self.source(member):
            (out / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.root / file, out / file)
        for file in self.stubs(member):
            (out / file).parent.mkdir(parents=True, exist_ok=True)
            (out / file).write_text("fn main() {}\n")


def local_needs(metadata, name):
    """The folders of the local crates that cargo builds for a package."""
    packages = {p["id"]: p for p in metadata["packages"]}
    nodes = {n["id"]: n for n in metadata["resolve"]["nodes"]}
    todo, seen = [i for i, p in packages.items() if p["source"] is None and p["name"] == name], set()
    while todo:
        one = todo.pop()
        if one in seen:
            continue
        seen.add(one)
        for dep in nodes[one]["deps"]:
            kinds = {k["kind"] for k in dep["dep_kinds"]}
            if packages[dep["pkg"]]["source"] is None and kinds & {None, "build"}:
                todo.append(dep["pkg"])
    return {os.path.relpath(Path(packages[i]["manifest_path"]).parent, metadata["workspace_root"]) for i in seen}


def compare(tree):
    """What the code includes is there; cargo accepts each source with its lock file, and wants the same local crates."""
    missing = sorted({m for member in tree.programs().values() for m in tree.missing(member)})
    if missing:
        sys.exit(f"source.py: nix/source.json leaves out what is compiled in (a file of another crate is `borrows`): {'; '.join(missing)}")
    for name, member in sorted(tree.programs().items()):
        with tempfile.TemporaryDirectory() as folder:
            tree.write(member, Path(folder))
            done = subprocess.run(["cargo", "metadata", "--locked", "--offline", "--format-version", "1"], cwd=folder, check=False,
                                  capture_output=True, text=True)
        if done.returncode != 0 and "offline" in done.stderr:
            sys.exit(3)
        if done.returncode != 0:
            sys.exit(f"source.py: cargo does not accept the source of {name}: {done.stderr.strip()}")
        needs = local_needs(json.loads(done.stdout), name)
        if needs != set(tree.closure(member)):
            sys.exit(f"source.py: {name} needs {sorted(needs)} and its source has {sorted(tree.closure(member))}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["hash", "files", "tree", "cargo"])
    parser.add_argument("arguments", nargs="*")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    args = parser.parse_intermixed_args()
    tree = Tree(args.root)
    programs = tree.programs()
    if args.what == "cargo":
        return compare(tree)
    named = args.arguments[:1] if args.what != "hash" else args.arguments or sorted(programs)
    unknown = [n for n in named if n not in programs]
    if unknown or len(args.arguments) < {"hash": 0, "files": 1, "tree": 2}[args.what]:
        sys.exit(f"source.py: name a program of {', '.join(sorted(programs))}; see --help")
    if args.what == "hash":
        for name in named:
            print(f"{tree.hash(programs[name])}  {name}")
    elif args.what == "files":
        member = programs[named[0]]
        print("\n".join(sorted([*tree.source(member), *tree.carried(member)], key=str.encode)))
    else:
        tree.write(programs[named[0]], Path(args.arguments[1]))
    return None


main()
