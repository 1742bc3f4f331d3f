#!/usr/bin/env python3
"""The check of the registers, checked: faults planted in a copy, each of which must be named."""

from common import ROOT, finish, plant

TAKEN = ["clusters/*/profile/profile.toml", "docs/legal", "e2e/checks", "services/identity/migrations", "services/identity/src", "crates/store/migrations",
         "services/identity/personal-data.toml", "crates/kit/src/network.rs", "crates/domain/src/models.rs", "crates/vigie/src/incident"]
REGISTER, COLUMNS = "docs/legal/fr/register.toml", "docs/legal/columns.toml"
MIGRATION, FIGURES = "services/identity/migrations/9999_planted.sql", "crates/store/migrations/9999_planted.sql"


def sql(text):
    return lambda _: text + "\n"


def other(old, new):
    return lambda text: text.replace(old, new, 1)


# check, what is planted, path, how its text changes, what must be said
FAULTS = [("legal", *rest) for rest in [
    ("a column of a new table", MIGRATION, sql("create table planted (id text primary key, nickname text not null);"), "planted.nickname is in no register"),
    ("a column added later", MIGRATION, sql("alter table account\n    add column hair_colour text, -- a remark\n    add column shoe_size int;"),
     "account.shoe_size is in no register"),
    ("a column renamed", MIGRATION, sql("alter table account rename column subject to called;"), "names account.subject, which the migrations do not make"),
    ("a table dropped", MIGRATION, sql("drop table role_grant;"), "names role_grant.role, which the migrations do not make"),
    ("a table made by a program", MIGRATION, sql("do $$ begin execute 'create table planted (a text)'; end $$;"), "is not understood"),
    ("a table made from a query", MIGRATION, sql("create table planted as select * from account;"), "is not understood"),
    ("an address among the figures", FIGURES, sql("alter table source add column contact_email text;"), "the surveillance database holds nothing about a person"),
    ("an address, said to be about nobody", COLUMNS, other('source = ["id"', 'source = ["contact_email", "id"'), "its name says otherwise"),
    ("a column that is gone", COLUMNS, other('source = ["id"', 'source = ["colour", "id"'), "lists source.colour, which the migrations do not make"),
    ("no reason", COLUMNS, other('"names a key of a process"', '""'), "token_key.kid has no reason"),
    ("a person's column, said to be about nobody", COLUMNS, other("[identity]\n", '[identity]\n"role_grant.role" = "a word"\n'), "and it is said to be about nobody"),
    ("an empty purpose", REGISTER, lambda text: text.replace(text.split("purpose.fr = ")[1].split("\n")[0], '" "', 1), "purpose.fr is empty"),
    ("a field that is missing", REGISTER, lambda text: text.replace("basis.fr", "ground.fr", 1), "basis, ground is missing or unknown"),
    ("a language too few", "docs/legal/ch/register.toml", lambda text: "\n".join(line for line in text.split("\n") if not line.startswith("persons.it")), "persons is in ['de', 'fr']"),
    ("a processing that is kept nowhere", REGISTER, other('elsewhere = ["crates/kit/src/network.rs", "services/identity/src/throttle.rs"]', "elsewhere = []"), "it is kept nowhere"),
    ("code that is not there", REGISTER, other("services/identity/src/throttle.rs", "services/identity/src/brake.rs"), "services/identity/src/brake.rs is not there"),
    ("a controller that is no field of the profile", REGISTER, other('controller = "publisher"', 'controller = "minister"'), "controller is no key of [legal]"),
    ("a page changed by hand", "docs/legal/fr/register.fr.md", lambda text: text + "\nRien.\n", "is older than"),
    ("an assessment changed without a version", "docs/legal/us/dpia.en.md", lambda text: text + "\nMore.\n", "the texts are not those of version"),
    ("a version that begins before it is written", REGISTER, other("effective_from = 2026-11-29", "effective_from = 2020-01-01"), "takes effect before its date"),
    ("a number of days that the profile does not state", REGISTER, lambda text: text.replace('retention.fr = "', 'retention.fr = "{centuries} jours, ', 1), "names 'centuries' in braces"),
    ("a country without a register", "clusters/xx/profile/profile.toml", lambda _: 'country = "xx"\n', "docs/legal/xx/register.toml is missing"),
    ("a controller that the operator named, and pages that do not say so", "clusters/fr/profile/profile.toml", other('publisher = "unset"', 'publisher = "Agence"'), "is older than"),
]]

# While the service says nothing of its columns itself, there is nothing to plant in.
SERVICE = "services/identity/personal-data.toml"
if (ROOT / SERVICE).is_file():
    FAULTS += [
        ("legal", "a column that the service does not name", SERVICE, other('issuer = "identifier"\n', ""), "does not name account.issuer"),
        ("legal", "a person's column for the service, nobody's for the registers", COLUMNS, other("[identity]\n", '[identity]\n"role_grant.granted_at" = "a time"\n'),
         "about nobody, and services/identity/personal-data.toml calls it record"),
    ]


def main():
    with plant.copied(*TAKEN) as tree:
        faults = plant.well(tree, ["legal"]) + plant.planted(tree, FAULTS)
    finish("planted_law", faults, len(FAULTS))


main()
