#!/usr/bin/env python3
"""Manifests, without a cluster and without kustomize: what runs is what the folders say, and all of it is restricted."""

import re

from common import ROOT, documents, finish, name, tracked

ZERO = "sha256:" + "0" * 64
SHARED = "../../../clusters/components/service"
COMPONENTS = ["../../profile", "../../authority", "../../origin", "../../images", "../../../components/hardened"]


def pod(deployment):
    """The pod of a Deployment."""
    return deployment.get("spec", {}).get("template", {}).get("spec", {})


class Manifests:
    def __init__(self):
        self.faults, self.files = [], {}  # sentences; path -> its documents
        self.settings = set(re.findall(r"`(VIGIE_[A-Z_]+)`", (ROOT / "docs/operations.md").read_text(encoding="utf-8")))
        for path in tracked("clusters/*.yaml", "services/*/deploy/*.yaml"):
            try:
                self.files[path] = documents(path)
            except ValueError as error:
                self.files[path] = []
                self.wrong(path, f"is no YAML: {error}")
            if any(not isinstance(d, dict) or not {"apiVersion", "kind"} <= d.keys() for d in self.files[path]):
                self.wrong(path, "has a document without apiVersion and kind")
            if len(self.files[path]) != 1:
                self.wrong(path, f"holds {len(self.files[path])} documents; one is wanted")

    def wrong(self, path, why):
        self.faults.append(f"{name(path)} {why}")

    def one(self, path):
        """The first document of a file; an empty one when there is none."""
        return next(iter(self.files.get(path, [])), {})

    def orphans(self):
        """A file that no kustomization names is deployed by nobody, whatever it looks like."""
        for path in self.files:
            if path.name == "kustomization.yaml":
                continue
            root = self.one(path.parent / "kustomization.yaml")
            listed = root.get("resources", []) + [p.get("path") for p in root.get("patches", [])]
            listed += root.get("generators", [])
            if path.name not in listed:
                self.wrong(path, "is named by no kustomization.yaml beside it")

    def base(self, folder):
        """The base of a service: the shared component, its own image and size, its paths. Returns the paths."""
        root = self.one(folder / "kustomization.yaml")
        if root.get("components") != [SHARED]:
            self.wrong(folder / "kustomization.yaml", f"must have components: [{SHARED}]")
        path, service = folder / "deployment.yaml", folder.parent.name
        containers = pod(self.one(path)).get("containers", [])
        if [(c.get("name"), c.get("image")) for c in containers] != [("service", f"vigie/{service}")]:
            self.wrong(path, f"must have one container, named service, of the image vigie/{service} without tag")
        for container in containers:
            resources = container.get("resources", {})
            if "memory" not in resources.get("limits", {}) or set(resources.get("requests", {})) != {"cpu", "memory"}:
                self.wrong(path, "must request cpu and memory and limit memory")
            for setting in container.get("env", []):
                if setting.get("name", "").startswith("VIGIE_") and setting["name"] not in self.settings:
                    self.wrong(path, f"sets {setting['name']}, which no service reads: docs/operations.md lists the settings")
        routes = folder / "routes.yaml"
        paths = [p for r in self.one(routes).get("spec", {}).get("rules", []) for p in r.get("http", {}).get("paths", [])]
        if routes in self.files and (not paths or any(p.get("pathType") != "Prefix" for p in paths)):
            self.wrong(routes, "must be an Ingress whose paths have pathType: Prefix (`vigie up` reads it too)")
        if routes in self.files and [set(t) for t in self.one(routes).get("spec", {}).get("tls", [])] != [{"secretName"}]:
            self.wrong(routes, "must be answered over TLS, with a certificate of its namespace: tls: [{ secretName: … }]")
        return [p.get("path") for p in paths]

    def country(self, folder):
        """One country: its overlays, its root and its images name the same services."""
        apps = sorted(p.parent.name for p in self.files if p.parent.parent == folder / "apps")
        prefixes = []
        for app in apps:
            path, base = folder / "apps" / app / "kustomization.yaml", ROOT / "services" / app / "deploy"
            if base / "kustomization.yaml" not in self.files or not (base.parent / "Cargo.toml").is_file():
                self.wrong(path, f"names a service that is not there: services/{app} needs Cargo.toml and deploy/")
                continue
            secrets = f"../../../../secrets/{folder.name}/{app}"
            wanted = {"namespace": app, "resources": [f"../../../../services/{app}/deploy"], "components": [*COMPONENTS, secrets]}
            found = {k: v for k, v in self.one(path).items() if k not in ("apiVersion", "kind")}
            # Beside these a part of the base that not every country has.
            part = f"../../../../services/{app}/deploy/"
            found["components"] = [c for c in found.get("components", []) if not str(c).startswith(part)]
            if found != wanted:
                self.wrong(path, "holds more or less than namespace, base, parts of the base and the six components")
            prefixes += self.base(base)
        if len(prefixes) != len(set(prefixes)) or "/" not in prefixes:
            self.wrong(folder / "apps", f"must give each path to one service and `/` to one of them, not {sorted(prefixes)}")
        root = folder / "kustomization.yaml"
        if sorted(self.one(root).get("resources", [])) != [f"apps/{a}" for a in apps]:
            self.wrong(root, "lists other services than the folders of apps/")
        origin = folder / "origin/kustomization.yaml"
        if f"VIGIE_APPS={','.join(apps)}" not in self.one(origin).get("configMapGenerator", [{}])[0].get("literals", []):
            self.wrong(origin, f"must tell the pages what runs: VIGIE_APPS={','.join(apps)}")
        images = folder / "images/kustomization.yaml"
        entries = self.one(images).get("images", [])
        # `vigie` is the operator's command, which brings schema and figures (platform/schema); Argo CD decrypts by krm-sops.
        if sorted(e.get("name", "") for e in entries) != sorted(f"vigie/{a}" for a in [*apps, "vigie", "krm-sops"]):
            self.wrong(images, "lists other images than the folders of apps/ need: an absent service has no image")
        for entry in entries:
            digest, unbuilt = entry.get("digest", ""), entry.get("newName", "").startswith("registry.invalid/")
            if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest) or "newTag" in entry:
                self.wrong(images, f"must deploy {entry.get('name')} by a digest, not by a tag")
            elif unbuilt != (digest == ZERO):
                self.wrong(images, f"must hold the all-zero digest for {entry.get('name')} as long as its registry is registry.invalid, and "
                                   "a real one from then on")

    def accounts(self):
        """The list of erasures lies on a disk of its own, and letters may go out."""
        folder = ROOT / "services/identity/deploy"
        path, spec = folder / "deployment.yaml", pod(self.one(folder / "deployment.yaml"))
        container = (spec.get("containers") or [{}])[0]
        listed = next((e.get("value", "") for e in container.get("env", []) if e.get("name") == "VIGIE_ERASURES"), "")
        mounted = {m["name"] for m in container.get("volumeMounts", []) if listed.startswith(m["mountPath"] + "/") and not m.get("readOnly")}
        claims = {v["name"]: v["persistentVolumeClaim"]["claimName"] for v in spec.get("volumes", []) if "persistentVolumeClaim" in v}
        made = [d["metadata"]["name"] for f, found in self.files.items() if f.parent == folder for d in found if d["kind"] == "PersistentVolumeClaim"]
        if not any(claims.get(volume) in made for volume in mounted):
            self.wrong(path, "must keep VIGIE_ERASURES on a PersistentVolumeClaim of its own: a restored backup brings back whoever was erased")
        rules = self.one(folder / "network-policy.yaml").get("spec", {}).get("egress", [])
        ports = {p.get("port") for rule in rules for p in rule.get("ports", [])}
        if ports != {443, 465, 587}:
            self.wrong(folder / "network-policy.yaml", f"must let out https and mail over TLS (443, 465, 587) and nothing else, not {sorted(ports)}")

    def shared(self):
        """The component that makes every pod restricted."""
        path = ROOT / "clusters/components/service/deployment.yaml"
        spec = pod(self.one(path))
        container = (spec.get("containers") or [{}])[0]
        security = {**spec.get("securityContext", {}), **container.get("securityContext", {})}
        wanted = {
            "runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"},
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }
        for key in (k for k, value in wanted.items() if security.get(k) != value):
            self.wrong(path, f"must set {key} to {wanted[key]}")
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"]:
            if container.get(probe, {}).get("httpGet", {}).get("port") != "admin":
                self.wrong(path, f"must have a {probe} on the admin port")


def main():
    manifests = Manifests()
    manifests.shared()
    manifests.orphans()
    manifests.accounts()
    for profile in tracked("clusters/*/profile/profile.toml"):
        manifests.country(profile.parents[1])
    finish("manifests", manifests.faults, len(manifests.files))


main()
