#!/usr/bin/env python3
"""Runs the parts of `make test` and adds up what passed, failed and was skipped.

  e2e/test.py all | check | <part> [<part> ...]

Each part writes target/reports/<part>.log, has a time limit, and fails by itself: the others run all the same, and the
reasons are shown once more at the end. With VIGIE_STRICT=1 a skip that docs/not-run-here.md does not list is a failure. A
line `skipped: <id>: <reason>` in a part's output is a skip. The programs of the cluster are built beside the other parts.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import post as mail
import runner
from runner import REPORTS, ROOT, Count, counted, failed, one, run, skips, total

STRICT = os.environ.get("VIGIE_STRICT") == "1"
VIGIE = ROOT / "target" / "release" / "vigie"
CLUSTER = ROOT / "e2e/cluster/run.py"
# Where the record of forecasts is looked at: its model is fitted in seconds.
RECORD = "ch"
# What `up` starts (e2e/up_test.py).
UP = "ch"
# Seconds after the start by which the programs of a cluster must be there: two parts of three minutes still fit in the hour.
TOOLS = 60 * int(os.environ.get("VIGIE_CLUSTER_MINUTES") or 42)
# Free space, in GB, below which a whole run would end somewhere in the middle with "No space left on device".
DISK = 25
if STRICT:
    # A run in a fresh clone never comes back to these files, and they are a third of what it writes.
    os.environ.setdefault("CARGO_INCREMENTAL", "0")
sys.path += [str(ROOT / "e2e"), str(ROOT / "e2e/tools")]


def fmt(part):
    return one(part, ["cargo", "fmt", "--all", "--check"])


def clippy(part):
    return one(part, ["cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])


def checks(part):
    scripts = sorted((ROOT / "e2e" / "checks").glob("*.py"))
    return total(one(part, [sys.executable, str(s)]) for s in scripts)


def rust(part):
    """Unit, property and database tests, each database test in a database of its own."""
    code, _ = run(part, ["cargo", "build", "--workspace", "--tests", "--bins", "--locked"])
    if code != 0:
        return Count(failed=1)
    code, text = run(part, ["target/debug/vigie", "with-database", "--", sys.executable, ROOT / "e2e/lanes.py"], seconds=2400)
    out = Count(skipped=skips(text))
    for ok, bad, ignored in re.findall(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored", text, re.M):
        out.passed += int(ok)
        out.failed += int(bad)
        out.skipped += ["ignored: a test is marked as ignored"] * int(ignored)
    if code != 0 and out.failed == 0:
        out.failed = 1
    return out


def release(part):
    return one(part, ["cargo", "build", "--release", "--workspace", "--bins", "--locked"], seconds=2400)


def nix(part):
    """The flake, evaluated with stand-ins for what it takes from outside."""
    return one(part, [ROOT / "e2e/nix/check.sh", "fast"], seconds=900)


def workflows(part):
    """Each step of the workflows, run here, and shown to be able to fail."""
    return one(part, [sys.executable, ROOT / "e2e/workflows/run.py"], seconds=1200)


def on_a_node(part, words, country):
    """Waits for the programs of a cluster, which are built beside the other parts, then runs the part."""
    beside = BESIDE.get("tools") or BESIDE.setdefault("tools", runner.Beside("tools", [sys.executable, CLUSTER, "tools"]))
    code = beside.wait(TOOLS - (time.time() - runner.STARTED))
    if code == 124:
        # What is built stays in the cache: the next run on this machine goes on from there.
        return Count(skipped=[f"cluster-time: its programs were not built {TOOLS // 60} minutes after the start (VIGIE_CLUSTER_MINUTES)"])
    if code != 0:
        failed(part, beside.text())
        return Count(failed=1)
    return counted(part, [sys.executable, CLUSTER, *words], {"COUNTRY": country}, 2100)


def cluster(part):
    """France from an empty cluster to a page, by git alone; what changes, damage and a revert do to it."""
    return on_a_node(part, [], "fr")


def pipeline(part):
    """A commit of a bare repository through the workflow's steps to pods of Switzerland."""
    return on_a_node(part, ["pipeline"], "ch")


def up(part):
    """The command `vigie up`: starts, stops, says what is wrong; who may do what; a timed restore; retrievals through a proxy into S3; the
    drill."""
    code, text = run(part, [sys.executable, "-W", "ignore", "-m", "unittest", "-v", "up_test", "restore_test", "archive_test", "drill_test"], {"PYTHONPATH": str(ROOT / "e2e")}, 1800)
    ran = sum(map(int, re.findall(r"^Ran (\d+) tests?", text, re.M)))
    bad = sum(map(int, re.findall(r"(?:failures|errors)=(\d+)", text)))
    skipped = sum(map(int, re.findall(r"skipped=(\d+)", text)))
    if code != 0 and bad == 0:
        bad = 1
    return Count(passed=max(ran - bad - skipped, 0), failed=bad, skipped=skips(text))


