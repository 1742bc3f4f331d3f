"""The recipe `europe` of docs/forecast/method.md, sections 2, 3 and 8, in numpy; its members are in members.py."""

from copy import copy
from datetime import date, timedelta
from statistics import NormalDist

import numpy as np

LEVELS = np.array([1, 2.5] + list(range(5, 100, 5)) + [97.5, 99]) / 100
BOOSTED = np.array([0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99])
PAUSE = date(2020, 3, 1), date(2021, 8, 31)
SCALED_FROM = date(2014, 10, 5)
FOCUS = {("ili", "FR"), ("ili", "CH"), ("ari", "FR")}
NAMES = ["x", "a0", "a1", "a2", "b0", "b1", "b2", "l0", "l1", "k0", "k1", "m2", "m4"]
COLUMNS = [f"{n}_{back}" for back in range(3) for n in NAMES]
COLUMNS += ["nat_x", "nat_d", "nat_s3", "dmax", "wsmax", "sw", "size", "src", "us"]


def quantile(sorted_values, level):
    """R's type 7."""
    h = (len(sorted_values) - 1) * level
    low = int(h)
    high = min(low + 1, len(sorted_values) - 1)
    return sorted_values[low] + (h - low) * (sorted_values[high] - sorted_values[low])


def weighted_quantiles(values, weights, levels):
    """Value i stands at (cumulative weight - w/2) / total."""
    order = np.argsort(values, kind="stable")
    w = weights[order]
    return np.interp(levels, (np.cumsum(w) - w / 2) / w.sum(), values[order])


def season(week_end):
    """(year of its August, season week) of the week that ends on this Sunday: that of the Saturday six days later."""
    saturday = week_end + timedelta(days=6)

    def first(year):
        august = date(year, 8, 1)
        return august + timedelta(days=(5 - august.weekday()) % 7)

    year = saturday.year if saturday >= first(saturday.year) else saturday.year - 1
    return year, 1 + (saturday - first(year)).days // 7


def root(values):
    return np.maximum(values, 0.0) ** 0.25  # NaN stays NaN


def fourth(a):
    return a**4


class Series:
    """One place of one group, on an unbroken line of weeks; NaN is unknown."""

    def __init__(self, group, place, weeks):
        self.group, self.place, self.first = group, place, min(weeks)
        count = (max(weeks) - self.first).days // 7 + 1
        self.dates = [self.first + timedelta(days=7 * i) for i in range(count)]
        self.v = np.array([weeks.get(d, np.nan) for d in self.dates])
        self.years, self.sw = np.array([season(d) for d in self.dates]).T
        self.known = int(np.isfinite(self.v).sum())
        use = np.isfinite(self.v) & (self.sw >= 8) & (self.sw <= 45) & np.array([d >= SCALED_FROM for d in self.dates])
        self.alive = bool(use.any())
        if not self.alive:
            return
        peak = quantile(np.sort(root(self.v[use])), 0.95)
        self.e = 0.02 * fourth(peak) + 0.5
        t = root(self.v + self.e)
        self.scale = quantile(np.sort(t[use]), 0.95)
        self.centre = t[use].mean() / self.scale
        self.x = t / self.scale - self.centre

    def scaled_as(self, fitted):
        """The same weeks on the scale that the series had at a fit."""
        other = copy(self)
        other.e, other.scale, other.centre = fitted.e, fitted.scale, fitted.centre
        other.x = root(self.v + other.e) / other.scale - other.centre
        return other

    def back(self, x):
        """From the scale of the model to the unit of the series."""
        return np.maximum(0, fourth(np.maximum(0, (x + self.centre) * self.scale)) - self.e)


def lag(a, by):
    """a(t - by), NaN before the beginning; a negative lag looks ahead."""
    out = np.full(len(a), np.nan)
    if by >= 0:
        out[by:] = a[: len(a) - by]
    else:
        out[:by] = a[-by:]
    return out


def trailing(x, weeks, degree):
    """Coefficients of the least-squares polynomial over the last `weeks`, time 0 at t."""
    design = np.vander(np.arange(1.0 - weeks, 1), degree + 1, increasing=True)
    return np.linalg.pinv(design) @ np.array([lag(x, weeks - 1 - i) for i in range(weeks)])


def mean(x, weeks):
    return np.mean([lag(x, i) for i in range(weeks)], axis=0)


def features(s, national):
    """48 numbers a week; `national`: mean of x by week end."""
    x = s.x
    block = [x, *trailing(x, 4, 2), *trailing(x, 6, 2), *trailing(x, 3, 1), *trailing(x, 5, 1)]
    block += [mean(x, 2), mean(x, 4)]
    columns = [lag(c, back) for back in range(3) for c in block]
    nat = np.array([[national.get(d - timedelta(days=7 * i), np.nan) for d in s.dates] for i in range(3)])
    columns += [nat[0], nat[0] - nat[1], nat[0] - nat[2]]
    top, since = np.full(len(x), np.nan), np.full(len(x), np.nan)
    best, at = np.nan, 0
    for i, value in enumerate(x):
        if i == 0 or s.years[i] != s.years[i - 1]:
            best = np.nan
        if np.isfinite(value) and not value <= best:
            best, at = value, i
        if np.isfinite(best):
            top[i], since[i] = best - value, i - at
    constant = np.ones(len(x))
    columns += [top, since, s.sw * 1.0, constant * np.log(s.scale), constant * (s.group == "ili"), constant * 0]
    return np.rint(np.array(columns).T * 1e9) / 1e9


def national_signal(panel):
    """Mean x over the ILI series, in weeks where at least 4 are known."""
    by_week = {}
    for s in panel:
        if s.group == "ili":
            for d, value in zip(s.dates, s.x):
                if np.isfinite(value):
                    by_week.setdefault(d, []).append(value)
    return {d: np.mean(v) for d, v in by_week.items() if len(v) >= 4}


def step_rows(panel, step):
    """Features and targets of one step, all series in one pool."""
    xs, ys = [], []
    for s in panel:
        if s.known <= 25:
            continue
        paused = np.array([PAUSE[0] <= d <= PAUSE[1] for d in s.dates])
        ahead = np.array([PAUSE[0] <= d + timedelta(days=7 * step) <= PAUSE[1] for d in s.dates])
        y = lag(s.x, -step) - s.x
        use = (s.sw >= 5) & (s.sw <= 45) & np.isfinite(y) & np.isfinite(s.f[:, 3]) & ~paused & ~ahead
        times = 3 if (s.group, s.place) in FOCUS else 1
        index = np.repeat(np.flatnonzero(use), times)
        xs.append(s.f[index])
        ys.append(y[index])
    return np.concatenate(xs), np.concatenate(ys)


def spread_levels(values):
    """From the boosted levels to all 23: sorted, linear in the normal quantile."""
    z = NormalDist().inv_cdf
    return np.interp([z(p) for p in LEVELS], [z(p) for p in BOOSTED], np.sort(values))
