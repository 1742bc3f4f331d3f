#!/usr/bin/env python3
"""`make prove`: what is slower than `make test` allows. Each part can be run alone: e2e/prove.py [PART ...]

Writes docs/evidence/<day>-<commit>.json: what passed, what did not, and the minutes of each part.
"""

import datetime
import json
import os
import platform
import subprocess
import sys

import runner
from runner import REPORTS, ROOT, counted, one, total

CLUSTER = ROOT / "e2e/cluster/run.py"
EVIDENCE = ROOT / "docs/evidence"


def script(name, seconds):
    return lambda part: counted(part, [sys.executable, ROOT / "e2e" / name], seconds=seconds)


def country(code, *what):
    return lambda part: counted(part, [sys.executable, CLUSTER, *what], {"COUNTRY": code}, 4500)


PARTS = {
    # First what all others use.
    "prove-release": lambda part: one(part, ["cargo", "build", "--release", "--workspace", "--bins", "--locked"], seconds=3600),
    "prove-nix": lambda part: one(part, [ROOT / "e2e/nix/check.sh", "full"], seconds=7200),
    "prove-same": script("same_bytes.py", 7200),
    "prove-cluster-fr": country("fr"),
    "prove-cluster-ch": country("ch"),
    "prove-cluster-us": country("us"),
    "prove-pipeline": country("us", "pipeline"),
    "prove-containers": script("containers.py", 3600),
    "prove-scores": script("scores.py", 7200),
    "prove-bench": lambda part: one(part, [ROOT / "bench/run.sh"], seconds=7200),
}


def git(*words):
    return subprocess.run(["git", "-C", ROOT, *words], check=True, capture_output=True, text=True).stdout.strip()


def main(names):
    unknown = [n for n in names if n not in PARTS]
    if unknown:
        print(f"no such part: {', '.join(unknown)}; choose among {', '.join(PARTS)}", file=sys.stderr)
        return 2
    runner.WHOLE = 60 * int(os.environ.get("VIGIE_PROVE_MINUTES") or 340)
    REPORTS.mkdir(parents=True, exist_ok=True)
    subprocess.run([ROOT / "e2e/install.sh", "tests", "cluster", "containers"], check=True)
    result = {"commit": git("rev-parse", "HEAD"), "changed_files": len(git("status", "--porcelain").splitlines()),
              "began": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"), "cores": os.cpu_count(),
              "machine": platform.platform(), "parts": {}}
    counts = []
    for name, count, seconds in runner.each(PARTS, names or PARTS):
        counts.append(count)
        result["parts"][name] = {"passed": count.passed, "failed": count.failed, "skipped": count.skipped,
                                 "minutes": round(seconds / 60, 1)}
    EVIDENCE.mkdir(exist_ok=True)
    file = EVIDENCE / f"{result['began'][:10]}-{result['commit'][:7]}{'' if not names else '-' + '-'.join(n.removeprefix('prove-') for n in names)}.json"
    file.write_text(json.dumps(result, indent=1) + "\n")
    print(f"prove: {file.relative_to(ROOT)}")
    runner.failures_again()
    all_ = total(counts)
    for skip in sorted(set(all_.skipped)):
        print(f"skipped: {skip}")
    print(f"{all_.passed} passed, {all_.failed} failed, {len(all_.skipped)} skipped")
    return 1 if all_.failed or not all_.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
