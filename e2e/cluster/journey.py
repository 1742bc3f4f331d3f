"""What is promised of the delivery, as sentences that a run shows to be true."""

import json
import re
import threading
import time
import tomllib

import asked
import database
import delivery
import roles
import schemas
import shown
import watched
from clone import ZERO
from process import Failed

# What a country without a service must not contain, by service: names, paths.
TRACES = {"dataviz": ["dataviz", "/explore", "/embed"], "data-api": ["data-api", "/api/data"]}
# Kinds that come with an operator: their definitions are in the cluster, which checks them when it is given one.
OPERATORS = re.compile(r"^apiVersion: (\S*(?:argoproj\.io|cnpg\.io)/\S*)$", re.M)


def need(condition, why):
    if not condition:
        raise Failed(why)


def page(path="/", host="web.web.svc.cluster.local"):
    """(status, text) of a path of a service, asked as a pod would ask it."""
    return asked.answer(f"https://{host}{path}")


def figures(clone, country):
    """Does the page of the first disease and the whole country show a chart and a table with values?"""
    profile = tomllib.loads((clone.path / f"clusters/{country}/profile/profile.toml").read_text())
    path = f"{profile['languages'][0]['prefix']}/{profile['diseases'][0]['id']}/{profile['nation']}"
    status, text = page(path)
    values = [v for v in re.findall(r"<td[^>]*>(.*?)</td>", text, re.S) if re.search(r"\d", re.sub(r"<[^>]*>", "", v))]
    return status == 200 and "<svg" in text and len(values) >= 10


def names(clone, folder):
    return sorted(p.name for p in (clone.path / folder).iterdir() if (p / "kustomization.yaml").is_file())


def documents(rendered):
    return [d for d in re.split(r"^---\n", rendered, flags=re.M) if d.strip()]


def same(upstream):
    """Each upstream file is the one whose sha256 stands beside its address."""
    for address, wanted, found in upstream:
        need(wanted == found, f"{address} has sha256 {found}, and {wanted} stands beside it")


def planted(clone):
    """Faults in references, each of which must be named; the files are as before afterwards."""
    root = clone.path / "clusters/base/postgres"
    listed, kustomization = root / "upstream.sha256", root / "kustomization.yaml"
    other = clone.path / "clusters/base/policies/kustomization.yaml"
    kept = {p: p.read_text() for p in (listed, kustomization, other)}
    digest, address = kept[listed].split()
    restored = re.sub(r"- upstream-\S+", f"- {address}", kept[kustomization])
    for what, texts, said in [
        ("nothing", {}, None),
        ("another digit", {listed: kept[listed].replace(digest, digest[:-1] + ("0" if digest[-1] != "0" else "1"))}, "stands beside it"),
        ("another file", {kustomization: restored.replace(address, address + ".other")}, "name different files"),
        ("a file without sha256", {other: kept[other] + f"  - {address}\n"}, "without a sha256"),
    ]:
        try:
            for path, text in {**kept, kustomization: restored, **texts}.items():
                path.write_text(text)
            (clone.path / "clusters/base/argocd/upstream.sha256").rename(clone.run_aside)
            same(clone.upstream())
            found = None
        except Failed as error:
            found = str(error)
        finally:
            clone.run_aside.rename(clone.path / "clusters/base/argocd/upstream.sha256")
            for path, text in kept.items():
                path.write_text(text)
        need(found is None if said is None else said in (found or ""), f"{what}: the check said {found}")