def countries():
    return sorted(p.parent.name for p in (ROOT / "clusters").glob("*/apps"))


def journeys(part):
    """A real browser through each country; then who may do what there."""
    browser = ROOT / "e2e" / "browser"
    code, _ = run(part, ["npm", "ci", "--prefix", str(browser), "--no-audit", "--no-fund"],
                  {"PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD": "1"})
    if code != 0:
        return Count(failed=1)
    country = total(journey(f"{part}-{c}", c, 8170 + i) for i, c in enumerate(countries()))
    # Of what has run: a start in which everything is computed takes minutes. `up` asks in the country that it starts.
    may = total(matrix(f"{part}-matrix-{c}", c, 8180 + i) for i, c in enumerate(countries()) if c != UP)
    return total([country, may, passkeys(f"{part}-passkeys")])


def passkeys(part):
    """Passkeys want an origin with a name and a role that a command gives: identity alone, over a database of its own."""
    return one(part, [VIGIE, "with-database", "--name", "passkeys", "--", sys.executable, ROOT / "e2e/passkeys.py",
                      ROOT / "target/release/identity", RECORD], seconds=600)


def journey(part, country, port):
    # What the platform says has a file of its own: at the end it is looked through for what must not be said.
    (REPORTS / f"{part}.log").write_text("")
    log = REPORTS / f"{part}-platform.log"
    letters = mail.Post(REPORTS / f"post-{country}")
    with log.open("w") as out:
        # Whoever asks the API everything asks often. A record of five weeks is one; twenty take the cores from the browser. At
        # `debug` each program writes all that it ever writes.
        platform = runner.start([VIGIE, "up"], out, {"COUNTRY": country, "PORT": str(port), "VIGIE_RATE_PER_MINUTE": "0", "RUST_LOG": "debug",
                                                     "VIGIE_FORECAST_REPLAY_WEEKS": "5" if country == RECORD else "0",
                                                     **mail.settings(letters)})
    url = f"http://127.0.0.1:{port}"
    try:
        if not wait_for(log, f"vigie: {country} is up at {url}", platform, 600):
            failed(part, log.read_text(errors="replace"), 20)
            return Count(failed=1)
        result = REPORTS / f"{part}.json"
        result.unlink(missing_ok=True)
        can_log_in = "log in at /account" in log.read_text(errors="replace")
        code, text = playwright(part, url, country, result, {"VIGIE_LOGIN": "" if can_log_in else "0", "VIGIE_POST": str(letters.folder),
                                                             "VIGIE_UP": str(platform.pid)})
        stats = json.loads(result.read_text())["stats"] if result.is_file() else None
        if stats is None:
            return Count(failed=1)
        if titles := [f"failed: {title}" for title in failures(json.loads(result.read_text()))]:
            failed(part, "\n".join(titles))
        bad = stats["unexpected"] + stats["flaky"]
        # A Playwright skip is a test that does not apply to the country or the project; it says so in its title.
        pages = Count(passed=stats["expected"], failed=max(bad, int(code != 0)), skipped=skips(text))
        if not can_log_in:
            pages.skipped.append("oidc-provider: the development provider did not start")
        attacks = counted(part, [sys.executable, ROOT / "e2e/attacks/run.py", country, platform.pid, letters.folder], seconds=300)
        counts = [pages, attacks]
        if (ROOT / f"clusters/{country}/apps/data-api").is_dir():
            counts.append(one(part, [ROOT / "e2e/api/run.sh", url], seconds=300))
        words = [sys.executable, ROOT / "e2e/canaries.py", *([] if can_log_in else ["--nobody-logs-in"]), platform.pid, letters.folder, log]
        return total([*counts, counted(part, words, seconds=120)])
    finally:
        letters.shutdown()
        stop(platform)


def matrix(part, country, port):
    """Who may do what, asked of the country that has run, by people of each role; under an origin with a name, which passkeys want."""
    log = REPORTS / f"{part}.log"
    url = f"http://localhost:{port}"
    platform_log = REPORTS / f"{part}-platform.log"
    log.write_text("")
    with platform_log.open("w") as out:
        platform = runner.start([VIGIE, "up"], out, {"COUNTRY": country, "PORT": str(port), "VIGIE_PUBLIC_URL": url, "VIGIE_FORECAST_REPLAY_WEEKS": "0"})
    try:
        if not wait_for(platform_log, f"vigie: {country} is up at {url}", platform, 300):
            failed(part, platform_log.read_text(errors="replace"), 20)
            return Count(failed=1)
        if "log in at /account" not in platform_log.read_text(errors="replace"):
            return Count(skipped=["oidc-provider: the development provider did not start"])
        return counted(part, [sys.executable, ROOT / "e2e/matrix/run.py", country, platform.pid], seconds=300)
    finally:
        stop(platform)


