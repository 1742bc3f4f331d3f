"""The rows of the surveillance database as known at a run's as-of, and what the platform stored. Needs `psql` and DATABASE_URL."""

import csv
import io
import os
import subprocess
from collections import defaultdict
from datetime import date

TARGETS = {"ari_incidence": "ari", "ili_incidence": "ili"}


def ask(sql, **values):
    """Rows of a query as dictionaries of text; `:'name'` in the SQL is a value."""
    command = ["psql", "--no-psqlrc", "--quiet", "--csv", "--set", "ON_ERROR_STOP=1"]
    for name, value in values.items():
        command += ["--set", f"{name}={value}"]
    database = os.environ.get("DATABASE_URL")
    if not database:
        raise SystemExit("DATABASE_URL is not set: which database?")
    done = subprocess.run(
        [*command, database], input=sql, capture_output=True, text=True, check=False, env={**os.environ, "PGTZ": "UTC"}
    )
    if done.returncode:
        raise SystemExit(f"psql: {done.stderr.strip()}")
    return list(csv.DictReader(io.StringIO(done.stdout)))


def run(signal, at):
    """The run that is served at a time: the latest of the signal."""
    found = ask(
        """select id, model_id, model_version, as_of, reference_date, left(source_hash, 12) as source_hash
             from forecast_run where signal_id = :'signal' and model_id = 'vigie-pool-europe' and as_of <= :'at'
            order by as_of desc, created_at desc limit 1""",
        signal=signal,
        at=at,
    )
    return found[0] if found else None


def stored(run_id):
    """{(place, horizon): quantiles} and {(place, window end): seven numbers}."""
    forecasts = ask("select place_id, horizon, quantiles from forecast where run_id = :'run'", run=run_id)
    rt = ask(
        "select place_id, window_end, mean, sd, q025, q25, q50, q75, q975 from rt_estimate where run_id = :'run'",
        run=run_id,
    )
    numbers = {}
    for row in rt:
        key = row.pop("place_id"), date.fromisoformat(row.pop("window_end"))
        numbers[key] = [float(v) for v in row.values()]
    quantiles = {
        (r["place_id"], int(r["horizon"])): [float(q) for q in r["quantiles"].strip("{}").split(",")] for r in forecasts
    }
    return quantiles, numbers


def known(as_of, profile):
    """{(group, place): {week end: value}}, in the order of the panel."""
    rows = ask(
        """select signal_id, source_id, place_id, level, reference_date, issued_at::date as issued, value
             from observation join place on place.id = place_id
            where signal_id in ('ari_incidence', 'ili_incidence') and issued_at <= :'as_of'
            order by signal_id, place_id collate "C", source_id collate "C", reference_date, issued_at""",
        as_of=as_of,
    )
    by_place = defaultdict(lambda: defaultdict(list))
    for row in rows:
        by_place[row["signal_id"], row["place_id"], row["level"]][row["source_id"]].append(row)
    panel = {}
    for (signal, place, level), sources in sorted(by_place.items()):
        source = choose(profile, signal, place, level, sources)
        weeks = {}
        for row in sources.get(source, []):
            end = date.fromisoformat(row["reference_date"])
            if end.weekday() == 6:  # the profiles of this model end their weeks on a Sunday
                weeks[end] = float(row["value"]) if row["value"] else None
        weeks = {end: value for end, value in weeks.items() if value is not None}
        if weeks:
            panel[TARGETS[signal], place] = weeks
    return panel


def choose(profile, signal, place, level, sources):
    """At home the source that the profile names; elsewhere the one with the latest week, of two the one with more rows,
    of two such the last by name."""
    declared = [s for s in profile["signals"] if s["id"] == signal and place[:2] == profile["nation"]]
    if declared:
        return declared[0]["sources"].get(level)
    newest = {s: max((r["reference_date"] for r in rows if r["value"]), default="") for s, rows in sources.items()}
    return max(sources, key=lambda s: (newest[s], len(sources[s]), s))
