"""Refusals, waits and answers that must not be taken for figures."""

from __future__ import annotations

import time
from datetime import date, datetime
from email.utils import format_datetime
from urllib.parse import parse_qs, urlsplit

import pytest
import vigie
from conftest import reply
from test_cache_and_bulk import LINE

FLU = "flu_hosp_admissions"
GOOD = LINE % (1, "observed")


@pytest.mark.parametrize(("ask", "kind", "status", "sentence", "parameter"), [
    ({"signal": "none"}, vigie.NotFound, 404, "no such signal", None),
    ({"signal": FLU, "places": "US-ZZ"}, vigie.NotFound, 404, "no such place", None),
    ({"signal": FLU, "lag": -1}, vigie.InvalidParameter, 400, "`lag` is not between 0 and 3650 days", "lag"),
    ({"signal": FLU, "as_of": "2031-01-01"}, vigie.InvalidParameter, 409,
     "`as_of` is later than the platform's clock", "as_of"),
    ({"signal": FLU, "as_of": "yesterday"}, vigie.InvalidParameter, 400, "`as_of`", "as_of"),
    ({"signal": FLU, "start": "2025-02-01", "end": "2025-01-01"}, vigie.InvalidParameter, 409,
     "`from` is later than `to`", "from"),
    ({"signal": FLU, "level": "moon"}, vigie.InvalidParameter, 409, "`level` is none of", "level"),
    ({"signal": FLU, "issues": "some"}, vigie.InvalidParameter, 400, "`issues` is neither", "issues"),
    ({"signal": FLU, "page_size": 10_001}, vigie.InvalidParameter, 400, "`limit` is not between", "limit"),
])
def test_a_refusal_is_an_exception_with_the_servers_sentence(client, ask, kind, status, sentence, parameter):
    with pytest.raises(kind) as refusal:
        client.observations(**ask)
    problem = refusal.value
    assert (problem.status, problem.parameter) == (status, parameter)
    assert problem.detail.startswith(sentence)
    assert str(problem).startswith(problem.detail)
    assert problem.title == {400: "Bad Request", 404: "Not Found", 409: "Conflict"}[status]


def test_refusals_of_the_other_calls(client, tmp_path):
    with pytest.raises(vigie.InvalidParameter, match="cannot be read"):
        client.why("nonsense")
    with pytest.raises(vigie.InvalidParameter, match=r"`a/../b\?c#d` is not an observation id"):
        client.why("a/../b?c#d")
    with pytest.raises(vigie.NotFound, match="no such file"):
        client.bulk("none", tmp_path)
    assert list(tmp_path.glob("*.part")) == list(tmp_path.glob(".*")) == []
    with pytest.raises(vigie.InvalidParameter):
        client.places(level="moon")


def test_arguments_that_would_mean_something_else_are_refused_before_asking(fake):
    client = vigie.Client(fake.url)
    for places in ([], (), iter([])):
        with pytest.raises(ValueError, match="leave it out for all places"):
            client.observations("s", places)
    with pytest.raises(ValueError, match="without a time zone"):
        client.observations("s", as_of=datetime(2025, 2, 1))
    with pytest.raises(ValueError, match="frame"):
        client.observations("s", frame="arrow")
    with pytest.raises(TypeError):
        client.observations("s", start=20250201)
    with pytest.raises(ValueError, match="base_url"):
        vigie.Client("vigie.example")
    assert fake.asked == []


def test_parameters_of_newer_servers_go_through_and_their_columns_do_no_harm(fake):
    line = GOOD.replace('"source"', '"seen_at":"2025-01-09T00:00:00+01:00","new":{"a":[1]},"source"')
    fake.replies = [reply(200, line)]
    client = vigie.Client(fake.url + "/api/data/v1/", user_agent="me/1")
    frame = client.observations("s", ["US", "US-NY"], start=date(2025, 1, 1), clock="seen")
    path, headers = fake.asked[0]
    assert urlsplit(path).path == "/api/data/v1/observations"
    assert parse_qs(urlsplit(path).query) == {
        "signal": ["s"], "place": ["US", "US-NY"], "from": ["2025-01-01"], "issues": ["latest"], "clock": ["seen"],
        "format": ["jsonl"]}
    assert headers["user-agent"] == "me/1"
    assert "new" not in frame
    assert frame["seen_at"][0].isoformat() == "2025-01-08T23:00:00+00:00"


