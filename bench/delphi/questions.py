"""The rows of both servers, and what is asked of them."""
import csv, datetime, random

import peer

ROWS = """copy (select o.source_id, o.signal_id, p.level, o.place_id, o.reference_date, (o.issued_at at time zone 'UTC')::date,
    o.value from observation o join place p on p.id = o.place_id where left(o.place_id, 2) = 'US'
      and p.level in ('nation', 'state')
    order by o.issued_at) to stdout (format csv, null '\\N')"""


def figures(lines, file):
    """Our rows as the peer has them: an issue is a day, so of one day the last counts. And what can be asked of them."""
    cells = {}
    total = 0
    for source, name, level, place, date, issue, value in csv.reader(lines):
        total += 1
        cells[source, name, level, place, date, issue] = value
    with open(file, "w") as out:
        for (source, name, level, place, date, issue), value in cells.items():
            lag = (datetime.date.fromisoformat(issue) - datetime.date.fromisoformat(date)).days
            out.write("\t".join((source, name, level, peer.geo(place), date.replace("-", ""), issue.replace("-", ""), str(lag), value)) + "\n")
    return cells, total


def questions(cells, last):
    """The same for every run: a hundred of each kind, from what was issued."""
    dice, made = random.Random(7), {"series": [], "states": []}
    series = sorted({c[:4] for c in cells})
    issues = {s: sorted({c[5] for c in cells if c[:4] == s and c[5] <= last}) for s in series}
    dates = {s: sorted({c[4] for c in cells if c[:4] == s}) for s in series}
    series = [s for s in series if issues[s]]
    while len(made["series"]) < 100:
        source, name, level, place = s = dice.choice(series)
        made["series"].append({"source": source, "signal": name, "level": level, "place": place, "from": dates[s][0],
                               "to": dates[s][-1], "as_of": dice.choice(issues[s])})
    while len(made["states"]) < 100:
        source, name, level, place = s = dice.choice([s for s in series if s[2] == "state"])
        date, as_of = dice.choice(dates[s]), dice.choice(issues[s])
        if date <= as_of:
            made["states"].append({"source": source, "signal": name, "level": level, "place": None, "from": date, "to": date, "as_of": as_of})
    return made


def our_path(q):
    where = f"place={q['place']}" if q["place"] else f"level={q['level']}"
    return f"/api/data/v1/observations?signal={q['signal']}&source={q['source']}&{where}&from={q['from']}&to={q['to']}&as_of={q['as_of']}&limit=10000"