def static(world, report, clone, running):
    """What holds without a cluster."""
    with report.claim("upstream manifests are those whose sha256 stands beside their address"):
        need(report.upstream, "nothing refers to an upstream file")
        same(report.upstream)
    with report.claim("a digit that differs in a sha256, a missing one, and a remote file without any are refused"):
        planted(clone)
    countries = sorted(p.parent.name for p in clone.path.glob("clusters/*/apps"))
    rendered = {}
    with report.claim(f"the clusters of {', '.join(countries)} render, and every field is one of Kubernetes' own"):
        for country in countries:
            folders = [f"clusters/{country}/argocd", *(f"clusters/{country}/{kind}/{name}" for kind in ("platform", "apps")
                                                       for name in names(clone, f"clusters/{country}/{kind}"))]
            rendered[country] = {folder: clone.render(folder, sealed=True) for folder in folders}
        conform(world, [d for of in rendered.values() for text in of.values() for d in documents(text)])
    with report.claim("alerts and what is scraped for them fit the definitions of the Prometheus operator"):
        faults = watched.conform(world.tools)
        need(not faults, "; ".join(faults))
    for country in countries:
        absent = [s for s in TRACES if s not in names(clone, f"clusters/{country}/apps")]
        if absent:
            with report.claim(f"{country} contains no trace of {' and '.join(absent)}: no pod, image, route or name"):
                for folder, text in rendered[country].items():
                    for trace in (t for service in absent for t in TRACES[service]):
                        # The country's profile may say in words why something is absent; what runs may not mention it.
                        lines = [line for line in text.splitlines() if trace in line and not line.lstrip().startswith("#")]
                        need(not lines, f"{folder} has `{lines[:1]}`")


def conform(world, texts):
    kinds, checked = set(), []
    for text in texts:
        version, kind = (re.search(rf"^{key}: (\S+)$", text, re.M).group(1) for key in ("apiVersion", "kind"))
        if not OPERATORS.search(text) and kind != "CustomResourceDefinition":
            kinds.add(f"{version} {kind}")
            checked.append(text)
    missing = schemas.write(world.tools["kubernetes"] / "share/swagger.json", kinds, world.run / "schemas")
    need(not missing, f"Kubernetes has no {', '.join(sorted(missing))}")
    location = f"{world.run}/schemas/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"
    world.call("kubeconform", "-strict", "-schema-location", location, "-summary", stdin="---\n".join(checked))
    broken = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {port: []}\n"
    refused = world.call("kubeconform", "-strict", "-schema-location", location, stdin=broken, check=False).returncode != 0
    need(refused or "v1 Service" not in kinds, "a misspelt field was accepted: the schemas check nothing")


def live(world, report, clone, country):
    """From an empty cluster to a page, and what happens to it."""
    database.disks(world, 2)
    started = time.time()
    apps, platform = names(clone, f"clusters/{country}/apps"), names(clone, f"clusters/{country}/platform")
    clone.push("the country as it is")
    with report.step("Argo CD"):
        delivery.start(world, clone, country)
    with report.claim(f"from an empty cluster to {country}: root, {', '.join([*platform, *apps])} Synced and Healthy"):
        delivery.apply(world, clone.render(f"clusters/{country}/argocd"))
        wanted = ["root", *platform, *apps]
        try:
            world.wait("the applications", lambda: delivery.healthy(world, wanted), 900, 1)
        except Failed as error:
            raise Failed(f"{error}: {json.dumps(delivery.applications(world))}") from None
    with report.claim("a page answers, with the country's figures"):
        world.wait("the page", lambda: page()[0] == 200, 30)
        world.wait("the figures", lambda: figures(clone, country), 30)
    with report.claim("with the real clock the recorded figures are called too old to forecast, not forecast"):
        status, text = page("/api/forecast/v1/transmission", "forecast.forecast.svc.cluster.local")
        answer = json.loads(text)
        need(status == 200 and (answer.get("status"), answer.get("reason")) == ("not_estimated", "stale"), f"it answered {text[:200]}")
    with report.claim("each service has a role of its own at the database, in no clear text; the accounts are reached by theirs alone"):
        roles.alone(world, [app.name for app in (clone.path / f"clusters/{country}/apps").iterdir() if app.name != "identity"], country)
    with report.claim("every address of a database wants its server's certificate; with another authority or name nobody comes in"):
        roles.known_server(world, clone, country)
    with report.claim("each path answers as its Ingress says: by TLS 1.3, the country's authority and the service's name, and by no other"):
        shown.by_ingress(world, country, apps, clone)
    with report.claim("no pod of a service answers in the clear: it listens by TLS alone, metrics included, and 8080 is closed"):
        shown.in_the_clear(world, country, apps)
    if "data-api" in apps:
        with report.claim("the technical API asks identity by TLS, and believes the country's authority alone"):
            asked.by_tls(country)
    with report.claim("as long as nobody registered the installation, the login page answers and says so"):
        account("/account", "VIGIE_REGISTRATIONS")
        account("/oidc/jwks.json", '"keys"')
    print(f"e2e: from bootstrap to page: {time.time() - started:.0f} s", flush=True)
    report.steps["from bootstrap to page"] = round(time.time() - started, 1)
    with report.claim("pods run the digests that the repository names"):
        digests(world, clone, country, apps)
    absent = sorted(set(TRACES) - set(apps))
    if absent:
        with report.claim(f"the cluster has nothing of {' and '.join(absent)}: no namespace, and 404 on each path"):
            for service in absent:
                need(not world.get("namespace", service), f"there is a namespace {service}")
                for path in (t for t in TRACES[service] if t.startswith("/")):
                    need(page(path)[0] == 404, f"{path} answers {page(path)[0]}")
    changes(world, report, clone, country)
    refusals(world, report)


