"""From a commit to pods: the steps of the workflow `images`, as they are, between a bare repository and a cluster.

Only where layouts come from differs: they are assembled from the host's release build instead of by Nix. Everything after
that is the real thing: `make images-push`, `make images-commit`, and an Argo CD that is told nothing.
"""

import json
import re

import database
import delivery
import images
import journey
from clone import ZERO
from node import REGISTRY
from process import Failed

TO = f"{REGISTRY}/health"
FILE = "clusters/{}/images/kustomization.yaml"


class Runner:
    """A runner of the workflow: a fresh clone a run, thrown away afterwards."""

    def __init__(self, world, clone, programs):
        self.world, self.clone, self.programs, self.runs = world, clone, programs, 0
        who = {f"GIT_{r}_{f}": v for r in ("AUTHOR", "COMMITTER") for f, v in (("NAME", "images"), ("EMAIL", "images@vigie.invalid"))}
        self.env = {"VIGIE_REGISTRY": TO, "VIGIE_INSECURE": "1", "VIGIE_BRANCH": "main", **who}

    def images(self):
        """Runs the workflow on the newest commit. Returns program -> (hash of its source, digest), and the commits
        before and after on `main`."""
        self.runs += 1
        here = self.world.run / f"runner-{self.runs}"
        git = lambda *words: self.world.call("git", *words, cwd=here).strip()
        self.world.call("git", "clone", "--quiet", self.clone.bare, here)
        commit, found = git("rev-parse", "HEAD"), {}
        for name, source in images.sources(here).items():
            digest = images.layout(self.world, here, name, self.programs, source, here / "target/oci" / name)
            found[name] = (source, digest)
        for step in ("images-push", "images-commit"):
            self.world.call("make", step, cwd=here, env=self.env)
        return found, commit, self.world.call("git", "--git-dir", self.clone.bare, "rev-parse", "main").strip()


def build():
    """What the page says it runs."""
    return json.loads(journey.page("/.well-known/build.json")[1])["build"]


def deployed(world, clone, commit, country):
    """name -> (registry name, digest) of a country's images at a commit."""
    text = world.call("git", "--git-dir", clone.bare, "show", f"{commit}:{FILE.format(country)}")
    return {n: (new, digest) for n, new, digest in re.findall(r"- name: vigie/(\S+)\n +newName: (\S+)\n +digest: (\S+)", text)}


def written(world, clone, found, before, after):
    """The commit of the workflow: one, of images folders only, with the pushed digests in every country."""
    git = lambda *words: world.call("git", "--git-dir", clone.bare, *words)
    journey.need(git("rev-list", f"{before}..{after}").split() == [after], "the workflow made more or less than one commit")
    touched = git("diff", "--name-only", before, after).split()
    countries = sorted({t.split("/")[1] for t in touched})
    journey.need(touched and all(t == FILE.format(t.split("/")[1]) for t in touched), f"the commit touches {touched}")
    for country in countries:
        for name, (new, digest) in deployed(world, clone, after, country).items():
            journey.need((new, digest) == (f"{TO}/vigie/{name}", found[name][1]), f"{country} deploys {new}@{digest} for {name}")


def unbuilt(world, report, clone, country, apps):
    """Without images: what the commit says cannot run, and the cluster says why."""
    with report.claim("as long as no image was built, the cluster refuses the country's services and says so"):
        zero = deployed(world, clone, "main", country)
        journey.need(zero and all(digest == ZERO for _, digest in zero.values()), f"the tree names {zero}")
        # First what refuses, so that nothing slips in before it.
        delivery.apply(world, clone.render(f"clusters/{country}/platform/policies"))
        world.wait("the refusal", lambda: journey.zero_refused(world), 60, 1)
        delivery.apply(world, clone.render(f"clusters/{country}/argocd"))
        said = lambda: [a for a, (_, _, why) in delivery.applications(world).items() if a in apps and "none was built yet" in why]
        world.wait("the refusal of each service", lambda: sorted(said()) == sorted(apps), 300, 1)
        journey.need(not any(world.get("pods", f"--namespace={app}") for app in apps), "a service has a pod")


