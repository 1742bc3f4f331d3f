"""What is kept on disk."""

from __future__ import annotations

import gzip
import hashlib
import os
from datetime import date, timedelta

import pandas as pd
import pytest
import vigie
from conftest import reply
from vigie import _cache

FLU, COVID = "flu_hosp_admissions", "covid_hosp_admissions"
LINE = (
    '{"id":"s~x~US~2025-01-04~20250108T000000Z","signal":"s","place":"US","reference_date":"2025-01-04","week":null,'
    '"value":%s,"status":"%s","unit":"persons","issued_at":"2025-01-08T00:00:00Z","source":"x","retrieval":"r",'
    '"recorded_situation":null}\n'
)


def files(folder):
    return sorted(folder.glob("*")) if folder.exists() else []


def test_only_a_fixed_past_time_is_kept(client):
    client.observations(FLU, "US")
    client.observations(FLU, "US", lag=7)
    client.observations(FLU, "US", issues="all")
    assert files(client.cache.folder) == []
    client.observations(FLU, "US", as_of="2025-02-01")
    client.observations(FLU, "US", as_of=date(2025, 2, 1), frame="polars")
    assert len(files(client.cache.folder)) == 1
    client.observations(FLU, "US", as_of="2025-02-02")
    assert len(files(client.cache.folder)) == 2
    client.cache.clear()
    assert files(client.cache.folder) == []


def test_a_kept_answer_is_confirmed_by_the_server_and_is_the_same(server, tmp_path):
    import httpx

    client = vigie.Client(server, cache=tmp_path)
    ask = {"signal": COVID, "as_of": "2025-07-01", "page_size": 1000}
    fresh = client.observations(**ask)
    assert len(files(tmp_path)) == 2
    statuses = []
    client._http._client.event_hooks["response"].append(lambda r: statuses.append(r.status_code))
    kept = client.observations(**ask)
    assert statuses == [httpx.codes.NOT_MODIFIED] * 2
    pd.testing.assert_frame_equal(kept, fresh)
    # Another client on the same folder knows the recorded situation from what is kept.
    other = vigie.Client(server, cache=tmp_path)
    assert other.observations(**ask).attrs == fresh.attrs


@pytest.mark.parametrize("damage", [b"", b"no gzip", gzip.compress(b"{}\n"), None])
def test_a_damaged_file_is_fetched_again(server, tmp_path, damage):
    client = vigie.Client(server, cache=tmp_path)
    fresh = client.observations(FLU, "US", as_of="2025-02-01")
    (path,) = files(tmp_path)
    content = path.read_bytes()
    if damage is None:  # one figure is another
        text = gzip.decompress(content)
        damage = gzip.compress(text.replace(b'"value":1,', b'"value":9,', 1))
        assert gzip.decompress(damage) != text
    path.write_bytes(damage)
    pd.testing.assert_frame_equal(client.observations(FLU, "US", as_of="2025-02-01"), fresh)
    assert gzip.decompress(path.read_bytes()) == gzip.decompress(content)


def test_a_changed_answer_replaces_the_kept_one(fake, tmp_path):
    client = vigie.Client(fake.url, cache=tmp_path)
    fake.replies = [reply(200, LINE % (1, "observed"), etag='"a"'), reply(304, b"", etag='"a"'),
                    reply(200, LINE % (2, "observed"), etag='"b"'), reply(304, b"", etag='"b"')]
    values = [client.observations("s", as_of="2025-02-01", frame=None)[0]["value"] for _ in range(4)]
    assert values == [1.0, 1.0, 2.0, 2.0]
    assert [headers.get("if-none-match") for _, headers in fake.asked] == [None, '"a"', '"a"', '"b"']


def test_cache_false_keeps_nothing_and_today_is_not_past(fake, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    fake.replies = [reply(200, LINE % (1, "observed"), etag='"a"')]
    vigie.Client(fake.url, cache=False).observations("s", as_of="2025-02-01")
    # The last day that is not over anywhere the tests run.
    vigie.Client(fake.url).observations("s", as_of=date.today() + timedelta(days=1))
    assert files(tmp_path) == []
    vigie.Client(fake.url).observations("s", as_of="2025-02-01")
    assert len(files(tmp_path / "vigie")) == 1
    assert all("if-none-match" not in headers for _, headers in fake.asked)


def test_the_default_folder_follows_the_xdg_specification(monkeypatch, tmp_path):
    monkeypatch.setattr(_cache.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert _cache.default_folder() == tmp_path / "vigie"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert _cache.default_folder() == tmp_path / ".cache/vigie"


def test_a_folder_that_cannot_be_written_is_said_once_and_does_no_harm(fake, tmp_path):
    (tmp_path / "file").write_text("")
    client = vigie.Client(fake.url, cache=tmp_path / "file/below")
    fake.replies = [reply(200, LINE % (1, "observed"), etag='"a"')]
    with pytest.warns(UserWarning, match="nothing is cached") as said:
        for _ in range(2):
            assert len(client.observations("s", as_of="2025-02-01")) == 1
    assert len(said) == 1


@pytest.mark.parametrize("issues", ["latest", "all"])
def test_a_bulk_file_holds_what_observations_holds(client, tmp_path, issues):
    path = client.bulk(COVID, tmp_path, issues=issues)
    assert path.parent == tmp_path and path.name.endswith(".csv.gz")
    table = pd.read_csv(path, dtype={"value": float}, parse_dates=["reference_date", "issued_at"])
    frame = client.observations(COVID, issues=issues)
    assert list(table["id"]) == list(frame["id"])
    pd.testing.assert_series_equal(table["value"], frame["value"])
    assert oct(path.stat().st_mode & 0o777) == oct(0o666 & ~_umask())
    before = path.stat().st_mtime_ns
    assert client.bulk(COVID, path, issues=issues) == path
    assert path.stat().st_mtime_ns == before
    path.write_bytes(b"old")
    client.bulk(COVID, path, issues=issues)
    assert len(pd.read_csv(path)) == len(table)
    assert [p.name for p in files(tmp_path) if p.suffix == ".part"] == []


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_bulk_file_with_another_checksum_is_not_saved(fake, tmp_path):
    path = tmp_path / "s.csv.gz"
    path.write_bytes(b"yesterday's")
    wrong = [reply(200, "0" * 64 + "  s.csv.gz\n", "text/plain"), reply(200, b"bytes", "application/gzip")]
    fake.replies = wrong * 2
    with pytest.raises(vigie.ChecksumMismatch, match=hashlib.sha256(b"bytes").hexdigest()):
        vigie.Client(fake.url).bulk("s", path)
    assert path.read_bytes() == b"yesterday's"
    assert files(tmp_path) == [path]


def test_a_bulk_file_that_was_made_anew_meanwhile_is_asked_for_again(fake, tmp_path):
    def named(content):
        return reply(200, hashlib.sha256(content).hexdigest() + "  s.csv.gz\n", "text/plain")

    fake.replies = [named(b"old"), reply(200, b"new"), named(b"new"), reply(200, b"new")]
    assert vigie.Client(fake.url).bulk("s", tmp_path).read_bytes() == b"new"


def test_a_bulk_file_that_breaks_off_is_not_saved(fake, tmp_path):
    fake.replies = [reply(200, "0" * 64 + "  s.csv.gz\n", "text/plain"), reply(200, b"half", content_length="900")]
    with pytest.raises(vigie.CutOff):
        vigie.Client(fake.url).bulk("s", tmp_path)
    assert files(tmp_path) == []
