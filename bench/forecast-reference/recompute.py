#!/usr/bin/env python3
"""Computes the stored forecasts and Rt of `vigie-pool-europe` again from the rows of the database, and compares.

    DATABASE_URL=… python3 bench/forecast-reference/recompute.py clusters/ch/profile/profile.toml [AS_OF]

The latest run is taken, or the latest of the time AS_OF (2025-01-10T23:59:59Z).
Exit code 1 if a number differs by more than 1e-9 of itself, 2 if nothing was compared."""

import sys
import time
import tomllib
from datetime import date, timedelta
from pathlib import Path

import numpy as np

import rows
from members import forecast
from recipe import LEVELS, Series
from transmission import NAMES, weekly_rt

MOST = 1e-9


def apart(found, wanted):
    """Relative differences."""
    found, wanted = np.array(found), np.array(wanted)
    return np.abs(found - wanted) / np.maximum(np.abs(wanted), 1e-300)


def signal_differences(profile, signal, at):
    """Compares the latest run of one signal; all relative differences in one list."""
    run = rows.run(signal["id"], at)
    if run is None:
        print(f"{signal['id']}: no run of vigie-pool-europe is stored")
        return []
    print(f"{signal['id']}: run {run['id'][:12]} as of {run['as_of']}, code {run['source_hash']}")
    wanted, wanted_rt = rows.stored(run["id"])
    known = rows.known(run["as_of"], profile)
    last = date.fromisoformat(run["reference_date"])
    group = rows.TARGETS[signal["id"]]
    # The origin is the Wednesday ten days after the last week: nothing that ends later is used.
    until = last + timedelta(days=10)
    used = {key: {d: v for d, v in weeks.items() if d <= until} for key, weeks in known.items()}
    panel = [Series(*key, weeks) for key, weeks in used.items() if weeks]
    panel = [s for s in panel if s.alive]
    print(f"  {len(known)} series known, {len(panel)} used")
    every = []
    for place in sorted({place for place, _ in wanted}):
        series = next(s for s in panel if (s.group, s.place) == (group, place))
        start = time.perf_counter()
        behind = (last - max(known[group, place])).days // 7
        horizons = sorted(h for p, h in wanted if p == place)
        made = forecast(panel, series, [h + behind for h in horizons])
        for horizon in horizons:
            members = made[horizon + behind]
            d = apart(members["ensemble"], wanted[place, horizon])
            medians = ", ".join(f"{name} {members[name][11]:.2f}" for name in ("GBQ", "LIN", "KNN") if name in members)
            print(f"  {place} horizon {horizon}: largest difference {d.max():.1e} (level {LEVELS[d.argmax()]}); medians {medians}")
            every.extend(d)
        print(f"  {time.perf_counter() - start:.0f} s")
    for place in sorted({place for place, _ in wanted_rt}):
        stored = {end: numbers for (p, end), numbers in wanted_rt.items() if p == place}
        made = weekly_rt(known[group, place], signal["unit"] == "persons", signal["forecast"]["serial_interval_days"])
        both = sorted(set(stored) & set(made))
        if len(both) < len(stored) or len(both) < len(made):
            print(f"  {place} Rt: {len(stored)} weeks are stored, {len(made)} computed, {len(both)} in both")
            every.append(np.inf)
        d = np.array([apart(made[end], stored[end]) for end in both])
        week, column = np.unravel_index(d.argmax(), d.shape)
        print(f"  {place} Rt of {len(both)} weeks: largest difference {d.max():.1e} ({NAMES[column]} of {both[week]})")
        every.extend(d.ravel())
    return every


def main(path, at="infinity"):
    profile = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    every = []
    for signal in profile["signals"]:
        if signal.get("forecast", {}).get("model") == "europe":
            every.extend(signal_differences(profile, signal, at))
    if not every:
        return 2
    print(f"largest of {len(every)} relative differences: {max(every):.1e}")
    return int(not max(every) <= MOST)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
