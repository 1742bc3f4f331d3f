#!/usr/bin/env python3
"""Computes the stored forecasts and Rt of `vigie-pool-europe` again from the rows of the database, and compares.

    DATABASE_URL=… python3 bench/forecast-reference/recompute.py clusters/ch/profile/profile.toml [AS_OF]

The latest run is taken, or the latest of the time AS_OF (2025-01-10T23:59:59Z).
Exit code 1 if a quantile of a forecast differs by more than 1e-9 of itself, or a number of Rt by more than 1e-5 of itself or of the
deviation that it belongs to, whichever is more (a median growth near 0 has no size of its own); 2 if nothing was compared."""

import sys
import time
import tomllib
from datetime import date, timedelta
from pathlib import Path

import numpy as np

import rows
from delayed import delayed_rt, missing
from members import forecast
from recipe import LEVELS, Series
from transmission import weekly_rt

MOST, MOST_RT = 1e-9, 1e-5
FITS = 4


def apart(found, wanted):
    """Relative differences."""
    found, wanted = np.array(found), np.array(wanted)
    return np.abs(found - wanted) / np.maximum(np.abs(wanted), 1e-300)


def apart_rt(found, wanted):
    """Differences as shares of the number or of the deviation that stands with it."""
    found, wanted = np.array(found), np.array(wanted)
    size = np.abs(wanted)
    for first in (0, 7):
        size[first : first + 7] = np.maximum(size[first : first + 7], wanted[first + 1] if first < len(wanted) else 0)
    return np.abs(found - wanted) / np.maximum(size, 1e-300)


def signal_differences(profile, signal, at):
    """Compares the latest run of one signal; all differences as shares of what is allowed."""
    run = rows.run(signal["id"], at)
    if run is None:
        print(f"{signal['id']}: no run of vigie-pool-europe is stored")
        return []
    print(f"{signal['id']}: run {run['id'][:12]} as of {run['as_of']}, code {run['source_hash']}")
    wanted, wanted_rt = rows.stored(run["id"])
    issued = rows.issues(run["as_of"], profile)
    known = rows.known(issued)
    last = date.fromisoformat(run["reference_date"])
    group = rows.TARGETS[signal["id"]]
    # The origin is the Wednesday ten days after the last week: nothing that ends later is used.
    until = last + timedelta(days=10)
    # Four fits: each on what was known so many weeks before.
    panels = []
    for back in range(FITS - 1, -1, -1):
        week = timedelta(days=7 * back)
        then = rows.known(rows.issued_by(issued, date.fromisoformat(run["as_of"][:10]) - week))
        used = {key: {d: v for d, v in weeks.items() if d <= until - week} for key, weeks in then.items()}
        panel = [Series(*key, weeks) for key, weeks in used.items() if weeks]
        panels.append([s for s in panel if s.alive])
    panel = panels[-1]
    print(f"  {len(known)} series known, {len(panel)} used")
    every = []
    for place in sorted({place for place, _ in wanted}):
        series = next(s for s in panel if (s.group, s.place) == (group, place))
        start = time.perf_counter()
        behind = (last - max(known[group, place])).days // 7
        horizons = sorted(h for p, h in wanted if p == place)
        made = forecast(panels, series, [h + behind for h in horizons])
        for horizon in horizons:
            members = made[horizon + behind]
            d = apart(members["ensemble"], wanted[place, horizon])
            medians = ", ".join(f"{name} {members[name][11]:.2f}" for name in ("GBQ", "LIN", "KNN") if name in members)
            print(f"  {place} horizon {horizon}: largest difference {d.max():.1e} (level {LEVELS[d.argmax()]}); medians {medians}")
            every.extend(d / MOST)
        print(f"  {time.perf_counter() - start:.0f} s")
    persons, plan = signal["unit"] == "persons", signal["forecast"]
    ours = [place for of_group, place in issued if of_group == group and place[:2] == profile["nation"]]
    today = date.fromisoformat(run["as_of"][:10])
    missed = dict(zip(ours, missing([issued[group, place] for place in ours], today, persons), strict=True))
    for place in sorted({place for place, _ in wanted_rt}):
        stored = {end: numbers for (p, end), numbers in wanted_rt.items() if p == place}
        if "reporting" in plan:
            stages = plan["reporting"]["incubation_days"], plan["reporting"]["report_days"]
            made = delayed_rt(known[group, place], persons, plan["serial_interval_days"], stages, missed[place])
        else:
            made = {end: r[:7] for end, r in weekly_rt(known[group, place], persons, plan["serial_interval_days"]).items()}
            stored = {end: numbers[:7] for end, numbers in stored.items()}
        both = sorted(set(stored) & set(made))
        if len(both) < len(stored) or len(both) < len(made):
            print(f"  {place} Rt: {len(stored)} weeks are stored, {len(made)} computed, {len(both)} in both")
            every.append(np.inf)
        d = np.array([apart_rt(made[end], stored[end]) for end in both])
        week, column = np.unravel_index(d.argmax(), d.shape)
        print(f"  {place} Rt of {len(both)} weeks: largest difference {d.max():.1e} (number {column + 1} of {both[week]})")
        every.extend(d.ravel() / MOST_RT)
    return every


def main(path, at="infinity"):
    profile = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    every = []
    for signal in profile["signals"]:
        if signal.get("forecast", {}).get("model") == "europe":
            every.extend(signal_differences(profile, signal, at))
    if not every:
        return 2
    print(f"largest of {len(every)} differences: {max(every):.1e} of what is allowed")
    return int(not max(every) <= 1)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