def follows(world, clone, country, commit, found, apps, platform):
    """Argo CD has deployed what the workflow of `commit` built."""
    journey.need(journey.page()[0] == 200, "the page does not answer")
    said = build()
    source, digest = found["web"]
    lock = world.call("sha256sum", clone.path / "flake.lock").split()[0]
    journey.need(said == {"source": source, "commit": commit, "lock": lock, "digest": digest},
                 f"the page says it runs {said}, not {source} of {commit} with {digest}")
    return delivery.healthy(world, ["root", *platform, *apps])


def run(world, report, clone, country, programs):
    apps, platform = (journey.names(clone, f"clusters/{country}/{kind}") for kind in ("apps", "platform"))
    database.disks(world, 2)
    clone.push("the tree as it is")
    with report.step("Argo CD"):
        delivery.start(world, clone, country)
    unbuilt(world, report, clone, country, apps)

    runner = Runner(world, clone, programs)
    with report.claim("images-push and images-commit: one commit, of clusters/*/images only, with the digests that were pushed"):
        found, commit, promoted = runner.images()
        written(world, clone, found, commit, promoted)
    with report.claim(f"the digest commit is enough: {country} runs what was built from the commit, and the page says so"):
        try:
            world.wait("the country", lambda: follows(world, clone, country, commit, found, apps, platform), 900, 1)
        except Failed as error:
            raise Failed(f"{error}: {json.dumps(delivery.applications(world))}") from None
        clone.git("pull", "--quiet", "origin", "main")
        journey.digests(world, clone, country, apps)
        journey.need(journey.figures(clone, country), "the page shows no figures")
    with report.claim("the promotion commit makes no other image: the workflow on it gives the same digests and commits nothing"):
        again, on, after = runner.images()
        journey.need(on == promoted == after, f"the workflow on {promoted[:12]} left main at {after[:12]}")
        journey.need(again == found, f"other images: {sorted(n for n in found if again[n] != found[n])}")
    change(world, report, clone, country, runner, found, apps, platform)
    with report.claim("the image of krm-sops installs both of its programs, and they run"):
        decrypter(world, found["krm-sops"][1])


def change(world, report, clone, country, runner, found, apps, platform):
    """A commit of a person, from the repository to the page."""
    with report.claim("a commit that changes the source of one program changes the image of that program only"):
        with (clone.path / "services/web/src/main.rs").open("a") as source:
            source.write("// A line more.\n")
        clone.push("a line more")
        newer, commit, promoted = runner.images()
        written(world, clone, newer, commit, promoted)
        other = sorted(n for n in found if newer[n] != found[n])
        journey.need(other == ["web"], f"the images of {other} changed")
    reader = journey.Reader()
    reader.start()
    with report.claim("and it runs, without a request that failed on the way"):
        world.wait("the new image", lambda: follows(world, clone, country, commit, newer, apps, platform), 400, 1)
        world.wait("one version of the page", lambda: journey.everywhere(world, commit), 60, 0.5)
        reader.stop.set()
        reader.join()
        journey.need(reader.asked > 10 and not reader.bad, f"{len(reader.bad)} of {reader.asked} requests failed: {reader.bad[:3]}")


def decrypter(world, digest):
    """As Argo CD's own pod takes it: an init container installs, the next one finds both programs."""
    image = f"{TO}/vigie/krm-sops@{digest}"
    place = [{"name": "programs", "mountPath": "/programs"}]
    safe = {"runAsNonRoot": True, "readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False}
    world.kubectl("apply", "--filename=-", stdin=json.dumps({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "decrypter", "namespace": "default"},
        "spec": {
            "restartPolicy": "Never", "volumes": [{"name": "programs", "emptyDir": {}}],
            "initContainers": [{"name": "install", "image": image, "args": ["install", "/programs"], "volumeMounts": place,
                                "securityContext": safe}],
            "containers": [{"name": "sops", "image": image, "command": ["/programs/sops", "--version", "--disable-version-check"],
                            "volumeMounts": place, "securityContext": safe}]}}))
    phase = lambda: world.get("pod", "decrypter", "--namespace=default")["status"]["phase"]
    world.wait("the pod", lambda: phase() in ("Succeeded", "Failed"), 60, 0.5)
    said = world.kubectl("logs", "decrypter", "--namespace=default")
    journey.need(phase() == "Succeeded" and "sops" in said, f"it ended as {phase()}: {said}")
