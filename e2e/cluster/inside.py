"""What `run.py` starts inside the sandbox: a country from an empty cluster to a page, and what GitOps promises of it."""

import os
import shutil
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "tools")]

import build  # noqa: E402
import control_plane  # noqa: E402
import database  # noqa: E402
import delivery  # noqa: E402
import images  # noqa: E402
import journey  # noqa: E402
import node  # noqa: E402
import pki  # noqa: E402
import sandbox  # noqa: E402
from clone import Clone  # noqa: E402
from process import Failed, World  # noqa: E402
from report import Report  # noqa: E402

COUNTRY = os.environ.get("COUNTRY") or "fr"
PROGRAMS = Path(os.environ.get("VIGIE_PROGRAMS") or ROOT / "target/release").resolve()


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


def repository(world, report):
    """The scratch repository with this run's images, keys and references."""
    clone = Clone(world)
    with report.step("images of the services"):
        clone.make()
        names = sorted(p.name for p in (ROOT / f"clusters/{COUNTRY}/apps").iterdir()) + ["vigie"]
        missing = [n for n in [*names, "krm-sops"] if not (PROGRAMS / n).is_file()]
        if missing:
            raise Failed(f"{PROGRAMS} has no {', '.join(missing)}: run `cargo build --release --workspace` first")
        (world.run / "bin").mkdir()
        shutil.copy(PROGRAMS / "krm-sops", world.run / "bin/krm-sops")
        clone.digests(COUNTRY, {name: images.service(world, name, PROGRAMS) for name in names})
    with report.step("secrets"):
        for country in sorted(p.name for p in (clone.path / "secrets").iterdir() if p.is_dir()):
            # The country that runs gets its key; another country's key is another one, which its cluster does not have.
            key = world.run / ("agekey" if country == COUNTRY else f"agekey-{country}")
            world.call(clone.path / "secrets/init.sh", cwd=clone.path,
                       env={"COUNTRY": country, "KEY": str(key)})
    with report.step("upstream references"):
        report.upstream = clone.upstream()
    delivery.settings(clone, COUNTRY)
    # Argo CD runs as processes here, so it does not deploy itself; one instance of PostgreSQL is enough to answer.
    shutil.rmtree(clone.path / f"clusters/{COUNTRY}/platform/argocd")
    clone.edit("clusters/base/database/cluster.yaml", ("instances: 2", "instances: 1"))
    return clone


def main():
    world = World(os.environ[sandbox.INSIDE], {name: build.folder(name) for name in build.TOOLS}, ROOT)
    world.env["PATH"] = f"{world.run}/bin:{world.env['PATH']}"
    report = Report(ROOT / "target/reports", COUNTRY)
    started = time.time()
    try:
        platform(world, report)
        clone = repository(world, report)
        journey.static(world, report, clone, COUNTRY)
        journey.live(world, report, clone, COUNTRY)
    except (Failed, OSError, ValueError) as error:
        report.failed("the run", error)
        journey.explain(world)
    except BaseException:
        journey.explain(world)
        raise
    finally:
        shutil.copytree(world.logs, report.folder / "e2e-logs", dirs_exist_ok=True)
        report.end(time.time() - started)
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
