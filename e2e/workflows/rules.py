"""What every workflow must be, read without running it. Each fault is a sentence."""

import re

MAKE = re.compile(r"make [a-z-]+( [A-Z_]+=[\w./:-]+)*")
PINNED = re.compile(r"^\s*(?:- )?uses: (\S+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)$")
# Who may do more than read, and what; a job that is not here may not.
MAY = {("images", "images"): {"contents": "write", "packages": "write", "id-token": "write"}}
# Pushes that touch nothing else start neither images nor a promotion.
QUIET = ["clusters/*/images/**", "docs/project/**"]
# A recipe or step that ends well whatever happened.
DEAF = re.compile(r"\|\|\s*(true|:|exit 0|echo\b)|;\s*(true|:|exit 0)\s*$|set \+e|&\s*$")


def recipes(root):
    """Target to the lines of its recipe, of the Makefile and what it includes."""
    found, todo, seen = {}, [root / "Makefile"], []
    while todo:
        file = todo.pop()
        if file in seen or not file.is_file():
            continue
        seen.append(file)
        target = None
        for line in file.read_text().splitlines():
            if line.startswith("include "):
                todo += [root / name for name in line.split()[1:]]
            head = re.match(r"([a-z][a-z0-9-]*):(?!=)", line)
            if head:
                target = head.group(1)
                found.setdefault(target, [])
            elif line.startswith("\t") and target:
                found[target].append(line.strip())
    return found


def steps(workflows):
    """(file, workflow, job, step) of every step that runs a command."""
    for file, workflow in workflows.items():
        for name, job in workflow["jobs"].items():
            for step in job["steps"]:
                if "run" in step:
                    yield file, workflow, name, step


def run_step(file, name, step, targets):
    """A step calls one target and stops when that stops."""
    where, command = f"{file}: {name}", step["run"].strip()
    if not MAKE.fullmatch(command):
        yield f"{where} runs `{command}`: a step calls one target of the Makefile, without shell"
        return
    target = command.split()[1]
    if target not in targets:
        yield f"{where} runs `{command}`: the Makefile has no such target"
    for key in ["continue-on-error", "shell", "if"]:
        if key in step:
            yield f"{where} runs `{command}` with {key}: it could end well without having run"
    for line in targets.get(target, []):
        if DEAF.search(line) or line.lstrip("@").startswith("-"):
            yield f"the recipe of {target} cannot fail: {line}"


def job(file, workflow, name, body):
    where = f"{file}: {name}"
    if "timeout-minutes" not in body:
        yield f"{where} has no timeout-minutes"
    if body.get("continue-on-error"):
        yield f"{where} has continue-on-error"
    wanted = MAY.get((workflow["name"], name))
    if body.get("permissions", wanted) != wanted:
        yield f"{where} may {body['permissions']}; e2e/workflows/rules.py allows {wanted or 'no more than the workflow'}"
    for step in body["steps"]:
        if step.get("uses", "").startswith("actions/checkout@"):
            keeps = step.get("with", {}).get("persist-credentials", True)
            if keeps != ((wanted or {}).get("contents") == "write"):
                yield f"{where} keeps the token in the checkout: {keeps}"


def check(root, workflows, page):
    """All faults of all workflows. `page` is the text of docs/pipeline.md, which lists the pinned actions."""
    targets = recipes(root)
    for file, workflow in workflows.items():
        text = (root / ".github/workflows" / file).read_text()
        if workflow.get("permissions") not in ({}, {"contents": "read"}):
            yield f"{file} must begin with `permissions: {{}}` or `contents: read`"
        # YAML reads the key `on` as a truth value.
        events = workflow.get("on", workflow.get(True)) or {}
        if "pull_request_target" in events or "workflow_run" in events:
            yield f"{file} starts on an event that gives a stranger's code our token"
        if workflow["name"] in ("images", "promote") and (events.get("push") or {}).get("paths-ignore") != QUIET:
            yield f"{file} must ignore pushes that touch only {' and '.join(QUIET)}: it would build what it has just written"
        for line in text.splitlines():
            if "uses:" in line:
                match = PINNED.match(line)
                if not match:
                    yield f"{file}: `{line.strip()}` is not pinned as `owner/action@<40 hex digits> # vX.Y.Z`"
                elif not all(word in page for word in match.groups()):
                    yield f"{file}: docs/pipeline.md does not list {match.group(1)} {match.group(3)} {match.group(2)}"
        for name, body in workflow["jobs"].items():
            yield from job(file, workflow, name, body)
    for file, _, name, step in steps(workflows):
        yield from run_step(file, name, step, targets)


# What the scans are, in the script that `make audit` runs.
SCANS = ["python3 e2e/workflows/exceptions.py", "gitleaks git ", "cargo deny --offline --log-level warn check bans licenses sources", "cargo deny --log-level warn check advisories"]


def scans(root, workflows):
    """Secrets, licences and advisories are looked for on a day of every week, online, and when a dependency changes."""
    script = (root / "e2e/workflows/audit.sh").read_text()
    for scan in SCANS:
        if not any(line.strip().startswith(scan) or f"if {scan}" in line for line in script.splitlines()):
            yield f"e2e/workflows/audit.sh does not run `{scan.strip()}`"
    for _, workflow, name, step in steps(workflows):
        events = workflow.get("on", workflow.get(True)) or {}
        env = {**(workflow.get("env") or {}), **(workflow["jobs"][name].get("env") or {}), **(step.get("env") or {})}
        paths = (events.get("push") or {}).get("paths", [])
        if step["run"].strip() == "make audit" and events.get("schedule") and env.get("VIGIE_ONLINE") == "1" and "Cargo.lock" in paths:
            return
    yield "no workflow runs `make audit` by a schedule and when Cargo.lock changes, with VIGIE_ONLINE=1: without it what cannot be fetched is no failure"
