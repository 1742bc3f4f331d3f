"""Rules and targets as the Prometheus operator loads them: copies of the rules that promtool tests, and every field one of the
operator's own definitions."""

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

import build
import yaml

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "clusters/base/observability"
TOOLS = ("kustomize", "kubeconform", "prometheus-operator")
HEAD = """# Written by `e2e/checks/alerts.py --write` from clusters/base/observability/{service}.rules.yml, which promtool tests.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: {service}
spec:
"""


def services():
    """The services that have rules."""
    return sorted(p.name.removesuffix(".rules.yml") for p in RULES.glob("*.rules.yml"))


def copies(write=False):
    """What differs between the rules and the copies that the operator loads; `write` makes them anew."""
    faults = []
    for service in services():
        path = ROOT / f"services/{service}/deploy/watched/rules.yaml"
        text = (RULES / f"{service}.rules.yml").read_text(encoding="utf-8")
        body = text[text.index("groups:"):]
        wanted = HEAD.format(service=service) + re.sub(r"^(?=.)", "  ", body, flags=re.M)
        if write:
            path.write_text(wanted, encoding="utf-8")
        if not path.is_file() or path.read_text(encoding="utf-8") != wanted:
            faults.append(f"{path.relative_to(ROOT)} is not what clusters/base/observability says: e2e/checks/alerts.py --write")
    return faults


def closed(node):
    """A definition's schema for kubeconform: a key that it does not name is an error, as the operator would drop it."""
    if isinstance(node, list):
        return [closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    out = {k: closed(v) for k, v in node.items() if k != "description" and not str(k).startswith("x-")}
    if node.get("x-kubernetes-int-or-string"):
        out.pop("anyOf", None)
        out["type"] = ["integer", "string"]
    if isinstance(out.get("properties"), dict) and "additionalProperties" not in out and not node.get("x-kubernetes-preserve-unknown-fields"):
        out["additionalProperties"] = False
    return out


def schemas(definitions, folder):
    """Writes the schema of each kind that is used here. Its metadata is Kubernetes' own, and not closed."""
    for path in (definitions / f"monitoring.coreos.com_{kinds}.yaml" for kinds in ("podmonitors", "prometheusrules")):
        crd = yaml.safe_load(path.read_text(encoding="utf-8"))["spec"]
        for version in crd["versions"]:
            schema = closed(version["schema"]["openAPIV3Schema"])
            schema["properties"]["metadata"] = {"type": "object"}
            (folder / f"{crd['names']['singular']}-monitoring-{version['name']}.json").write_text(json.dumps(schema))


def rendered(kustomize, service, folder):
    """What an overlay with the component becomes, of the kinds of the operator."""
    overlay = folder / service
    overlay.mkdir()
    base = os.path.relpath(ROOT / f"services/{service}/deploy", overlay.resolve())
    lines = ["apiVersion: kustomize.config.k8s.io/v1beta1", "kind: Kustomization", f"namespace: {service}",
             f"resources: [{base}]", f"components: [{base}/watched]"]
    (overlay / "kustomization.yaml").write_text("\n".join(lines) + "\n")
    done = subprocess.run([kustomize, "build", overlay], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ValueError(f"services/{service}/deploy/watched cannot be rendered: {done.stderr.strip()}")
    return [d for d in yaml.safe_load_all(done.stdout) if d]


def wrong(service, documents):
    """Do the targets name what the app's pods have, and is everything in its namespace?"""
    of = {d["kind"]: d for d in documents}
    if not {"PodMonitor", "PrometheusRule"} <= of.keys():
        return [f"{service}: PodMonitor or PrometheusRule is missing"]
    faults = [f"{service}: {kind} is not in the app's namespace" for kind in ("PodMonitor", "PrometheusRule")
              if of[kind]["metadata"].get("namespace") != service]
    template = of["Deployment"]["spec"]["template"]
    labels = of["PodMonitor"]["spec"]["selector"]["matchLabels"]
    if not labels or not labels.items() <= template["metadata"]["labels"].items():
        faults.append(f"{service}: the PodMonitor looks for pods that the app has not: {labels}")
    ports = {p["name"] for c in template["spec"]["containers"] for p in c.get("ports", [])}
    for endpoint in of["PodMonitor"]["spec"]["podMetricsEndpoints"]:
        if endpoint.get("port") not in ports or endpoint.get("path") != "/metrics":
            faults.append(f"{service}: the PodMonitor asks {endpoint}, the pods have {sorted(ports)}")
        if endpoint.get("scheme") != "https" or not endpoint.get("tlsConfig", {}).get("serverName", "").startswith(f"{service}.{service}."):
            faults.append(f"{service}: the PodMonitor asks {endpoint}, and the pods answer by TLS under their own name")
    return faults


def conform(tools=None):
    """What is wrong with the rendered components. Without `tools` (name -> folder) those that were built already; where one of
    them was not, nothing is looked at: `make e2e` builds them, and looks."""
    if tools is None:
        try:
            tools = {name: build.folder(name) for name in TOOLS}
        except OSError:
            return []
        if not all(folder.is_dir() for folder in tools.values()):
            print("alerts: not compared with the operator's definitions, whose programs are not built: `make e2e` does")
            return []
    with tempfile.TemporaryDirectory() as run:
        run, faults, checked = Path(run), [], []
        schemas(tools["prometheus-operator"] / "share/definitions", run)
        for service in services():
            try:
                documents = rendered(tools["kustomize"] / "bin/kustomize", service, run)
            except ValueError as error:
                faults.append(str(error))
                continue
            faults += wrong(service, documents)
            checked += [d for d in documents if d["apiVersion"].startswith("monitoring.coreos.com/")]
        location = f"{run}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"

        def said(documents):
            return subprocess.run([tools["kubeconform"] / "bin/kubeconform", "-strict", "-schema-location", location],
                                  input=yaml.safe_dump_all(documents), capture_output=True, text=True, check=False)

        done = said(checked)
        if done.returncode != 0:
            faults.append(f"the operator would not take it: {(done.stdout + done.stderr).strip()}")
        broken = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor", "metadata": {"name": "a"},
                  "spec": {"selector": {}, "podMetricEndpoints": []}}
        if said([broken]).returncode == 0:
            faults.append("a misspelt field was accepted: the operator's definitions check nothing")
        return faults
