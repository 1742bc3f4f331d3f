#!/usr/bin/env python3
"""Registers of docs/legal: every column about a person stands in them, nothing in them is missing, and pages agree with them.

    legal.py          compares
    legal.py --write  writes the pages register.<language>.md and retention.<language>.md anew
    legal.py --seal   the same, and states the hash of a country's texts in its newest version
"""

import datetime
import hashlib
import re
import sys
import tomllib

from common import ROOT, finish, name, schema, tracked

FOLDER = ROOT / "docs/legal"
CLASSES = ROOT / "services/identity/personal-data.toml"
UNSET = "unset"
# A column with such a name is about a person, whatever columns.toml says.
PERSON = re.compile(r"e?mail|phone|birth|surname|(first|last|given|family)_name|street|postcode|user_agent|(^|_)ip(_|$)|remote_addr|subject|pseudonym|account")
TEXTS = ["title", "purpose", "basis", "persons", "categories", "recipients", "transfers", "retention", "security"]
FIELDS = {"id", "columns", "elsewhere", "deleted_by", *TEXTS}
HEAD = {"country", "title", "law", "controller", "contact", "processing", "version"}
VERSION = {"number", "date", "effective_from", "what", "sha256"}


def read(path):
    return tomllib.loads(path.read_text(encoding="utf-8"))


def of_service():
    """table.column -> category, as the service itself says it; `none` is about nobody. Empty while it says nothing."""
    tables = read(CLASSES)["table"] if CLASSES.is_file() else []
    return {f"{t['name']}.{c}": category for t in tables for c, category in t["columns"].items()}


def empty(value):
    return value in ("", [], {}) or (isinstance(value, str) and not value.strip())


def made(tables):
    """table.column of all of a schema."""
    return {f"{t}.{c}" for t, names in tables.items() for c in names}


def columns(register, where, tables, nobody, service, faults):
    """Compares a register with the schema of `identity`, and with what the service says of its columns."""
    exist = made(tables)
    named = [c for p in register["processing"] for c in p.get("columns", [])]
    faults += [f"{where} names {c}, which the migrations do not make" for c in sorted(set(named) - exist)]
    faults += [f"{where} names {c} twice" for c in sorted({c for c in named if named.count(c) > 1})]
    faults += [f"{where} names {c}, and it is said to be about nobody" for c in sorted(set(named) & set(nobody))]
    missing = exist - set(named) - set(nobody) - {c for c, category in service.items() if category == "none"}
    faults += [f"{where}: {c} is in no register: name it there, or say in docs/legal/columns.toml why it is about nobody" for c in sorted(missing)]


def fields(register, where, languages, legal, faults):
    """Every field is there, in every language of the country, and says something."""
    if set(register) != HEAD:
        faults.append(f"{where} must hold exactly {', '.join(sorted(HEAD))}")
    for key in ("controller", "contact"):
        if register.get(key) not in legal:
            faults.append(f"{where}: {key} is no key of [legal] in the profile")
    for entry in [register, *register["processing"]]:
        what = f"{where}, {entry.get('id', 'head')}"
        if "id" in entry and set(entry) != FIELDS:
            faults.append(f"{what}: {', '.join(sorted(FIELDS ^ set(entry)))} is missing or unknown")
        for key in TEXTS if "id" in entry else ["title", "law"]:
            said = entry.get(key, {})
            if set(said) != set(languages):
                faults.append(f"{what}: {key} is in {sorted(said)}, and the country speaks {languages}")
            faults += [f"{what}: {key}.{language} is empty" for language, text in said.items() if empty(text)]
        if "id" in entry and not entry.get("columns") and not entry.get("elsewhere"):
            faults.append(f"{what}: it is kept nowhere; name columns or elsewhere")
        paths = [*entry.get("elsewhere", []), *([entry["deleted_by"]] if entry.get("deleted_by", UNSET) != UNSET else [])]
        faults += [f"{what}: {p} is not there" for p in paths if not (ROOT / p).exists()]


def filled(text, days):
    """A text with the numbers of days of the profile's [law.keep_days] in place of {name}; KeyError for one that is not there."""
    return re.sub(r"\{(\w+)\}", lambda m: str(days[m.group(1)]), text)


def page(register, labels, language, profile):
    """The register and the table of retention, as a person reads them."""
    words, now, legal = labels[language], register["version"][-1], profile["legal"]
    days = profile.get("law", {}).get("keep_days", {})

    def named(key):
        value = legal.get(key, UNSET)
        return f"{words['unset']} (`legal.{key}`)" if value == UNSET else value

    stamp = words["number"].format(**now, law=register["law"][language])
    top = f"{stamp}\n\n{words['draft']}\n\n- {words['controller']}: {named(register['controller'])}\n- {words['contact']}: {named(register['contact'])}\n"
    if language == "fr":
        top = top.replace(f"{words['controller']}:", f"{words['controller']}\u00a0:").replace(f"{words['contact']}:", f"{words['contact']}\u00a0:")
    full, kept = [f"# {register['title'][language]}\n\n{top}"], [f"# {words['retention_title']}\n\n{top}"]
    kept.append(f"| {words['record']} | {words['retention']} | {words['deleted_by']} |\n|---|---|---|")
    for p in register["processing"]:
        rows = [(words[k], p[k][language]) for k in ("purpose", "basis", "persons", "categories")]
        rows.append((words["columns"], ", ".join(f"`{c}`" for c in p["columns"]) or words["nowhere"]))
        rows += [(words["elsewhere"], ", ".join(f"`{e}`" for e in p["elsewhere"]))] if p["elsewhere"] else []
        rows += [(words[k], filled(p[k][language], days)) for k in ("recipients", "transfers", "retention", "security")]
        table = "\n".join(f"| {a} | {b} |" for a, b in rows)
        full.append(f"\n## {p['title'][language]}\n| | |\n|---|---|\n{table}")
        by = words["by_hand"] if p["deleted_by"] == UNSET else f"`{p['deleted_by']}`"
        kept.append(f"| {p['title'][language]} | {filled(p['retention'][language], days)} | {by} |")
    full.append(f"\n## {words['surveillance']}\n{words['surveillance_text']}")
    history = "\n".join(f"- {v['number']}, {v['effective_from']}: {v['what']}" for v in register["version"])
    full.append(f"\n## {words['changes']}\n{history}")
    return "\n".join(full) + "\n", "\n".join(kept) + "\n"


