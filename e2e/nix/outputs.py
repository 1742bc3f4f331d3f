#!/usr/bin/env python3
"""What e2e/nix/check.sh wants of the flake's outputs.

  outputs.py lock TREE            flake.lock pins the revisions that docs/images.md lists
  outputs.py outputs TREE FILES   one package, image and layout a service; images as documented; hashes as source.py's
  outputs.py promote TREE         changes in TREE what a promotion, a page and a manifest change
  outputs.py same FILES FILES     no package, image or hash differs
  outputs.py only NAME FILES FILES   those of one program differ, and no other image

FILES is a prefix: FILES.packages, .images, .oci and .sources hold an output each, as JSON, by system.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SYSTEMS = ["aarch64-linux", "x86_64-linux"]
faults = []


def load(prefix):
    return {o: json.loads(Path(f"{prefix}.{o}").read_text()) for o in ["packages", "images", "oci", "sources"]}


def lock(tree):
    """Every input is pinned by revision and hash, and the page that people read has the same ones."""
    tree = Path(tree)
    nodes = json.loads((tree / "flake.lock").read_text())["nodes"]
    page = (tree / "docs/images.md").read_text()
    for name, node in nodes.items():
        if name == "root":
            continue
        for field in ["rev", "narHash", "lastModified"]:
            if str(node["locked"].get(field, "")) not in page or not node["locked"].get(field):
                faults.append(f"docs/images.md does not show {field} of the input {name}: {node['locked'].get(field)}")
    return f"flake.lock fits flake.nix and pins the {len(nodes) - 1} inputs that docs/images.md lists"


def image(name, config, hash_, carries):
    """An image's configuration is the documented one."""
    env = dict(e.split("=", 1) for e in config["Env"])
    wanted = {"User": "10001:10001", "WorkingDir": "/", "StopSignal": "SIGTERM",
              "ExposedPorts": {"8080/tcp": {}, "9090/tcp": {}}}
    faults.extend(f"the image {name} has {k} = {config.get(k)!r}, not {v!r}" for k, v in wanted.items() if config.get(k) != v)
    if env.get("VIGIE_SOURCE_HASH") != hash_ or config["Labels"].get("vigie.source-hash") != hash_:
        faults.append(f"the image {name} does not carry the hash of its source, {hash_}")
    if not re.fullmatch(r"/nix/store/[^/]+/bin/" + re.escape(name), *config["Entrypoint"]):
        faults.append(f"the image {name} starts {config['Entrypoint']}")
    if ("VIGIE_DATA_DIR" in env) != carries:
        faults.append(f"the image {name} {'lacks' if carries else 'has'} the extract, against nix/source.json")
    commit = re.search(r"\b[0-9a-f]{40}\b", json.dumps(config))
    if commit:
        faults.append(f"the image {name} holds what looks like a commit: {commit.group()}")


def outputs(tree, prefix):
    """The set of outputs follows from the folders of services/."""
    tree, got = Path(tree), load(prefix)
    rules = json.loads((tree / "nix/source.json").read_text())
    programs = [p.parent.name for p in (tree / rules["services"]).glob("*/Cargo.toml")]
    programs += [Path(command).name for command in rules["commands"]]
    said = subprocess.run([sys.executable, HERE / "source.py", "hash", "--root", tree], check=True, capture_output=True, text=True)
    hashes = {name: hash_ for hash_, name in (line.split() for line in said.stdout.splitlines())}
    for system in SYSTEMS:
        for output, names in [("packages", programs), ("images", programs), ("oci", programs)]:
            if sorted(got[output].get(system, {})) != sorted(names):
                faults.append(f"{output}.{system} gives {sorted(got[output].get(system, {}))}, not {sorted(names)}")
        if got["sources"].get(system) != hashes:
            faults.append(f"sources.{system}: Nix and e2e/nix/source.py do not agree on a source: {got['sources'].get(system)}, {hashes}")
        for name, one in got["images"].get(system, {}).items():
            image(name, one["config"], hashes.get(name), name in rules["carries"])
    named = {*rules["carries"], *rules["authorities"], *rules["static"], *rules["tools"]}
    unknown = sorted(named - set(programs))
    faults.extend(f"nix/source.json names {n}, which is no program" for n in unknown)
    return f"{len(programs)} programs: packages, images and layouts evaluate; the hashes are those of source.py"


def promote(tree):
    """What CI, a writer and an operator change without touching a program."""
    tree = Path(tree)
    for path in sorted((tree / "clusters").glob("*/images/kustomization.yaml")):
        path.write_text(path.read_text().replace("0" * 64, "1" * 64).replace("unset", "f" * 40))
    for place in ["README.md", "docs/images.md", "services/web/deploy/deployment.yaml", "flake.nix", "e2e/nix/check.sh"]:
        with (tree / place).open("a") as file:
            file.write("# a line more\n")
    test = tree / "services/web/tests/added_by_the_check.rs"
    test.parent.mkdir(exist_ok=True)
    test.write_text("//! A test.\n")
    return None


def changed(a, b):
    """(output, system, name) of what differs, among what is delivered."""
    old, new = load(a), load(b)
    return sorted((o, s, n) for o in old for s in SYSTEMS for n in old[o][s] if old[o][s][n] != new[o][s].get(n))


def same(a, b):
    faults.extend(f"{o}.{s}.{n} changes with a promotion, a page, a manifest or a test" for o, s, n in changed(a, b))
    return "a promotion, a page, a manifest and a test change no image"


def only(name, a, b):
    differ = changed(a, b)
    missing = [(o, s, name) for o in ["packages", "images", "oci", "sources"] for s in SYSTEMS if (o, s, name) not in differ]
    faults.extend(f"{o}.{s}.{n} does not change with its source" for o, s, n in missing)
    # The stand-in builds all programs in one derivation: there packages change together, their sources do not.
    faults.extend(f"the source of {n} changes with that of {name}" for o, _, n in differ if o == "sources" and n != name)
    return f"a line of {name} changes the image of {name}; the sources of all other programs stay"


def main():
    what, *arguments = sys.argv[1:]
    sentence = {"lock": lock, "outputs": outputs, "promote": promote, "same": same, "only": only}[what](*arguments)
    for fault in faults:
        print(f"nix: {fault}", file=sys.stderr)
    if sentence and not faults:
        print(f"nix: {sentence}")
    sys.exit(1 if faults else 0)


main()
