#!/usr/bin/env python3
"""The comparison of running services with the table of who may do what, checked: an answer that the table does not name is refused,
each in turn, and so is each mistake in the table. What really runs is asked by e2e/matrix/run.py.
"""

import sys

from common import ROOT, finish

sys.path += [str(ROOT / "e2e/matrix"), str(ROOT / "e2e/attacks")]
import routes as known  # noqa: E402
import table  # noqa: E402

ROLES = ("auditor", "dpo", "operator", "specialist")


def main():
    faults, count = [], 0
    askers = [table.PUBLIC, table.NO_ROLE, *map(table.somebody, ROLES), table.Asker("a service", paths=frozenset({"/internal/introspect"}))]
    for country in sorted(p.parent.name for p in (ROOT / "clusters").glob("*/profile")):
        routes = known.of(country)
        found = set(table.by_path(routes))
        right = [(asker, name, 200 if asker.may(route) else 403) for name, route in table.by_path(routes).items() for asker in askers]

        def wants(sentence, name, answers, runs=frozenset(found)):
            nonlocal count
            count += 1
            said = table.compare(routes, runs, answers)
            if len(said) != 1 or name not in said[0] or sentence not in said[0]:
                faults.append(f"{country}: {name} is not refused with “{sentence}”: {said[:3]}")

        if said := table.compare(routes, found, right):
            faults.append(f"{country}: what the table says is refused: {said[0]}")
        for n, (asker, (service, method, pattern), status) in enumerate(right):
            name = f"{method} {pattern} of {service}: {asker.name}"
            for other in ((401, 403) if status == 200 else (200, 303, 404)) + (405, 429, 500):
                sentence = f"answered {other}, which says nothing" if other in (405, 429, 500) else f"answered {other}, and the table says"
                wants(sentence, name, [*right[:n], (asker, (service, method, pattern), other), *right[n + 1:]])
        wants("runs, and no row names it", "GET /planted of web", right, found | {("web", "GET", "/planted")})
        for service, method, pattern in sorted(found):
            name = f"{method} {pattern} of {service}"
            wants("has a row, and does not run", name, right, found - {(service, method, pattern)})
        tables, missed = table.blind(routes, ROLES, found, right)
        count += tables
        faults += [f"{country}: {one}" for one in missed]
        # The other way round: who looks at nothing but the public sees fewer of the mistakes.
        if not table.blind(routes, ROLES, found, [one for one in right if one[0] is table.PUBLIC])[1]:
            faults.append(f"{country}: answers to the public alone are taken for all there is")
    finish("planted_matrix", faults, count)


main()
