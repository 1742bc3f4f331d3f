#!/usr/bin/env python3
"""US weekly influenza hospital admissions, as first published and as known today: one season of a published figure.

    python first_issue_and_latest.py --base-url http://127.0.0.1:8080 --out figure.png

Prints the table; draws it where matplotlib is installed (pip install 'vigie[pandas,plot]') and --out is given.
"""

from __future__ import annotations

import argparse

import pandas as pd
import vigie

SIGNAL, PLACE = "flu_hosp_admissions", "US"


def first_and_latest(client: vigie.Client, start: str, end: str, within: int) -> pd.DataFrame:
    """By week: the first issue and the latest one.

    A week whose first kept issue came more than `within` days later has no first value: what was published in the
    week itself is not in the recording, and a later revision must not be shown as the first word.
    """
    issues = client.observations(SIGNAL, PLACE, start=start, end=end, issues="all")
    today = client.observations(SIGNAL, PLACE, start=start, end=end).set_index("reference_date")
    first = issues.sort_values("issued_at").drop_duplicates("reference_date").set_index("reference_date")
    delay = first["issued_at"].dt.tz_localize(None) - first.index.to_series()
    table = pd.DataFrame({
        "week": today["week"],
        "first": first["value"].where(delay <= pd.Timedelta(days=within)),
        "latest": today["value"],
    })
    table["change_percent"] = (table["latest"] / table["first"] - 1) * 100
    table.attrs.update(today.attrs, credit="; ".join(credits(client, issues)))
    return table


def credits(client: vigie.Client, frame: pd.DataFrame) -> list[str]:
    """The words that the licences of the sources ask for."""
    sources = client.sources().set_index("source")
    return [sources.loc[source, "credit"] for source in frame["source"].unique()]


def draw(table: pd.DataFrame, out: str) -> bool:
    """Draws the table into a file; False when matplotlib is not installed."""
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 5), layout="constrained")
    axes.plot(table.index, table["latest"], color="#0b5c7a", linewidth=2, label="as known now")
    axes.plot(table.index, table["first"], "o", color="#b3541e", markersize=5, label="as first published")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("admissions a week")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_title("United States: hospital admissions with influenza", loc="left")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    recorded = table.attrs["recorded_situation"]
    note = f"Recorded situation of {recorded[:10]}, not the current one. " if recorded else ""
    figure.supxlabel(note + table.attrs["credit"], fontsize=6, wrap=True)
    figure.savefig(out, dpi=150)
    pyplot.close(figure)
    return True


def main() -> None:
    """Reads the arguments, prints, draws."""
    about = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    about.add_argument("--base-url", required=True, help="the server, such as http://127.0.0.1:8080")
    about.add_argument("--start", default="2024-10-05", help="first week (its last day)")
    about.add_argument("--end", default="2025-07-19", help="last week (its last day)")
    about.add_argument("--within", type=int, default=14, help="days after which an issue is no first one")
    about.add_argument("--out", help="a picture: .png, .svg or .pdf")
    args = about.parse_args()
    with vigie.Client(args.base_url) as client:
        table = first_and_latest(client, args.start, args.end, args.within)
    print(table.to_string(float_format=lambda value: f"{value:,.1f}", na_rep="–"))
    print(f"Credit: {table.attrs['credit']}")
    if args.out and not draw(table, args.out):
        raise SystemExit("no picture: matplotlib is not installed (pip install 'vigie[plot]')")


if __name__ == "__main__":
    main()
