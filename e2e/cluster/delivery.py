"""Argo CD of one country, as processes of the sandbox: the same program and settings that its pods would run.

Its custom resources, settings and projects come from clusters/base/argocd; only its own Deployments are left out.
"""

import json

from clone import URL

REDIS, REPO = "127.0.0.1:6379", "127.0.0.1:8081"
# The Deployments of Argo CD are left out; nothing else is.
OVERLAY = """
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [%s]
patches:
  - target: { kind: (Deployment|StatefulSet), namespace: argocd }
    patch: '{ "$patch": "delete", "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "any" } }'
"""


def settings(clone, country):
    """What differs in the scratch clone so that a test need not wait or reach the internet."""
    clone.edit(f"clusters/{country}/argocd/kustomization.yaml", (r"REPOSITORY=.*", f"REPOSITORY={URL}"))
    for name in ("platform", "apps"):
        clone.edit(f"clusters/base/delivery/{name}.yaml", (r"requeueAfterSeconds: .*", "requeueAfterSeconds: 5"))


def start(world, clone, country):
    """Applies what Argo CD needs and starts it."""
    overlay = world.run / "clone/.argocd"
    overlay.mkdir()
    (overlay / "kustomization.yaml").write_text(OVERLAY % "../clusters/base/argocd")
    apply(world, clone.render(".argocd"))
    (overlay / "kustomization.yaml").unlink()
    overlay.rmdir()
    home = world.run / "argocd"
    for folder in ("ssh", "tls", "gpg/source", "gpg/keys", "plugins", "bin", "tmp"):
        (home / folder).mkdir(parents=True)
    (home / "ssh/ssh_known_hosts").touch()
    argocd = world.tools["argocd"]
    # One program, which looks at the name that it is called by.
    for part in ("repo-server", "application-controller", "applicationset-controller"):
        (home / "bin" / f"argocd-{part}").symlink_to(argocd / "bin/argocd")
    env = {
        "PATH": f"{home}/bin:{argocd}/share/bin:{world.env['PATH']}", "ARGOCD_FAKE_IN_CLUSTER": "true", "TMPDIR": str(home / "tmp"),
        "ARGOCD_TLS_DATA_PATH": str(home / "tls"), "ARGOCD_SSH_DATA_PATH": str(home / "ssh"),
        "ARGOCD_GPG_DATA_PATH": str(home / "gpg/source"), "ARGOCD_GNUPGHOME": str(home / "gpg/keys"),
        "ARGOCD_PLUGINSOCKFILEPATH": str(home / "plugins"), "ARGOCD_GPG_ENABLED": "false",
        "SOPS_AGE_KEY_FILE": str(world.run / "agekey"),
    }
    world.start("redis", ["redis-server", "--bind", "127.0.0.1", "--port", "6379", "--save", "", "--appendonly", "no"])
    common = ["--namespace", "argocd", "--redis", REDIS]
    world.start("argocd-repo-server", [
        "argocd-repo-server", "--disable-tls", "--client-ca-path=", "--address", "127.0.0.1", "--metrics-address", "127.0.0.1",
        "--redis", REDIS, "--revision-cache-expiration", "1s"], env=env)
    world.start("argocd-application-controller", [
        "argocd-application-controller", *common, "--repo-server", REPO, "--repo-server-plaintext", "--app-resync", "5",
        "--app-resync-jitter", "0", "--metrics-port", "8092"], env=env)
    world.start("argocd-applicationset-controller", [
        "argocd-applicationset-controller", "--namespace", "argocd", "--argocd-repo-server", REPO,
        "--repo-server-plaintext", "--metrics-addr", "127.0.0.1:8093", "--probe-addr", "127.0.0.1:8094",
        "--webhook-addr", "127.0.0.1:7000"], env=env)


def apply(world, manifests):
    """Server-side; twice, because resources race the definitions of their kinds."""
    command = ["apply", "--server-side", "--force-conflicts", "--filename=-"]
    if world.kubectl(*command, stdin=manifests, check=False).returncode != 0:
        world.wait("what Argo CD needs", lambda: world.kubectl(*command, stdin=manifests), 60, 1)


def applications(world):
    """name -> (sync, health, what went wrong)"""
    listed = json.loads(world.kubectl("get", "applications.argoproj.io", "--namespace=argocd", "--output=json"))["items"]
    out = {}
    for app in listed:
        status = app.get("status", {})
        said = status.get("operationState", {}).get("message", "") or \
            "; ".join(c.get("message", "") for c in status.get("conditions", []))
        out[app["metadata"]["name"]] = (status.get("sync", {}).get("status"), status.get("health", {}).get("status"), said[:900])
    return out


def healthy(world, wanted):
    """True when exactly the wanted Applications exist and each is Synced and Healthy."""
    found = applications(world)
    return set(found) == set(wanted) and all(s[:2] == ("Synced", "Healthy") for s in found.values())
