#!/usr/bin/env python3
"""Words: every language of a service has the same texts with the same placeholders, and every country has its languages."""

import itertools
import re
import tomllib

from common import ROOT, finish, name, tracked

# CLDR's plural categories: a language has those that it needs, and always `other`.
PLURALS = {"zero", "one", "two", "few", "many", "other"}
PLACEHOLDER = re.compile(r"%\{(\w+)\}")
# Forms that each language has for its own grammar: which places take which article.
OWN = re.compile(r"^where\.")


def flat(table, before=""):
    """`a.b.c` -> text; plural forms fold into their key, which then lists them."""
    texts = {}
    for key, value in table.items():
        if isinstance(value, dict) and "other" in value and set(value) <= PLURALS:
            texts[before + key] = value
        elif isinstance(value, dict):
            texts.update(flat(value, f"{before}{key}."))
        else:
            texts[before + key] = {"": str(value)}
    return texts


def placeholders(forms):
    """All placeholders of a text; a plural form may leave out the number itself ("one person")."""
    return {p for text in forms.values() for p in PLACEHOLDER.findall(text)} - ({"n", "count"} if "" not in forms else set())


def folder(path, faults):
    """One folder of locale files. Returns its languages."""
    files = sorted(p for p in path.glob("*.toml"))
    all_texts = {}
    for file in files:
        try:
            all_texts[file.stem] = flat(tomllib.loads(file.read_text(encoding="utf-8")))
        except tomllib.TOMLDecodeError as error:
            faults.append(f"{name(file)} is no TOML: {error}")
    keys = {k for texts in all_texts.values() for k in texts if not OWN.match(k)}
    for language, texts in all_texts.items():
        where = name(path / f"{language}.toml")
        faults += [f"{where} lacks {key}" for key in sorted(keys - texts.keys())]
        faults += [f"{where}: {k} is empty" for k, forms in texts.items() if not all(t.strip() for t in forms.values())]
    for key in sorted(keys):
        sets = {language: placeholders(texts[key]) for language, texts in all_texts.items() if key in texts}
        for language in sets:
            if sets[language] != next(iter(sets.values())):
                faults.append(f"{name(path)}: {key} has other placeholders in {language} than in {next(iter(sets))}")
    for (first, a), (second, b) in itertools.combinations(sorted(all_texts.items()), 2):
        for key in sorted(a.keys() & b.keys()):
            if not OWN.match(key) and a[key] == b[key] and any(len(re.findall(r"[^\W\d_]{2,}", t)) > 3 for t in a[key].values()):
                faults.append(f"{name(path)}: {key} is the same sentence in {first} and {second}: translate it")
    return all_texts


def main():
    faults = []
    folders = {p.parent for p in tracked("crates/*/locales/*.toml", "services/*/locales/*.toml")}
    languages = {path: folder(path, faults) for path in sorted(folders)}
    for path in tracked("clusters/*/profile/profile.toml"):
        profile = tomllib.loads(path.read_text(encoding="utf-8"))
        apps = {p.parent.name for p in tracked(f"clusters/{profile['country']}/apps/*/kustomization.yaml")}
        for where, texts in languages.items():
            if where.parts[-3] == "services" and where.parts[-2] not in apps:
                continue
            for language in profile["languages"]:
                if language["code"] not in texts:
                    faults.append(f"{name(where)} has no {language['code']}.toml, a language of {profile['country']}")
        web = languages.get(ROOT / "services/web/locales", {})
        for gap in profile.get("gaps", []):
            for language in profile["languages"]:
                if f"gap.{gap['reason']}" not in web.get(language["code"], {}):
                    faults.append(f"services/web/locales/{language['code']}.toml lacks gap.{gap['reason']}, a gap of {profile['country']}")
    finish("locales", faults, sum(len(t) for t in languages.values()))


main()