def test_a_key_goes_in_a_header_and_a_refused_one_is_an_exception(fake, monkeypatch):
    fake.replies = [reply(200, GOOD)]
    vigie.Client(fake.url, api_key="one", cache=False).observations("s")
    monkeypatch.setenv("VIGIE_API_KEY", "two")
    vigie.Client(fake.url, cache=False).observations("s")
    vigie.Client(fake.url, cache=False, api_key="").observations("s")
    assert [headers.get("authorization") for _, headers in fake.asked] == ["Bearer one", "Bearer two", None]
    assert not any("one" in path or "two" in path for path, _ in fake.asked)
    with pytest.raises(ValueError, match="is not https"):
        vigie.Client("http://vigie.example")
    vigie.Client("https://vigie.example")
    body = '{"detail":"the API key is not accepted","title":"Unauthorized","status":401,"code":"unauthorized"}'
    fake.replies = [reply(401, body, "application/problem+json")]
    with pytest.raises(vigie.KeyRefused, match="not accepted") as refusal:
        vigie.Client(fake.url, cache=False).observations("s")
    assert "two" not in str(refusal.value)


def test_a_key_is_not_sent_to_another_host(fake):
    other = type(fake)()
    try:
        other.replies = [reply(200, GOOD)]
        fake.replies = [reply(302, "", location=other.url + "/elsewhere")]
        assert len(vigie.Client(fake.url, cache=False, api_key="one").observations("s")) == 1
        assert "authorization" in fake.asked[0][1] and "authorization" not in other.asked[0][1]
    finally:
        other.stop()


def test_retry_after_is_waited_for(fake):
    fake.replies = [reply(429, "", retry_after="1"), reply(200, GOOD)]
    start = time.monotonic()
    assert len(vigie.Client(fake.url).observations("s")) == 1
    assert 1 <= time.monotonic() - start < 5
    past = format_datetime(datetime(2020, 1, 1))
    fake.replies = [reply(503, "", retry_after=past), reply(200, GOOD)]
    assert len(vigie.Client(fake.url).observations("s")) == 1


@pytest.mark.parametrize("retry_after", ["3600", "Wed, 01 Jan 2098 00:00:00 GMT"])
def test_a_wait_that_is_too_long_is_an_exception_at_once(fake, retry_after):
    body = '{"detail":"too many requests","title":"Too Many Requests","status":429,"code":"busy"}'
    fake.replies = [reply(429, body, "application/problem+json", retry_after=retry_after)]
    start = time.monotonic()
    with pytest.raises(vigie.TooManyRequests, match="too many requests") as refusal:
        vigie.Client(fake.url).observations("s")
    assert refusal.value.retry_after >= 3600
    assert time.monotonic() - start < 2
    assert len(fake.asked) == 1


def test_waits_are_bounded_in_number_and_in_sum(fake):
    fake.replies = [reply(503, "", retry_after="0")]
    with pytest.raises(vigie.ServerFailed, match="503"):
        vigie.Client(fake.url, retries=2).observations("s")
    assert len(fake.asked) == 3
    fake.asked.clear()
    fake.replies = [reply(429, "", retry_after="1")]
    with pytest.raises(vigie.TooManyRequests):
        vigie.Client(fake.url, max_wait=1.5).observations("s")
    assert len(fake.asked) == 2
    fake.asked.clear()
    fake.replies = [reply(500, "")]
    with pytest.raises(vigie.ServerFailed):
        vigie.Client(fake.url).observations("s")
    assert len(fake.asked) == 1


