"""Commands of the tests: each with its log, a time limit, and an end that leaves no process behind."""

import os
import re
import signal
import subprocess
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "target" / "reports"
# The whole of `make test`, in seconds; what has not begun by then fails with that sentence instead of being cut off.
WHOLE = 60 * int(os.environ.get("VIGIE_TEST_MINUTES") or 58)
STARTED = time.time()
# (log, the end of what a failed command said, what failed by name), shown once more at the end of the run.
FAILURES = []


@dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: list = field(default_factory=list)


def total(counts):
    out = Count()
    for c in counts:
        out.passed += c.passed
        out.failed += c.failed
        out.skipped += c.skipped
    return out


def skips(text):
    """Whoever runs one test at a time writes the test's name before what it says."""
    return sorted(set(re.findall(r"^(?:test \S+ \.\.\. )?skipped: (.+)$", text, re.M)))


def end(process, number=signal.SIGTERM, seconds=60):
    """Ends a process and all that it started: asked first, then not asked."""
    for how, patience in ((number, seconds), (signal.SIGKILL, 10)):
        try:
            os.killpg(process.pid, how)
            process.wait(patience)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
        return


def start(command, out, env=None, cwd=ROOT):
    """A command in a group of its own, which does not read."""
    return subprocess.Popen(list(map(str, command)), cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                            env={**os.environ, **(env or {})}, start_new_session=True)


def failed(part, text, lines=40):
    """Shows the end of what a failed command said, now and at the end of the run."""
    tail = text.splitlines()[-lines:]
    print("\n".join(f"    | {line}" for line in tail), flush=True)
    FAILURES.append((part, tail[-20:], [line[:200] for line in named(text)]))


def named(text):
    """What failed, by name and in one line each, where the output says so: tests of cargo with their panic, of unittest, and
    the lines `FAILED: ...`, `failed: ...` and `FAULT: ...` of our own programs."""
    tests = sorted(set(re.findall(r"^    (\S+::\S+|\w+)$", "\n".join(re.findall(r"^failures:\n((?:    \S+\n)+)", text, re.M)), re.M)))
    for test in tests:
        said = re.search(rf"thread '{re.escape(test)}'.* panicked at ([^\n]*)\n((?:[^\n]+\n)?)", text)
        yield f"{test}: {said[1]} {said[2].strip()}" if said else test
    yield from re.findall(r"^(?:(?:FAIL|ERROR|FAILED) |(?:FAIL|ERROR|FAILED|failed|FAULT): ).+$", text, re.M)


def run(part, command, env=None, seconds=1800, cwd=ROOT):
    """Runs a command with its output in the part's log; returns exit code and text. 124: it was ended after its time."""
    log = REPORTS / f"{part}.log"
    limit = min(seconds, max(WHOLE - (time.time() - STARTED), 5))
    with log.open("a", errors="replace") as out:
        out.write(f"$ {' '.join(map(str, command))}\n")
        out.flush()
        begin = log.stat().st_size
        process = start(command, out, env, cwd)
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            end(process)
            out.write(f"\nended after {limit:.0f} s: `{' '.join(map(str, command))}` took too long\n")
            code = 124
        except BaseException:
            end(process)
            raise
    with log.open("rb") as whole:
        whole.seek(begin)
        text = whole.read().decode(errors="replace")
    if code != 0:
        failed(part, text)
    return code, text


def one(part, command, env=None, seconds=1800):
    """A part that is one check."""
    code, text = run(part, command, env, seconds)
    return Count(passed=int(code == 0), failed=int(code != 0), skipped=skips(text))


def counted(part, command, env=None, seconds=1800):
    """A command whose last line `N passed, N failed` says how many checks it is."""
    code, text = run(part, command, env, seconds)
    said = re.findall(r"^(\d+) passed, (\d+) failed$", text, re.M)
    passed, bad = map(int, said[-1]) if said else (0, 0)
    return Count(passed=passed, failed=max(bad, int(code != 0)), skipped=skips(text))


def each(parts, names):
    """Runs parts one after the other, whatever becomes of one of them: its name, what it counted, seconds."""
    for name in names:
        (REPORTS / f"{name}.log").write_text("")
        print(f"== {name}", flush=True)
        start = time.time()
        try:
            count = parts[name](name)
        except Exception as error:  # whatever it is: the other parts run, and this one has failed
            failed(name, "".join(traceback.format_exception(error)))
            count = Count(failed=1)
        seconds = time.time() - start
        print(f"   {count.passed} passed, {count.failed} failed, {len(count.skipped)} skipped in {seconds:.0f} s", flush=True)
        yield name, count, seconds


def failures_again():
    """What failed, once more, where it is seen: at the end."""
    for part, tail, _ in FAILURES:
        print(f"== failed: {part} (target/reports/{part}.log)")
        print("\n".join(f"    | {line}" for line in tail))


def failures_named(most=8):
    """The names alone, which stand last: whoever sees only the end of the output sees what it was."""
    lines = [f"failed: {part}: {line}" for part, _, names in FAILURES for line in names or [f"see target/reports/{part}.log"]]
    print("\n".join(lines[:most] + [f"... and {len(lines) - most} more"] * (len(lines) > most)))


class Beside:
    """A command that runs beside the others, at the lowest priority, until somebody needs what it does."""

    def __init__(self, part, command):
        self.part, self.late = part, False
        REPORTS.mkdir(parents=True, exist_ok=True)
        with (REPORTS / f"{part}.log").open("w") as out:
            self.process = start(["nice", "-n", "19", *command], out)

    def wait(self, seconds):
        """Its exit code, once it ended; 124 when it was ended for taking too long, also when it is asked again."""
        if self.late:
            return 124
        try:
            return self.process.wait(min(max(seconds, 5), max(WHOLE - (time.time() - STARTED), 5)))
        except subprocess.TimeoutExpired:
            end(self.process)
            self.late = True
            return 124

    def text(self):
        return (REPORTS / f"{self.part}.log").read_text(errors="replace")

    def stop(self):
        if self.process.poll() is None:
            end(self.process)
