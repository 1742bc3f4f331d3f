"""Container images without a daemon: files in, an OCI layout out, the same bytes each time.

One uncompressed layer, entries sorted, owned by root, dated 0: the digest depends on the content alone.
"""

import hashlib
import io
import json
import re
import subprocess
import tarfile
from pathlib import Path


def libraries(*programs):
    """What the dynamic loader needs for these programs, as {path in the image: path here}."""
    found = {}
    for program in programs:
        done = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False)
        for path in re.findall(r"(?:=> )?(/[^ ]+) \(0x", done.stdout):
            found[path] = Path(path).resolve()
    return found


def tree(folder, at):
    """A folder's files, as {path in the image: path here}; links stay links."""
    folder = Path(folder)
    return {f"{at}/{p.relative_to(folder)}": p for p in sorted(folder.rglob("*")) if p.is_symlink() or p.is_file()}


def layer(files, texts=None, folders=()):
    """The layer's bytes. files: path -> file here; texts: path -> content; folders: path -> (uid, mode)."""
    entries = {}
    for path, source in files.items():
        entries[path.lstrip("/")] = source
    for path, text in (texts or {}).items():
        entries[path.lstrip("/")] = text.encode() if isinstance(text, str) else text
    owned = {path.strip("/"): how for path, how in dict(folders).items()}
    for path in list(entries) + list(owned):
        for parent in Path(path).parents:
            if str(parent) not in (".", ""):
                owned.setdefault(str(parent), (0, 0o755))
    for path in list(entries):
        owned.pop(path, None)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted([*entries, *owned]):
            info = tarfile.TarInfo(path)
            if path in owned:
                info.type, (info.uid, info.mode) = tarfile.DIRTYPE, owned[path]
                info.gid = info.uid
                tar.addfile(info)
                continue
            source = entries[path]
            if isinstance(source, bytes):
                info.size, info.mode = len(source), 0o644
                tar.addfile(info, io.BytesIO(source))
            elif source.is_symlink():
                info.type, info.linkname = tarfile.SYMTYPE, str(source.readlink())
                tar.addfile(info)
            else:
                info.size, info.mode = source.stat().st_size, 0o755 if source.stat().st_mode & 0o111 else 0o644
                with source.open("rb") as content:
                    tar.addfile(info, content)
    return out.getvalue()


def write(out, layers, config):
    """Writes the layout to the folder `out` and returns the digest of the image."""
    blobs = Path(out) / "blobs/sha256"
    blobs.mkdir(parents=True)

    def blob(data, kind):
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(data)}

    described = [blob(data, "layer.v1.tar") for data in layers]
    settings = blob(json.dumps({
        "architecture": "amd64", "os": "linux", "created": "1970-01-01T00:00:00Z", "config": config,
        "rootfs": {"type": "layers", "diff_ids": [d["digest"] for d in described]}}, sort_keys=True).encode(), "config.v1+json")
    manifest = blob(json.dumps({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": settings,
        "layers": described}, sort_keys=True).encode(), "manifest.v1+json")
    manifest["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
    (Path(out) / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
    (Path(out) / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    return manifest["digest"]