def account(path, said):
    """A path of the service of accounts answers, with these words."""
    status, text = page(path, "identity.identity.svc.cluster.local")
    need(status == 200 and said in text, f"{path} answers {status}: {text[:200]}")


def digests(world, clone, country, apps):
    text = (clone.path / f"clusters/{country}/images/kustomization.yaml").read_text()
    named = dict(re.findall(r"- name: vigie/(\S+)\n +newName: \S+\n +digest: (\S+)", text))
    for app in apps:
        pods = world.get("pods", f"--namespace={app}")["items"]
        need(pods, f"{app} has no pod")
        for status in (s for pod in pods for s in pod["status"]["containerStatuses"]):
            need(status["imageID"].endswith("@" + named[app]), f"{app} runs {status['imageID']}, not {named[app]}")


class Reader(threading.Thread):
    """Somebody who reads the page all the time, and remembers when it did not answer."""

    def __init__(self):
        super().__init__(daemon=True)
        self.stop, self.asked, self.bad = threading.Event(), 0, []

    def run(self):
        while not self.stop.wait(0.1):
            self.asked += 1
            try:
                if (status := page()[0]) != 200:
                    self.bad.append(str(status))
            except OSError as error:
                self.bad.append(str(error))


def commit_of():
    """The commit that the running pages say they were promoted from."""
    return json.loads(page("/.well-known/build.json")[1])["build"].get("commit")


def renewed(world, app, old):
    """True when all pods of a service show another certificate than `old`, and no rollout is under way."""
    return rolled(world, app) and all(shown.certificate(world, app) != old for _ in range(10))


def everywhere(world, value):
    """True when all pods of the page say so: ten answers in a row, and no rollout under way."""
    return rolled(world, "web") and all(commit_of() == value for _ in range(10))


def rolled(world, app):
    """Is every replica of a service as its Deployment says now?"""
    deployment = world.get("deployment", app, f"--namespace={app}")
    state = deployment["status"]
    return state.get("observedGeneration") == deployment["metadata"]["generation"] and \
        state.get("updatedReplicas") == state.get("readyReplicas") == state.get("replicas") == deployment["spec"]["replicas"]


