"""What the running services answered, beside the committed table (docs/security/access.csv)."""

from dataclasses import dataclass

# Not let in.
DENIED = (401, 403)


@dataclass(frozen=True)
class Asker:
    """Who asks, and which rows of the table let them in."""

    name: str
    # `session` for whoever is logged in, and the names of their roles.
    words: frozenset = frozenset()
    # Paths that are open to it though no person may ask there.
    paths: frozenset = frozenset()

    def may(self, route):
        return route.who == "public" or route.pattern in self.paths or bool(self.words.intersection(route.who.split()))


PUBLIC = Asker("nobody who is logged in")
NO_ROLE = Asker("somebody without a role", frozenset({"session"}))


def somebody(role):
    return Asker(role, frozenset({"session", role}))


def by_path(routes):
    """The routes of a table by what names them."""
    return {(route.service, route.method, route.pattern): route for route in routes}


def compare(routes, found, answers):
    """What is wrong. `found`: (service, method, pattern) of each route that runs. `answers`: [(asker, (service, method, pattern),
    status)], of each route that was asked."""
    wanted = by_path(routes)
    faults = [f"{m} {p} of {s} runs, and no row names it" for s, m, p in sorted(found - wanted.keys())]
    faults += [f"{m} {p} of {s} has a row, and does not run" for s, m, p in sorted(wanted.keys() - found)]
    for asker, route, status in answers:
        if (row := wanted.get(route)) is None:
            continue
        service, method, pattern = route
        if status >= 500 or status in (405, 429):
            faults.append(f"{method} {pattern} of {service}: {asker.name} is answered {status}, which says nothing of who may")
        elif (status not in DENIED) != asker.may(row):
            faults.append(f"{method} {pattern} of {service}: {asker.name} is answered {status}, and the table says {row.who}")
    return faults


def changed(routes, roles):
    """Tables with one mistake each, and the sentence that has to name it: a word more or less in a cell, a row less, a row more."""
    for n, route in enumerate(routes):
        rest = [*routes[:n], *routes[n + 1:]]
        name = f"{route.method} {route.pattern} of {route.service}"
        others = {"public": "session", "session": "public", "nobody": " ".join(roles)}
        wrong = [others.get(route.who, "nobody")]
        if route.who not in others:
            given = route.who.split()
            wrong += ["session", " ".join(sorted({*given, *roles} - {given[0]}))]
        for who in wrong:
            yield [*rest, type(route)(route.service, route.method, route.pattern, who)], f"the table says {who}", name
        yield rest, "runs, and no row names it", name
    first = routes[0]
    for method, pattern in (("POST", f"{first.pattern}/planted"), ("DELETE", first.pattern)):
        yield [*routes, type(first)(first.service, method, pattern, "public")], "has a row, and does not run", f"{method} {pattern} of {first.service}"


def blind(routes, roles, found, answers):
    """The mistakes that are not named: what these answers say nothing about."""
    missed, count = [], 0
    for table, sentence, name in changed(routes, roles):
        count += 1
        faults = compare(table, found, answers)
        if not any(name in fault and fault.endswith(sentence) for fault in faults):
            missed.append(f"a table in which {name} is wrong (“{sentence}”) is not refused")
        if other := [fault for fault in faults if name not in fault]:
            missed.append(f"a table in which {name} alone is wrong is refused for {other[0]}")
    return count, missed
