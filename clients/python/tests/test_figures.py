"""Figures of the running server, compared with the files that it was loaded from."""

from __future__ import annotations

import csv
import gzip
import json
import warnings
from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone

import pandas as pd
import polars as pl
import pytest
import vigie
from conftest import ROOT

FLU = "flu_hosp_admissions"


@pytest.fixture(scope="session")
def loaded() -> list[tuple[str, date, datetime, str, str]]:
    """Every issue of the signal, from data/: place, day, issue time, value, status. By place, day and issue time."""
    path = ROOT / f"data/observations/cdc-flusight/{FLU}.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return sorted(
            (r["place"], date.fromisoformat(r["reference_date"]), datetime.fromisoformat(r["issued_at"]), r["value"],
             r["status"])
            for r in csv.DictReader(file))


def known(loaded, at: datetime) -> dict[tuple[str, date], float | None]:
    """What was known at a time, by a replay of all issues."""
    cells = {}
    for place, day, issued, value, _ in loaded:
        if issued <= at:
            cells[place, day] = float(value) if value else None
    return cells


def cells(frame: pd.DataFrame) -> dict[tuple[str, date], float | None]:
    """A frame of latest values as the same."""
    return {
        (place, day.date()): None if pd.isna(value) else value
        for place, day, value in zip(frame["place"], frame["reference_date"], frame["value"], strict=True)
    }


@pytest.mark.parametrize("as_of", ["2022-03-01", "2025-02-01", "2025-07-28"])
def test_as_of_is_what_a_replay_of_the_files_gives(client, loaded, as_of):
    end = datetime.fromisoformat(as_of).replace(tzinfo=UTC) + timedelta(days=1) - timedelta(seconds=1)
    assert cells(client.observations(FLU, as_of=as_of)) == known(loaded, end)


def test_all_issues_come_whole(client, loaded):
    frame = client.observations(FLU, issues="all", frame="polars")
    assert frame.height == len(loaded) > 30_000
    assert Counter(frame["place"]) == Counter(row[0] for row in loaded)
    assert frame["id"].is_unique().all()


def test_pages_say_the_same_as_one_stream(client):
    ask = {"signal": "covid_hosp_admissions", "issues": "all", "as_of": "2025-07-01"}
    streamed = client.observations(**ask)
    assert len(streamed) > 5000
    pd.testing.assert_frame_equal(client.observations(**ask, page_size=700), streamed)


def test_a_page_size_that_divides_the_rows_ends_without_an_empty_page(client):
    rows = client.observations(FLU, "US", start="2025-01-04", end="2025-01-25", page_size=2, frame=None)
    assert [row["reference_date"].day for row in rows] == [4, 11, 18, 25]


def test_frames_have_types_and_no_number_stands_for_none(client):
    frame = client.observations(FLU)
    assert frame["reference_date"].dtype == "datetime64[us]"
    assert frame["issued_at"].dtype == "datetime64[us, UTC]"
    assert frame["recorded_situation"].dtype == "datetime64[us, UTC]"
    assert frame["value"].dtype == "float64"
    assert set(frame["status"]) == {"observed", "missing"}
    assert (frame["value"].isna() == (frame["status"] == "missing")).all()
    assert frame["value"].min() >= 0


def test_polars_and_plain_rows_say_the_same_as_pandas(client):
    ask = {"signal": FLU, "level": "state", "as_of": "2025-02-01"}
    pandas, polars, plain = (client.observations(**ask, frame=frame) for frame in ("pandas", "polars", None))
    assert polars.schema["reference_date"] == pl.Date
    assert polars.schema["issued_at"] == pl.Datetime("us", "UTC")
    assert polars.schema["value"] == pl.Float64
    assert polars.to_dicts() == plain
    assert list(pandas.columns) == polars.columns
    assert pandas["value"].isna().sum() == polars["value"].null_count() > 0
    assert [at.to_pydatetime() for at in pandas["issued_at"]] == [row["issued_at"] for row in plain]
    assert plain.attrs == pandas.attrs


def test_places_levels_dates_and_lag_go_through(client, loaded):
    frame = client.observations(FLU, ["US-NY", "US-CA"], start=date(2025, 1, 1), end=pd.Timestamp("2025-01-31"), lag=11)
    assert set(frame["place"]) == {"US-NY", "US-CA"}
    assert frame["reference_date"].between("2025-01-01", "2025-01-31").all()
    for row in frame.itertuples():
        # The end of the day that is so many days after the reference date.
        by = datetime.combine(row.reference_date.date(), datetime.max.time(), UTC) + timedelta(days=11)
        assert known(loaded, by)[row.place, row.reference_date.date()] == row.value
    assert set(client.observations(FLU, level="nation")["place"]) == {"US"}