@pytest.mark.parametrize(("answer", "kind"), [
    (reply(200, GOOD * 3, content_length="9999"), vigie.CutOff),
    (reply(200, GOOD + GOOD[:-1]), vigie.CutOff),
    (reply(200, GOOD + GOOD[:-40] + "\n"), vigie.BadAnswer),
    (reply(200, "<html>log in</html>", "text/html"), vigie.BadAnswer),
    (reply(200, "<html>log in</html>\n"), vigie.BadAnswer),
    (reply(200, "[1]\n"), vigie.BadAnswer),
    (reply(204, ""), vigie.BadAnswer),
    (reply(304, ""), vigie.BadAnswer),
    (reply(200, GOOD, content_encoding="gzip"), vigie.CutOff),
    (reply(200, GOOD, vigie_truncated="true"), vigie.BadAnswer),
    (reply(200, LINE % (-99, "suppressed")), vigie.BadAnswer),
    (reply(200, LINE % ("null", "observed")), vigie.BadAnswer),
    (reply(200, LINE % ("NaN", "observed")), vigie.BadAnswer),
    (reply(200, LINE % ("1e999", "observed")), vigie.BadAnswer),
    (reply(200, LINE % ('"1"', "observed")), vigie.BadAnswer),
    (reply(200, GOOD.replace("2025-01-08T00:00:00Z", "2025-01-08T00:00:00")), vigie.BadAnswer),
    (reply(200, GOOD.replace('"status":"observed",', "")), vigie.BadAnswer),
    (reply(200, GOOD, link='</api/data/v1/observations?signal=s&issues=latest&format=jsonl>; rel="next"'),
     vigie.BadAnswer),
])
def test_an_answer_that_is_none_is_never_a_frame(fake, answer, kind):
    fake.replies = [answer]
    with pytest.raises(kind):
        vigie.Client(fake.url).observations("s")


def test_a_next_page_of_another_host_is_asked_of_this_one(fake):
    fake.replies = [
        reply(200, GOOD, link='<https://elsewhere.invalid/x?signal=s&after=1>; rel="next"', vigie_truncated="true"),
        reply(200, LINE % (2, "provisional"))]
    frame = vigie.Client(fake.url).observations("s")
    assert list(frame["value"]) == [1.0, 2.0]
    assert fake.asked[1][0] == "/api/data/v1/observations?signal=s&after=1"


def test_a_status_that_this_version_does_not_know_is_kept_as_it_is(fake):
    fake.replies = [reply(200, LINE % ("null", "embargoed") + LINE % (3, "estimated"))]
    rows = vigie.Client(fake.url).observations("s", frame=None)
    assert [(row["status"], row["value"]) for row in rows] == [("embargoed", None), ("estimated", 3.0)]


def test_an_error_that_is_no_problem_has_a_sentence_too(fake):
    fake.replies = [reply(502, "<html>bad gateway</html>", "text/html")]
    with pytest.raises(vigie.ServerFailed, match=r"gave no reason \(502 Bad Gateway") as refusal:
        vigie.Client(fake.url).observations("s")
    assert (refusal.value.code, refusal.value.parameter) == (None, None)


def test_nobody_there_is_an_exception_of_its_own(fake):
    fake.replies = [lambda handler: time.sleep(0.5)]
    with pytest.raises(vigie.Unreachable, match="did not answer in time"):
        vigie.Client(fake.url, timeout=0.1).observations("s")
    from conftest import free_port
    with pytest.raises(vigie.Unreachable, match="cannot be reached"):
        vigie.Client(f"http://127.0.0.1:{free_port()}").signals()


def test_a_library_that_is_not_installed_is_named_before_anything_is_asked(fake, monkeypatch):
    import sys
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ImportError, match=r"pip install 'vigie\[polars\]'"):
        vigie.Client(fake.url).observations("s", frame="polars")
    assert fake.asked == []
