"""Stand-ins for what the steps of `images` meet: layouts of one small layer, a registry on this machine, a remote."""

import gzip
import hashlib
import io
import json
import os
import socket
import subprocess
import tarfile
import time
import urllib.request


def layout(folder, service, source):
    """An OCI layout of an image with one file, and its digest beside it, as nix/oci.nix makes them."""
    blobs = folder / "layout/blobs/sha256"
    blobs.mkdir(parents=True)

    def blob(data):
        name = hashlib.sha256(data).hexdigest()
        (blobs / name).write_bytes(data)
        return {"digest": f"sha256:{name}", "size": len(data)}

    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        file = tarfile.TarInfo(f"bin/{service}")
        file.size = len(source)
        tar.addfile(file, io.BytesIO(source.encode()))
    config = {
        "architecture": "amd64", "os": "linux", "created": "1970-01-01T00:00:01Z",
        "config": {"User": "10001:10001", "Labels": {"vigie.source-hash": source}},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(plain.getvalue()).hexdigest()}"]},
    }
    kind = "application/vnd.oci.image"
    manifest = blob(json.dumps({
        "schemaVersion": 2, "mediaType": f"{kind}.manifest.v1+json",
        "config": {"mediaType": f"{kind}.config.v1+json", **blob(json.dumps(config).encode())},
        "layers": [{"mediaType": f"{kind}.layer.v1.tar+gzip", **blob(gzip.compress(plain.getvalue(), mtime=0))}],
    }).encode())
    (folder / "layout/oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (folder / "layout/index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [
        {"mediaType": f"{kind}.manifest.v1+json", **manifest, "annotations": {"org.opencontainers.image.ref.name": "latest"}}]}))
    (folder / "digest").write_text(manifest["digest"])


class Registry:
    """docker-registry on a free port of the loopback interface, with its blobs in a folder; stopped by its process."""

    def __init__(self, folder, program):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.name = f"127.0.0.1:{free.getsockname()[1]}"
        settings = folder / "registry.yml"
        settings.write_text(json.dumps({
            "version": 0.1, "log": {"level": "error"}, "http": {"addr": self.name},
            "storage": {"filesystem": {"rootdirectory": str(folder / "blobs")}}}))
        self.process = subprocess.Popen([program, "serve", settings], env={**os.environ, "OTEL_TRACES_EXPORTER": "none"},
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        for _ in range(100):
            try:
                with urllib.request.urlopen(f"http://{self.name}/v2/", timeout=1):
                    return self
            except OSError:
                time.sleep(0.1)
        self.__exit__()
        raise OSError(f"the registry on {self.name} does not answer")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)


def git(where, *words):
    """git in a folder, as somebody who exists nowhere else."""
    who = {f"GIT_{role}_{field}": value for role in ("AUTHOR", "COMMITTER")
           for field, value in (("NAME", "workflow"), ("EMAIL", "workflow@vigie.invalid"))}
    done = subprocess.run(["git", "-C", where, *words], check=True, capture_output=True, text=True, env={**os.environ, **who})
    return done.stdout.strip()