def test_a_time_with_a_zone_is_asked_in_utc(client):
    utc = client.observations(FLU, "US", as_of="2025-01-08T18:26:56Z", frame=None)
    local = datetime(2025, 1, 8, 13, 26, 56, tzinfo=timezone(timedelta(hours=-5)))
    assert client.observations(FLU, "US", as_of=local, frame=None) == utc
    assert utc[-1]["reference_date"] == date(2025, 1, 4)
    before = client.observations(FLU, "US", as_of=local - timedelta(seconds=1), frame=None)
    assert before[-1]["reference_date"] < date(2025, 1, 4)


@pytest.mark.parametrize(("ask", "reason"), [
    ({"signal": FLU, "as_of": "2019-01-01"}, "before_first_issue"),
    ({"signal": "mpox_cases", "level": "state"}, "not_published_at_this_level"),
    ({"signal": FLU, "start": "2010-01-01", "end": "2010-02-01"}, "no_data"),
])
@pytest.mark.parametrize("frame", ["pandas", "polars", None])
def test_nothing_comes_with_its_reason_and_the_same_columns(client, ask, reason, frame):
    with pytest.warns(vigie.NoFigures, match=reason):
        empty = client.observations(**ask, frame=frame)
    assert len(empty) == 0
    if frame != "polars":
        assert empty.attrs["reason"] == reason
    full = client.observations(FLU, "US", start="2025-01-01", end="2025-02-01", frame=frame)
    if frame == "pandas":
        assert dict(empty.dtypes) == dict(full.dtypes)
    if frame == "polars":
        assert empty.schema == full.schema


def test_the_recorded_situation_is_carried_and_said_once(server):
    client = vigie.Client(server, cache=False)
    assert client.recorded_situation is None
    with pytest.warns(vigie.RecordedSituation, match="recorded situation of 2025-07-29") as said:
        frame = client.observations(FLU, "US")
        client.observations(FLU, "US-NY")
        client.signals()
    assert len(said) == 1
    at = datetime(2025, 7, 29, 20, 3, 37, tzinfo=UTC)
    assert client.recorded_situation == at
    assert set(frame["recorded_situation"]) == {pd.Timestamp(at)}
    assert frame.attrs["recorded_situation"] == "2025-07-29T20:03:37+00:00"


def test_a_running_clock_is_no_recorded_situation(running_clock, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client = vigie.Client(running_clock, cache=tmp_path)
        frame = client.observations(FLU, "US")
        empty = client.observations(FLU, "US", frame="polars")
    assert client.recorded_situation is None
    assert frame["recorded_situation"].isna().all()
    assert frame["recorded_situation"].dtype == "datetime64[us, UTC]"
    assert empty.schema["recorded_situation"] == pl.Datetime("us", "UTC")
    assert frame.attrs["recorded_situation"] is None


def test_a_frame_can_be_kept_with_what_is_known_about_it(client, tmp_path):
    frame = client.observations(FLU, "US", as_of="2025-02-01")
    assert json.loads(json.dumps(frame.attrs)) == frame.attrs
    frame.to_csv(tmp_path / "figures.csv", index=False)
    back = pd.read_csv(tmp_path / "figures.csv", parse_dates=["reference_date", "issued_at"])
    assert (back["value"].to_numpy() == frame["value"].to_numpy()).all()


def test_the_catalogue_names_what_there_is(client):
    signals, places, sources = client.signals(), client.places(), client.sources()
    flu = signals[(signals["signal"] == FLU) & (signals["level"] == "state")].iloc[0]
    assert (flu["disease"], flu["unit"], flu["source"]) == ("flu", "persons", "cdc-flusight")
    assert flu["last_issue"] == pd.Timestamp("2025-07-29T20:03:37Z")
    assert signals["ended"].dtype == "datetime64[us]"
    assert places.set_index("place").loc["US-NY", "name"] == "New York"
    assert set(client.places(level="state", frame="polars")["level"]) == {"state"}
    assert sources.set_index("source").loc["cdc-flusight", "credit"].startswith("Centers for Disease Control")
    assert FLU in sources.set_index("source").loc["cdc-flusight", "signals"]
    early = client.signals(as_of="2019-01-01")
    assert early["rows"].isna().all()
    assert [row["signal"] for row in client.signals(frame=None)] == list(signals["signal"])


def test_every_value_leads_back_to_its_publisher(client):
    row = client.observations(FLU, "US", start="2025-01-04", end="2025-01-04", as_of="2025-02-01", frame=None)[0]
    why = client.why(row["id"])
    assert why["value"]["id"] == row["id"]
    assert why["value"]["value"] == row["value"]
    assert why["retrieval"]["id"] == row["retrieval"]
    assert len(why["retrieval"]["sha256"]) == 64
    assert len(why["revisions"]) > 1