def changes(world, report, clone, country):
    promoted = "c0ffee" + "0" * 34
    before = commit_of()
    reader = Reader()
    reader.start()
    with report.claim("certificates of services that are made anew come by a rollout, each signed by the same authority"):
        # A service with one pod answers nobody while it starts anew; the page has two.
        old = {app: shown.certificate(world, app) for app in names(clone, f"clusters/{country}/apps") if shown.told(world, app)[2]}
        world.call(clone.path / "secrets/init.sh", cwd=clone.path,
                   env={"COUNTRY": country, "ONLY": "certificates", "SOPS_AGE_KEY_FILE": str(world.run / "agekey")})
        clone.push("certificates")
        for app, certificate in old.items():
            world.wait(f"another certificate of {app}", lambda: renewed(world, app, certificate), 180, 0.5)
    with report.claim("a promotion commit changes what the page says it runs"):
        clone.edit(f"clusters/{country}/images/kustomization.yaml", (r"VIGIE_COMMIT=.*", f"VIGIE_COMMIT={promoted}"))
        clone.push("promote")
        world.wait("the new build", lambda: everywhere(world, promoted), 120, 0.5)
    with report.claim("the page answered throughout both rollouts"):
        reader.stop.set()
        reader.join()
        need(reader.asked > 10 and not reader.bad, f"{len(reader.bad)} of {reader.asked} requests failed: {reader.bad[:3]}")
    with report.claim("a deleted Deployment comes back"):
        old = world.get("deployment", "web", "--namespace=web")["metadata"]["uid"]
        world.kubectl("delete", "deployment", "web", "--namespace=web", "--wait=false")
        world.wait("another Deployment", lambda: world.get("deployment", "web", "--namespace=web")["metadata"]["uid"] != old, 60)
        world.wait("the page", lambda: page()[0] == 200, 60)
    with report.claim("what was changed by hand is put back"):
        policy = ["networkpolicy", "default-deny", "--namespace=web"]
        world.kubectl("delete", *policy)
        world.wait("the policy", lambda: world.get(*policy), 60)
        world.kubectl("patch", "service", "web", "--namespace=web", "--type=merge", "--patch",
                      '{"spec":{"selector":{"app.kubernetes.io/name":"nobody"}}}')
        world.wait("the selector", lambda: world.get("service", "web", "--namespace=web")["spec"]["selector"][
            "app.kubernetes.io/name"] == "web", 60)
        world.wait("the page", lambda: page()[0] == 200, 60)
    with report.claim("git revert brings the page back to what it said before"):
        clone.revert()
        world.wait("the old build", lambda: everywhere(world, before), 120, 0.5)


def pod(namespace, **container):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": namespace},
            "spec": {"containers": [{"name": "a", **container}]}}


def tried(world, manifest):
    """What the cluster says to a manifest, without keeping it."""
    return world.kubectl("apply", "--dry-run=server", "--filename=-", stdin=json.dumps(manifest), check=False)


def zero_refused(world):
    done = tried(world, pod("default", image=f"registry.invalid/vigie/web@{ZERO}"))
    return done.returncode != 0 and "none was built yet" in done.stderr


def refusals(world, report):
    with report.claim("a pod with the all-zero digest is refused, with a sentence; so is a Job that begins with one"):
        need(zero_refused(world), "the cluster takes the pod")
        job = pod("default", image="vigie.local/pause:3.10")["spec"] | {"restartPolicy": "Never", "initContainers": [
            {"name": "b", "image": f"registry.invalid/vigie/vigie@{ZERO}"}]}
        done = tried(world, {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a", "namespace": "default"},
                             "spec": {"template": {"spec": job}}})
        need(done.returncode != 0 and "none was built yet" in done.stderr, f"the cluster said: {done.stdout}{done.stderr}")
        done = tried(world, pod("default", image="registry.invalid/vigie/web@sha256:" + "1" * 64))
        need(done.returncode == 0, f"another digest is refused too: {done.stderr}")
    with report.claim("a privileged pod in a service's namespace is refused"):
        done = tried(world, pod("web", image="vigie.local/pause:3.10", securityContext={"privileged": True}))
        need(done.returncode != 0 and "restricted" in done.stderr, f"the cluster said: {done.stdout}{done.stderr}")


def explain(world):
    """What somebody who looks for the cause would ask first."""
    print(json.dumps(delivery.applications(world), indent=1) if world.programs.get("argocd-repo-server") else "", flush=True)
    done = world.kubectl("get", "pods", "--all-namespaces", "--output=wide", check=False)
    print(done.stdout, flush=True)
    # What those say that are not ready: this start, or the one before when this one has said nothing yet.
    for pod_ in (world.get("pods", "--all-namespaces") or {"items": []})["items"]:
        status, where = pod_["status"], f"--namespace={pod_['metadata']['namespace']}"
        for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
            if container["ready"] or "terminated" in container["state"] and container["state"]["terminated"]["exitCode"] == 0:
                continue
            words = ["logs", pod_["metadata"]["name"], where, f"--container={container['name']}", "--tail=4"]
            said = world.kubectl(*words, check=False).stdout or world.kubectl(*words, "--previous", check=False).stdout
            print(f"{pod_['metadata']['name']}/{container['name']}: {said[-800:].strip()}", flush=True)
    done = world.kubectl("get", "events", "--all-namespaces", "--field-selector=type=Warning", "--sort-by=.lastTimestamp", check=False)
    print("\n".join(done.stdout.splitlines()[-15:]), flush=True)