def stop(platform):
    """As Ctrl-C does it for the command alone; if that does not end it, everything it started is ended."""
    platform.send_signal(signal.SIGINT)
    try:
        platform.wait(60)
    except subprocess.TimeoutExpired:
        runner.end(platform)


def playwright(part, url, country, result, more):
    return run(part, ["npx", "playwright", "test", "--reporter=json"], {
        **more, "VIGIE_URL": url, "VIGIE_COUNTRY": country, "PLAYWRIGHT_JSON_OUTPUT_NAME": str(result),
        "CHROMIUM": os.environ.get("CHROMIUM", "/usr/bin/chromium"), "VIGIE_RECORD": "1" if country == RECORD else ""}, 1500, ROOT / "e2e" / "browser")


def failures(report):
    def walk(suite, path):
        here = path + [suite.get("title", "")]
        for spec in suite.get("specs", []):
            if not spec["ok"]:
                yield " > ".join(filter(None, here + [spec["title"]]))
        for child in suite.get("suites", []):
            yield from walk(child, here)
    for suite in report.get("suites", []):
        yield from walk(suite, [])


def wait_for(log, line, process, seconds):
    end = time.time() + seconds
    while time.time() < end:
        if line in log.read_text(errors="replace"):
            return True
        if process.poll() is not None:
            return False
        time.sleep(0.2)
    return False


PARTS = {"fmt": fmt, "checks": checks, "clippy": clippy, "rust": rust, "nix": nix, "release": release, "workflows": workflows,
         "up": up, "journeys": journeys, "cluster": cluster, "pipeline": pipeline}
# What needs Go, and what is built beside the other parts, by name.
WITH_GO = {"workflows", "cluster", "pipeline"}
# What starts the development provider of login.
WITH_NODE = {"rust", "up", "journeys"}
BESIDE = {}
CHECK = ["fmt", "checks", "clippy"]


def listed():
    """The ids of docs/not-run-here.md: the first cell of each table row."""
    text = (ROOT / "docs" / "not-run-here.md").read_text()
    return set(re.findall(r"^\| `?([a-z0-9-]+)`? \|", text, re.M))


def beside():
    """Go for those who need it, and the programs of a cluster, which nobody waits for yet."""
    try:
        import compiler
        compiler.use()
    except Exception as error:
        print(f"    | no Go: {error}")
    BESIDE["tools"] = runner.Beside("tools", [sys.executable, CLUSTER, "tools"])


def provider():
    """Node for the development provider of login and its packages. Without them the tests that need it say that they are skipped."""
    try:
        import node
        node.use()
        node.packages()
    except Exception as error:
        print(f"    | no development provider: {error}")


def main(names):
    names = {"all": list(PARTS), "check": CHECK}.get(names[0], names) if names else list(PARTS)
    unknown = [n for n in names if n not in PARTS]
    if unknown:
        print(f"no such part: {', '.join(unknown)}; choose among all, check, {', '.join(PARTS)}", file=sys.stderr)
        return 2
    REPORTS.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(REPORTS).free / 1e9
    if "rust" in names and free < DISK:
        print(f"vigie: {free:.0f} GB are free under {ROOT}, and a run writes up to {DISK} GB: make room (old target/ folders), then run again",
              file=sys.stderr)
        return 2
    if WITH_NODE & set(names):
        provider()
    if WITH_GO & set(names):
        beside()
    ran = list(runner.each(PARTS, names))
    for one_ in BESIDE.values():
        one_.stop()
    runner.failures_again()
    sum_ = total(count for _, count, _ in ran)
    known = listed()
    for skip in sorted(set(sum_.skipped)):
        unlisted = STRICT and skip.split(":")[0] not in known
        print(f"skipped: {skip}{'  <- not in docs/not-run-here.md' if unlisted else ''}")
        sum_.failed += int(unlisted)
    if runner.FAILURES:
        runner.failures_named()
    (REPORTS / "summary.json").write_text(json.dumps(
        {name: {"passed": c.passed, "failed": c.failed, "skipped": c.skipped, "seconds": round(seconds, 1)}
         for name, c, seconds in ran}, indent=1) + "\n")
    print(f"{sum_.passed} passed, {sum_.failed} failed, {len(sum_.skipped)} skipped")
    return 1 if sum_.failed or not sum_.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
