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
    """{(place, horizon): quantiles} and {(place, window end): seven numbers of R, and those of growth that stand beside them}."""
    forecasts = ask("select place_id, horizon, quantiles from forecast where run_id = :'run'", run=run_id)
    rt = ask(
        """select r.place_id, r.window_end, r.mean, r.sd, r.q025, r.q25, r.q50, r.q75, r.q975, g.mean as g_mean, g.sd as g_sd,
                  g.q025 as g025, g.q25 as g25, g.q50 as g50, g.q75 as g75, g.q975 as g975, rises, passed, known, known_025, known_975
             from rt_estimate r left join growth_estimate g using (run_id, place_id, window_end) where run_id = :'run'""",
        run=run_id,
    )
    numbers = {}
    for row in rt:
        key = row.pop("place_id"), date.fromisoformat(row.pop("window_end"))
        numbers[key] = [float(v) for v in row.values() if v]
    quantiles = {
        (r["place_id"], int(r["horizon"])): [float(q) for q in r["quantiles"].strip("{}").split(",")] for r in forecasts
    }
    return quantiles, numbers


def issues(as_of, profile):
    """{(group, place): [(week end, day of issue, value or None)]}, in the order of the panel."""
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
        of_source = sources.get(choose(profile, signal, place, level, sources), [])
        days = [(date.fromisoformat(r["reference_date"]), date.fromisoformat(r["issued"]), r["value"]) for r in of_source]
        # The profiles of this model end their weeks on a Sunday.
        panel[TARGETS[signal], place] = [(d, at, float(v) if v else None) for d, at, v in days if d.weekday() == 6]
    return panel


def issued_by(issued, day):
    """What was issued until the end of a day."""
    return {key: [row for row in of_place if row[1] <= day] for key, of_place in issued.items()}


def known(issued):
    """{(group, place): {week end: value}} of the last issues."""
    panel = {key: {end: value for end, _, value in of_place} for key, of_place in issued.items()}
    panel = {key: {end: v for end, v in weeks.items() if v is not None} for key, weeks in panel.items()}
    return {key: weeks for key, weeks in panel.items() if weeks}


def choose(profile, signal, place, level, sources):
    """At home the source that the profile names; elsewhere the one with the latest week, of two the one with more rows,
    of two such the last by name."""
    declared = [s for s in profile["signals"] if s["id"] == signal and place[:2] == profile["nation"]]
    if declared:
        return declared[0]["sources"].get(level)
    newest = {s: max((r["reference_date"] for r in rows if r["value"]), default="") for s, rows in sources.items()}
    return max(sources, key=lambda s: (newest[s], len(sources[s]), s))
