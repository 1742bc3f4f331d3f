#!/usr/bin/env python3
"""Manifests, without a cluster and without kustomize: what runs is what the folders say, and all of it is restricted."""

import sys

from common import ROOT, finish, name, tracked

try:
    import yaml
except ImportError:
    sys.exit("manifests: Python's yaml is missing: install the package python3-yaml")

ZERO = "sha256:" + "0" * 64
SHARED = "../../../clusters/components/service"
COMPONENTS = ["../../profile", "../../origin", "../../images", "../../../components/hardened"]


class Manifests:
    """Reads manifests and collects faults."""

    def __init__(self):
        self.faults, self.files = [], {}
        for path in tracked("clusters/*.yaml", "services/*/deploy/*.yaml"):
            try:
                self.files[path] = [d for d in yaml.safe_load_all(path.read_text(encoding="utf-8")) if d is not None]
            except yaml.YAMLError as error:
                self.files[path] = []
                self.wrong(path, f"is no YAML: {' '.join(str(error).split())}")
            for document in self.files[path]:
                if not isinstance(document, dict) or not {"apiVersion", "kind"} <= document.keys():
                    self.wrong(path, "has a document without apiVersion and kind")

    def wrong(self, path, why):
        self.faults.append(f"{name(path)} {why}")

    def one(self, path):
        """The single document of a file; an empty one when there is none."""
        documents = self.files.get(path, [])
        if len(documents) != 1:
            self.wrong(path, f"holds {len(documents)} documents; one is wanted")
        return documents[0] if documents else {}

    def orphans(self):
        """A file that no kustomization names is deployed by nobody, whatever it looks like."""
        for path in self.files:
            if path.name == "kustomization.yaml":
                continue
            root = self.one(path.parent / "kustomization.yaml") if path.parent / "kustomization.yaml" in self.files else {}
            listed = root.get("resources", []) + [p.get("path") for p in root.get("patches", [])]
            if path.name not in listed:
                self.wrong(path, "is named by no kustomization.yaml beside it")

    def base(self, folder):
        """The base of a service: the shared component, its own image and size, its paths. Returns the paths."""
        root = self.one(folder / "kustomization.yaml")
        if root.get("components") != [SHARED]:
            self.wrong(folder / "kustomization.yaml", f"must have components: [{SHARED}]")
        path, service = folder / "deployment.yaml", folder.parent.name
        containers = self.one(path).get("spec", {}).get("template", {}).get("spec", {}).get("containers", [])
        if [(c.get("name"), c.get("image")) for c in containers] != [("service", f"vigie/{service}")]:
            self.wrong(path, f"must have one container, named service, of the image vigie/{service} without tag")
        for container in containers:
            resources = container.get("resources", {})
            if "memory" not in resources.get("limits", {}) or not {"cpu", "memory"} <= resources.get("requests", {}).keys():
                self.wrong(path, "must request cpu and memory and limit memory")
        routes = folder / "routes.yaml"
        if routes not in self.files:
            return []
        rules = self.one(routes).get("spec", {}).get("rules", [])
        paths = [p for r in rules for p in r.get("http", {}).get("paths", [])]
        if self.one(routes).get("kind") != "Ingress" or not paths or any(p.get("pathType") != "Prefix" for p in paths):
            self.wrong(routes, "must be an Ingress whose paths have pathType: Prefix (`vigie up` reads it too)")
        return [p.get("path") for p in paths]

    def country(self, folder):
        """One country: its overlays, its root and its images name the same services."""
        apps = sorted(p.parent.name for p in self.files if p.parent.parent == folder / "apps")
        prefixes = []
        for app in apps:
            path = folder / "apps" / app / "kustomization.yaml"
            overlay, base = self.one(path), ROOT / "services" / app / "deploy"
            if base / "kustomization.yaml" not in self.files or not (base.parent / "Cargo.toml").is_file():
                self.wrong(path, f"names a service that is not there: services/{app} needs Cargo.toml and deploy/")
                continue
            wanted = {"namespace": app, "resources": [f"../../../../services/{app}/deploy"], "components": COMPONENTS}
            got = {k: v for k, v in overlay.items() if k not in ("apiVersion", "kind")}
            if got != wanted:
                self.wrong(path, "holds more or less than namespace, base and the four components")
            prefixes += self.base(base)
        if len(prefixes) != len(set(prefixes)) or "/" not in prefixes:
            self.wrong(folder / "apps", f"must give each path to one service and `/` to one of them, not {sorted(prefixes)}")
        root = folder / "kustomization.yaml"
        if sorted(self.one(root).get("resources", [])) != [f"apps/{a}" for a in apps]:
            self.wrong(root, "lists other services than the folders of apps/")
        images = folder / "images/kustomization.yaml"
        entries = self.one(images).get("images", [])
        if sorted(e.get("name", "") for e in entries) != [f"vigie/{a}" for a in apps]:
            self.wrong(images, "lists other images than the folders of apps/ need: an absent service has no image")
        for entry in entries:
            if entry.get("digest") != ZERO or "newTag" in entry:
                self.wrong(images, f"must hold the all-zero digest for {entry.get('name')}, until a build gives a real one")

    def shared(self):
        """The component that makes every pod restricted."""
        path = ROOT / "clusters/components/service/deployment.yaml"
        pod = self.one(path).get("spec", {}).get("template", {}).get("spec", {})
        container = (pod.get("containers") or [{}])[0]
        security = {**pod.get("securityContext", {}), **container.get("securityContext", {})}
        wanted = {
            "runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"},
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }
        for key, value in wanted.items():
            if security.get(key) != value:
                self.wrong(path, f"must set {key} to {value}")
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"]:
            if container.get(probe, {}).get("httpGet", {}).get("port") != "admin":
                self.wrong(path, f"must have a {probe} on the admin port")


def main():
    manifests = Manifests()
    manifests.orphans()
    manifests.shared()
    for profile in tracked("clusters/*/profile/profile.toml"):
        manifests.country(profile.parents[1])
    finish("manifests", manifests.faults, len(manifests.files))


main()
