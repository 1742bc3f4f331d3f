#!/usr/bin/env python3
"""The search for canaries, checked: each kind is planted in a log in each form, and must be found and named; what was never planted
must be missed.
"""

import json
import secrets
import sys
import tempfile
from pathlib import Path

from common import ROOT, finish

sys.path.insert(0, str(ROOT / "e2e"))
import canaries  # noqa: E402

# In pieces, since it would be a fault here too.
KIND = "PRIVATE" + " KEY"
LOG = '{"timestamp":"2026-01-01T00:00:00Z","level":"INFO","fields":{"message":"listening"},"target":"kit::server"}\n'


def state(folder):
    """A country's folder, and a letter; the kinds that are read from them."""
    (folder / "web-password").write_text("5f" * 24)
    (folder / "data-api-key.pem").write_text(f"-----BEGIN {KIND}-----\n{'MC4CAQAwBQYDK2Vw' * 3}\n-----END {KIND}-----\n")
    (folder / "registrations.toml").write_text('[a]\nclient_secret = "a-secret-of-a-provider"\nprivate_key = "-----BEGIN\\nAAAAAAAAAAAAAAAAAAAA\\nBBBBBBBBBBBBBBBBBBBB\\nCCCC\\n-----END\\n"\n')
    (folder / "0001.json").write_text(json.dumps({"to": ["ada@canary.test"], "text": f"http://a/open?lang=fr&token={'t' * 43}\nhttp://a/account/alerts/stop/{'s' * 43}\n"}))
    (folder / "planted.jsonl").write_text(json.dumps({"kind": "code", "value": "c" * 20}) + "\n")
    return {("password", "5f" * 24), ("service key", "MC4CAQAwBQYDK2Vw" * 3), ("registration", "a-secret-of-a-provider"), ("registration", "BBBBBBBBBBBBBBBBBBBB"),
            ("address", "ada@canary.test"), ("link", "t" * 43), ("link", "s" * 43), ("code", "c" * 20)}


def main():
    faults, count = [], 0
    with tempfile.TemporaryDirectory(prefix="vigie-canaries-") as temporary:
        folder = Path(temporary)
        if missed := state(folder) - canaries.planted(folder) - canaries.kept(folder):
            faults.append(f"read neither from a country's folder nor from what was planted: {missed}")
        # `+/` and a space: what an encoding changes.
        told = {(kind, f"{secrets.token_hex(12)} {kind}+/é") for kind in canaries.KNOWN} | {("subject", "alice"), ("network", "127.77.1.2")}
        places = {name: folder / name for name in ("identity.log", "metrics of web", "web.log.previous")}

        def said(what, kinds, **texts):
            for name, path in places.items():
                path.write_text(texts.get(name, LOG))
            return canaries.look(places, what, kinds)

        def wants(what, fault, found):
            nonlocal count
            count += 1
            if not any(fault in one for one in found):
                faults.append(f"{what} is not refused with “{fault}”: {found}")

        everything = set(canaries.KNOWN)
        if found := said(told, everything):
            faults.append(f"a clean run is refused: {found}")
        for n, (kind, value) in enumerate(sorted(told)):
            place = list(places)[n % len(places)]
            for form in canaries.forms(value) if len(value) >= canaries.SHORT else [value.encode()]:
                found = said(told, everything, **{place: f"{LOG}x {form.decode()} y\n{LOG}"})
                wants(f"{kind} as {form[:30]}", f"{place}, line 2, holds {canaries.KNOWN[kind]} ({kind})", found)
        if found := said(told, everything, **{"identity.log": "alices 127.77.1.23 palice"}):
            faults.append(f"a part of a word is taken for one: {found}")
        for kind in everything:
            wants(f"a run without {kind}", f"nobody planted {canaries.KNOWN[kind]}", said({one for one in told if one[0] != kind}, everything))
        events = canaries.EVENTS | canaries.EVENTS_OF_LOGIN | canaries.EVENTS_OF_KEYS
        for missing in events:
            lines = [f'2026-01-01T00:00:00Z  WARN security: service="{s}" event="{e}" outcome="{o}" why="x" left_out=0\n' for s, e, o in events - {missing}]
            places["identity.log"].write_text("".join(lines))
            wants(f"a run without {missing}", f"no log says that {missing[0]} has {missing[2]} a {missing[1]}", canaries.unsaid(places, events))
            if len(found := canaries.unsaid(places, events)) != 1:
                faults.append(f"events that were written are not found: {found}")
        wants("a misspelt kind", "`adress` is no kind", said(told | {("adress", "a@b.test")}, everything))
        wants("an empty value", "an empty code", said(told | {("code", " ")}, everything))
        wants("an empty log", "identity.log is empty", said(told, everything, **{"identity.log": ""}))
    finish("planted_canaries", faults, count)


main()