def texts(country):
    """The hash of all that a person reads of a country."""
    pages = sorted((FOLDER / country).glob("*.md"))
    return hashlib.sha256(b"\0".join(p.name.encode() + b"\0" + p.read_bytes() for p in pages)).hexdigest()


def versions(register, where, country, faults):
    """Each text has a version with its dates; the newest states the hash of what is there."""
    for number, version in enumerate(register["version"], 1):
        if set(version) != VERSION or version["number"] != number or empty(version["what"]):
            faults.append(f"{where}: version {number} must hold {', '.join(sorted(VERSION))}, numbered from 1")
        elif not all(isinstance(version[k], datetime.date) for k in ("date", "effective_from")) or version["effective_from"] < version["date"]:
            faults.append(f"{where}: version {number} takes effect before its date, or a date is none")
    if register["version"][-1]["sha256"] != texts(country):
        faults.append(f"{where}: the texts are not those of version {register['version'][-1]['number']}: add a version, then run e2e/checks/legal.py --seal")


def pages(country, register, labels, languages, profile, write, faults):
    """Compares the pages with their register, or writes them."""
    for language in languages:
        if not (FOLDER / country / f"dpia.{language}.md").is_file():
            faults.append(f"docs/legal/{country}/dpia.{language}.md is missing")
        try:
            written = page(register, labels, language, profile)
        except KeyError as error:
            faults.append(f"docs/legal/{country}/register.toml names {error} in braces, which is no key of [law.keep_days] in the profile")
            continue
        for file, text in zip(("register", "retention"), written):
            target = FOLDER / country / f"{file}.{language}.md"
            if write:
                target.write_text(text, encoding="utf-8")
            elif not target.is_file() or target.read_text(encoding="utf-8") != text:
                faults.append(f"{name(target)} is older than docs/legal/{country}/register.toml: run e2e/checks/legal.py --write")


def main():
    faults, how = [], sys.argv[1:]
    about, labels = read(FOLDER / "columns.toml"), read(FOLDER / "labels.toml")
    try:
        identity = schema.tables(tracked("services/identity/migrations/*.sql"))
        surveillance = schema.tables(tracked("crates/store/migrations/*.sql"))
    except schema.Unread as error:
        finish("legal", [str(error)], 0)
    nobody, service = about["identity"], of_service()
    listed, there = made(about["surveillance"]), made(surveillance)
    faults += [f"crates/store/migrations makes {c}: the surveillance database holds nothing about a person; list it in docs/legal/columns.toml if so" for c in sorted(there - listed)]
    faults += [f"docs/legal/columns.toml lists {c}, which the migrations do not make" for c in sorted(listed - there)]
    faults += [f"docs/legal/columns.toml says that {c} is about nobody: its name says otherwise" for c in sorted(listed | set(about["identity"])) if PERSON.search(c.split(".")[1])]
    faults += [f"docs/legal/columns.toml: {c} has no reason" for c, why in nobody.items() if empty(why)]
    faults += [f"docs/legal/columns.toml says that {c} is about nobody, and {name(CLASSES)} calls it {service[c]}" for c in nobody if service.get(c, "none") != "none"]
    faults += [f"{name(CLASSES)} does not name {c}" for c in sorted(made(identity) - service.keys()) if service]
    countries = sorted(p.parent.parent.name for p in tracked("clusters/*/profile/profile.toml"))
    for country in countries:
        path = FOLDER / country / "register.toml"
        if not path.is_file():
            faults.append(f"{name(path)} is missing")
            continue
        profile, register, where = read(ROOT / f"clusters/{country}/profile/profile.toml"), read(path), name(path)
        languages = sorted(language["code"] for language in profile["languages"])
        before = len(faults)
        columns(register, where, identity, nobody, service, faults)
        fields(register, where, languages, profile["legal"], faults)
        if len(faults) > before:
            continue
        pages(country, register, labels, languages, profile, bool(how), faults)
        if how == ["--seal"]:
            text = path.read_text(encoding="utf-8")
            head, mark, _ = text.rpartition('sha256 = "')
            path.write_text(f'{head}{mark}{texts(country)}"\n', encoding="utf-8")
        else:
            versions(register, where, country, faults)
    finish("legal", faults, len(listed) + sum(map(len, identity.values())))


main()
