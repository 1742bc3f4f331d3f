"""The three members of method.md: GBQ (5), LIN (6) and KNN (7). Each takes the rows of a step, their targets and the
origin's features, and gives 23 quantiles of the change; `forecast` is their average (8)."""

import numpy as np

from recipe import (
    BOOSTED,
    COLUMNS,
    LEVELS,
    features,
    national_signal,
    quantile,
    spread_levels,
    step_rows,
    weighted_quantiles,
)

TREES, LEAVES, LEAST, RATE, BINS = 60, 15, 50, 0.1, 63


def cuts(column):
    """Where a feature may be cut."""
    known = np.sort(column[np.isfinite(column)])
    different = np.unique(known)
    if len(different) <= BINS:
        at = different[1:]
    else:
        at = np.unique(known[[b * len(known) // BINS for b in range(1, BINS)]])
        at = at[at > different[0]]
    below = different[np.searchsorted(different, at) - 1]
    return (at + below) / 2


def binned(column, of):
    """Bin of each value: 0 for NaN, else 1 + number of cuts below it."""
    return np.where(np.isfinite(column), 1 + np.searchsorted(of, column, side="left"), 0)


def gbq(pool, y, origin):
    """Boosted quantile trees, one forest a level."""
    count = pool.shape[1]
    of = [cuts(pool[:, f]) for f in range(count)]
    width = BINS + 1
    codes = np.array([binned(pool[:, f], of[f]) for f in range(count)]).T
    flat = np.ascontiguousarray(codes + np.arange(count) * width)
    here = np.array([binned(origin[f : f + 1], of[f])[0] for f in range(count)])

    def histogram(rows):
        return np.bincount(flat[rows].ravel(), minlength=count * width).reshape(count, width)

    whole = histogram(np.arange(len(y)))
    found = [one_level(codes, y, here, level, whole, histogram) for level in BOOSTED]
    return spread_levels(np.array(found))


def worth(n, above, level):
    """Of a node with n rows, of which some lie above the prediction."""
    return (above - (1 - level) * n) ** 2 / n


def best_split(n, above, level):
    """(gain, feature, bin) of a node from its histograms; the first of equal gains."""
    all_n, all_above = n[0].sum(), above[0].sum()
    left_n, left_above = np.cumsum(n, axis=1)[:, :-1], np.cumsum(above, axis=1)[:, :-1]
    right_n, right_above = all_n - left_n, all_above - left_above
    fits = (left_n >= LEAST) & (right_n >= LEAST)
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = worth(left_n, left_above, level) + worth(right_n, right_above, level) - worth(all_n, all_above, level)
    gain = np.where(fits, gain, -1.0)
    at = int(np.argmax(gain))
    return float(gain.flat[at]), at // gain.shape[1], at % gain.shape[1]


def one_level(codes, y, here, level, whole, histogram):
    """The change at one level: a start and 60 trees."""
    start = quantile(np.sort(y), level)
    prediction, answer = np.full(len(y), start), start
    for _ in range(TREES):
        above = y > prediction
        rows = np.arange(len(y))
        hist = whole, histogram(rows[above])
        leaves = [(rows, hist, best_split(*hist, level), True)]
        while len(leaves) < LEAVES:
            gains = [leaf[2][0] for leaf in leaves]
            pick = int(np.argmax(gains))
            if gains[pick] <= 1e-9:
                break
            rows, hist, (_, feature, cut), mine = leaves[pick]
            goes = codes[rows, feature] <= cut
            sides = [rows[goes], rows[~goes]]
            # The larger side's counts are the difference: whole numbers, exact.
            small = int(len(sides[1]) < len(sides[0]))
            few = sides[small]
            hist_few = histogram(few), histogram(few[above[few]])
            hists = [hist_few, tuple(a - b for a, b in zip(hist, hist_few))]
            if small == 1:
                hists.reverse()
            mine_left = here[feature] <= cut
            children = [
                (side, h, best_split(*h, level), mine and went)
                for side, h, went in zip(sides, hists, (mine_left, not mine_left))
            ]
            # In order of age: of equal gains the older leaf goes first.
            leaves = leaves[:pick] + leaves[pick + 1 :] + children
        for rows, _, _, mine in leaves:
            add = RATE * quantile(np.sort(y[rows] - prediction[rows]), level)
            prediction[rows] += add
            if mine:
                answer += add
    return answer


def columns(f):
    """The features by name, missing ones 0."""
    return {name: np.where(np.isfinite(f[:, i]), f[:, i], 0.0) for i, name in enumerate(COLUMNS)}


def design(f):
    """60 columns of the median."""
    c = columns(f)
    x, src, us, sw, nat_d = c["x_0"], c["src"], c["us"], c["sw"], c["nat_d"]
    d0, d1 = x - c["x_1"], c["x_1"] - c["x_2"]
    out = [np.ones(len(x)), x, d0, d1, c["m4_0"], c["a1_0"], c["a2_0"], c["k1_0"], c["b1_0"], c["b2_0"]]
    out += [nat_d, c["nat_s3"], c["nat_x"], c["dmax"], src, us, us * d0, us * x, src * x, src * d0, src * c["dmax"]]
    out += [x**2, x * d0, d0 * np.abs(d0)]
    for k in (1, 2, 3):
        waves = np.sin(2 * np.pi * k * sw / 52), np.cos(2 * np.pi * k * sw / 52)
        out += [*waves, *(w * src for w in waves)]
        if k < 3:
            out += [w * other for other in (x, d0, nat_d) for w in waves]
    out += [(sw == week) * 1.0 for week in range(19, 26)]
    out += [(sw == week) * d0 for week in range(20, 25)]
    return np.array(out).T


def spread_design(f):
    """6 columns of the spread."""
    c = columns(f)
    x = c["x_0"]
    return np.array([np.ones(len(x)), x, x**2, np.abs(x - c["x_1"]), c["size"], c["src"]]).T


def standardised(a):
    """(mean, deviation) of each column; the constant, and what does not vary, stays."""
    mean, deviation = a.mean(axis=0), a.std(axis=0)
    mean[0], deviation[0] = 0, 1
    return mean, np.where(deviation > 0, deviation, 1)


def ridge(a, y, weights, amount):
    weighted = a * weights[:, None]
    return np.linalg.solve(weighted.T @ a + amount * np.eye(a.shape[1]), weighted.T @ y)


def lin(pool, y, origin):
    """Robust regression for the median, another for the spread, and the residuals' own shape; None out of reach of the pool."""
    a = design(pool)
    mean, deviation = standardised(a)
    a, here = (a - mean) / deviation, (design(origin[None]) - mean) / deviation
    ones = np.ones(len(y))
    b = ridge(a, y, ones, 20)
    for _ in range(8):
        b = ridge(a, y, 0.05 / np.maximum(np.abs(y - a @ b), 0.02), 20)
    r = y - a @ b
    s = spread_design(pool)
    mean, deviation = standardised(s)
    s, there = (s - mean) / deviation, (spread_design(origin[None]) - mean) / deviation
    g = ridge(s, np.log(np.abs(r) + 0.005), ones, 1)
    shape = weighted_quantiles(r / np.exp(s @ g), ones, LEVELS)
    median = float((here @ b)[0])
    if not y.min() <= median <= y.max():
        return None
    return np.clip(median + np.exp(float((there @ g)[0])) * shape, y.min(), y.max())


def place(f):
    """Where a row lies among its neighbours."""
    c = columns(f)
    x, d0, d1 = c["x_0"], c["x_0"] - c["x_1"], c["x_1"] - c["x_2"]
    return np.array([x, 4 * d0, 2 * d1, 4 * c["k1_0"], 2 * c["nat_s3"], c["sw"] / 10, c["dmax"], c["src"] / 10]).T


def knn(pool, y, origin):
    """The 300 nearest rows."""
    distance = np.sqrt(((place(pool) - place(origin[None])) ** 2).sum(axis=1))
    near = np.argsort(distance, kind="stable")[:300]
    d = distance[near]
    return weighted_quantiles(y[near], np.exp(-0.5 * (d / d[150]) ** 2), LEVELS)


# Distances from the median, times this.
WIDTH = 1.1


def of_fit(fitted, today, wanted, steps):
    """{step: {member: 23 quantiles in the unit of the series}} by what `fitted` teaches, from the last week of `wanted` today on."""
    national = national_signal(fitted)
    for s in fitted:
        s.f = features(s, national)
    at_fit = {(s.group, s.place): s for s in fitted}
    if (wanted.group, wanted.place) not in at_fit:
        return {}
    now = [s.scaled_as(at_fit[s.group, s.place]) for s in today if (s.group, s.place) in at_fit]
    wanted = next(s for s in now if (s.group, s.place) == (wanted.group, wanted.place))
    last = int(np.flatnonzero(np.isfinite(wanted.v))[-1])
    origin, x = features(wanted, national_signal(now))[last], wanted.x[last]
    out = {}
    for step in steps:
        pool, y = step_rows(fitted, step)
        made = {}
        for name, member in (("GBQ", gbq), ("LIN", lin), ("KNN", knn)):
            change = member(pool, y, origin)
            if change is None:
                continue
            made[name] = np.sort(wanted.back(x + change[11] + WIDTH * (change - change[11])))
        made["ensemble"] = np.sort(np.maximum(0, sum(made.values()) / len(made)))
        out[step] = made
    return out


def forecast(fits, wanted, steps):
    """The mean over the fits, each on its own panel; the last panel is today's."""
    each = [found for fitted in fits if (found := of_fit(fitted, fits[-1], wanted, steps))]
    names = ("ensemble", "GBQ", "LIN", "KNN")
    mean = {step: {name: [f[step][name] for f in each if name in f[step]] for name in names} for step in steps}
    return {step: {name: sum(all) / len(all) for name, all in made.items() if all} for step, made in mean.items()}
