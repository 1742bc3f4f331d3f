"""The tables and columns that migrations leave behind, read from their SQL.

Only what the migrations of this repository use is understood. A statement that changes a table in another way is an
error and never passed over: whoever writes it teaches this file, or the checks would not see the column.
"""

import re

WORD = r'(?:"[^"]+"|[\w.]+)'
DOLLAR = re.compile(r"(\$\w*\$)(.*?)\1", re.S)
# What may begin an item of `create table (…)` that is no column.
CONSTRAINTS = {"constraint", "primary", "unique", "check", "foreign", "exclude", "like"}
# Statements that change no column.
HARMLESS = re.compile(
    r"(create (unique )?index|create (or replace )?(function|trigger|view|role|type|sequence|policy|extension|procedure)|create materialized view"
    r"|alter (view|role|type|sequence|function|policy|index)|drop (index|view|function|trigger|policy|constraint|type|sequence|role)"
    r"|insert|update|delete|select|grant|revoke|comment|set|do|lock|analyze|begin|commit)\b", re.I)
# Actions of `alter table` that change no column.
STILL = re.compile(
    r"(add (constraint|primary|unique|check|foreign)|drop constraint|alter (column )?|(enable|disable|force|no force) |validate |owner to|set |reset |rename constraint"
    r"|attach partition|detach partition|replica identity)", re.I)


class Unread(ValueError):
    """A statement that this file does not understand."""


def parts(text, at=","):
    """Splits at a character outside of brackets and quotes."""
    found, depth, quote, begin = [], 0, "", 0
    for i, c in enumerate(text):
        if quote:
            quote = "" if c == quote else quote
        elif c in "'\"":
            quote = c
        elif c in "([":
            depth += 1
        elif c in ")]":
            depth -= 1
        elif c == at and depth == 0:
            found.append(text[begin:i].strip())
            begin = i + 1
    return [p for p in [*found, text[begin:].strip()] if p]


def bare(word):
    """A name without quotes and without its schema."""
    return word.split(".")[-1].strip('"').lower()


def uncommented(sql):
    """SQL without comments; a `--` within quotes stays."""
    return re.sub(r"('(?:[^']|'')*')|--[^\n]*|/\*.*?\*/", lambda m: m.group(1) or " ", sql, flags=re.S)


def apply(tables, statement):
    """One statement's effect on `tables` (name -> list of columns)."""
    text = " ".join(statement.split())
    if match := re.match(rf"create (?:unlogged |temporary |temp )?table (?:if not exists )?({WORD}) ?(\(.*\)|partition of .*|as .*)", text, re.I):
        name, body = bare(match.group(1)), match.group(2)
        if not body.startswith("("):
            raise Unread(f"`{text[:80]}`: name its columns")
        inside = re.match(r"\((.*)\)(?: partition by .*)?$", body, re.I)
        if not inside:
            raise Unread(f"`{text[:80]}`")
        items = [p for p in parts(inside.group(1)) if re.match(WORD, p)]
        tables[name] = [bare(i.split()[0]) for i in items if i.split()[0].lower().split("(")[0] not in CONSTRAINTS]
    elif match := re.match(r"drop table (?:if exists )?(.*?)(?: cascade| restrict)?$", text, re.I):
        for name in parts(match.group(1)):
            tables.pop(bare(name), None)
    elif match := re.match(rf"alter table (?:if exists )?(?:only )?({WORD}) (.*)$", text, re.I):
        alter(tables, bare(match.group(1)), match.group(2))
    elif not HARMLESS.match(text):
        raise Unread(f"`{text[:80]}`")


def alter(tables, table, actions):
    """`alter table`, action by action."""
    if match := re.match(rf"rename to ({WORD})$", actions, re.I):
        tables[bare(match.group(1))] = tables.pop(table)
        return
    for action in parts(actions):
        if match := re.match(rf"rename (?:column )?({WORD}) to ({WORD})$", action, re.I):
            old, new = bare(match.group(1)), bare(match.group(2))
            tables[table] = [new if c == old else c for c in tables[table]]
        elif STILL.match(action):
            continue
        elif match := re.match(rf"add (?:column )?(?:if not exists )?({WORD}) ", action + " ", re.I):
            tables[table].append(bare(match.group(1)))
        elif match := re.match(rf"drop (?:column )?(?:if exists )?({WORD})", action, re.I):
            tables[table].remove(bare(match.group(1)))
        else:
            raise Unread(f"`alter table {table} {action[:80]}`")


def dynamic(body):
    """What a `do` block may do to tables: make partitions, which have the columns of their parent, and nothing else."""
    for found in re.finditer(r"(create|alter|drop)\s+(?:unlogged\s+)?table\s+(\S+)\s+(.{0,40})", body, re.I | re.S):
        rest = " ".join(found.group(3).split())
        if not re.match(r"partition of|(enable|disable|force) row level", rest, re.I):
            raise Unread(f"`{' '.join(found.group(0).split())}` in a do block: write it as a statement")


def tables(files):
    """name -> columns, after all of `files` (paths) in the order of their names. Unread, with the file, otherwise."""
    found = {}
    for path in sorted(files, key=lambda p: p.name):
        sql = uncommented(path.read_text(encoding="utf-8"))
        try:
            for tag, body in DOLLAR.findall(sql):
                dynamic(body)
            for statement in parts(DOLLAR.sub(" '' ", sql), ";"):
                apply(found, statement)
        except (Unread, KeyError, ValueError) as error:
            raise Unread(f"{path.name}: {error} is not understood by e2e/checks/common/schema.py") from error
    return found
