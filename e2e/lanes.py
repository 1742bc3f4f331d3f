#!/usr/bin/env python3
"""Runs what `cargo test --workspace` runs, two test programs at a time: cargo runs them one after the other, and the many that
wait for a database leave a processor idle. As under cargo each program is in its package's folder; within one, tests follow one
another. The biggest come first, which link most of the platform and take longest. Two of one name are never under way at a
time: a test's database is named after its path, which begins with that name and not with the package's. Ends with 1 when one of
them failed."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LANES = 2
CARGO = ["cargo", "test", "--workspace", "--locked"]


def programs():
    """Each test program, built, with the folder of its package."""
    told = subprocess.run([*CARGO, "--no-run", "--message-format=json"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if told.returncode != 0:
        sys.exit(told.returncode)
    for message in map(json.loads, told.stdout.splitlines()):
        if message["reason"] == "compiler-artifact" and message["profile"]["test"] and message["executable"]:
            yield message["executable"], Path(message["manifest_path"]).parent


def name(command):
    """Of a test program, without the hash that cargo puts behind it."""
    return Path(command[0]).name.rpartition("-")[0]


def following(commands, under_way):
    """Takes the first of `commands` that may start now; None when each has the name of one that is under way."""
    for place, (command, _) in enumerate(commands):
        if name(command) not in under_way:
            return commands.pop(place)
    return None


def lane(commands, under_way, free, failed):
    while True:
        with free:
            while (taken := following(commands, under_way)) is None and commands:
                free.wait()
            if taken is None:
                return
            command, folder = taken
            under_way.add(name(command))
        env = {**os.environ, "CARGO_MANIFEST_DIR": str(folder), "RUST_TEST_THREADS": "1"}
        done = subprocess.run(command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        with free:
            under_way.discard(name(command))
            free.notify_all()
            print(f"Running {' '.join(map(str, command))}\n{done.stdout.decode(errors='replace')}", flush=True)
            if done.returncode != 0:
                failed.append(f"FAILED: {folder.name}: {Path(command[0]).name} ended with {done.returncode}")


def main():
    found = sorted(programs(), key=lambda program: -Path(program[0]).stat().st_size)
    commands = [([program, "--nocapture"], folder) for program, folder in found] + [([*CARGO, "--doc"], ROOT)]
    under_way, free, failed = set(), threading.Condition(), []
    lanes = [threading.Thread(target=lane, args=(commands, under_way, free, failed)) for _ in range(LANES)]
    for one in lanes:
        one.start()
    for one in lanes:
        one.join()
    print("\n".join(failed))
    return int(bool(failed) or not found)


if __name__ == "__main__":
    sys.exit(main())
