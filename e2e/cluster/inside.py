"""What `run.py` starts inside the sandbox: `gitops` or `pipeline`, on a cluster that is empty."""

import os
import shutil
import subprocess
import sys
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "tools")]

import asked  # noqa: E402
import build  # noqa: E402
import control_plane  # noqa: E402
import database  # noqa: E402
import delivery  # noqa: E402
import images  # noqa: E402
import journey  # noqa: E402
import node  # noqa: E402
import pipeline  # noqa: E402
import pki  # noqa: E402
import roles  # noqa: E402
import sandbox  # noqa: E402
from clone import Clone  # noqa: E402
from process import Failed, World  # noqa: E402
from report import Report  # noqa: E402

COUNTRY = os.environ.get("COUNTRY") or "fr"
PROGRAMS = Path(os.environ.get("VIGIE_PROGRAMS") or Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "release").resolve()


def platform(world, report):
    """Registry, control plane, node: what a cloud gives."""
    with report.step("images of the platform"):
        images.registry(world)
        images.pause(world)
        database.push(world)
    with report.step("control plane"):
        certificates = pki.make(world)
        control_plane.start(world, certificates)
    with report.step("node"):
        node.start(world, certificates)


def programs():
    """The release build, which must have every program that gets an image."""
    missing = [n for n in images.sources(ROOT) if not (PROGRAMS / n).is_file()]
    if missing:
        raise Failed(f"{PROGRAMS} has no {', '.join(missing)}: run `cargo build --release --workspace` first")
    return PROGRAMS


def own(world, report, clone):
    """Gives the clone this run's keys and references, and leaves out what a process outside of the cluster does."""
    (world.run / "bin").mkdir()
    shutil.copy(programs() / "krm-sops", world.run / "bin/krm-sops")
    with report.step("secrets"):
        for country in sorted(p.name for p in (clone.path / "secrets").iterdir() if p.is_dir()):
            # The country that runs gets its key; another country's key is another one, which its cluster does not have.
            key = world.run / ("agekey" if country == COUNTRY else f"agekey-{country}")
            world.call(clone.path / "secrets/init.sh", cwd=clone.path,
                       env={"COUNTRY": country, "KEY": str(key)})
    asked.believe(roles.authority(world, COUNTRY))
    with report.step("upstream references"):
        report.upstream = clone.upstream()
    delivery.settings(clone, COUNTRY)
    # Argo CD runs as processes here, so it does not deploy itself; one instance of PostgreSQL is enough to answer.
    shutil.rmtree(clone.path / f"clusters/{COUNTRY}/platform/argocd")
    clone.edit("clusters/base/database/cluster.yaml", ("instances: 2", "instances: 1"))


def gitops(world, report):
    """Images that are there already; what holds of the files, and of a cluster that follows them."""
    clone = Clone(world)
    with report.step("images of the services"):
        clone.make()
        clone.digests(COUNTRY, images.ours(world, programs()))
    own(world, report, clone)
    journey.static(world, report, clone, COUNTRY)
    journey.live(world, report, clone, COUNTRY)


def from_commit(world, report):
    """The whole tree in a bare repository, without images; they come by the steps of the workflow."""
    clone = Clone(world, ["."])
    with report.step("the repository"):
        clone.make()
    own(world, report, clone)
    pipeline.run(world, report, clone, COUNTRY, programs())


def main():
    world = World(os.environ[sandbox.INSIDE], {name: build.folder(name) for name in build.TOOLS}, ROOT)
    world.env["PATH"] = f"{world.run}/bin:{world.env['PATH']}"
    what = sys.argv[1]
    report = Report(ROOT / "target/reports", {"gitops": "e2e", "pipeline": "pipeline"}[what], COUNTRY)
    started = time.time()
    try:
        platform(world, report)
        {"gitops": gitops, "pipeline": from_commit}[what](world, report)
    except (Failed, OSError, subprocess.SubprocessError) as error:
        report.failed("the run", error)
        journey.explain(world)
    except Exception as error:  # a fault of the test itself is a failure too, with the place where it is
        report.failed("the test itself", "".join(traceback.format_exception(error)))
        journey.explain(world)
    finally:
        shutil.copytree(world.logs, report.folder / f"{report.name}-logs", dirs_exist_ok=True)
        report.end(time.time() - started)
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
