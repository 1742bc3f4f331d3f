"""Rt of docs/forecast/method.md, section 9: weekly rates to days (Nash et al. 2023), R of a week (Cori et al. 2013), a band of the
series' own scatter."""

import math

import numpy as np

KEPT, SCATTER, BURN_IN, ROUNDS = 52, 16, 3, 10
SHAPE, RATE = 1.0, 0.2
NAMES = ["mean", "sd", "q025", "q25", "q50", "q75", "q975"]


def gamma_cdf(a, x):
    """P(a, x): by its series, beyond a + 1 by the continued fraction of 1 - P from its far end."""
    if x <= 0:
        return 0.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        n = a
        while term > total * 1e-18:
            n += 1
            term *= x / n
            total += term
        return front * total
    tail = x + 1 - a + 2 * 4000
    for i in range(4000, 0, -1):
        tail = x + 1 - a + 2 * (i - 1) - i * (i - a) / tail
    return 1 - front / tail


def gamma_quantile(p, a, scale):
    """By halving an interval until nothing lies between."""
    low, high = 0.0, a + 20 * math.sqrt(a) + 20
    while True:
        middle = (low + high) / 2
        if middle in (low, high):
            return middle * scale
        if gamma_cdf(a, middle) < p:
            low = middle
        else:
            high = middle


def serial_interval(mean, sd, steps):
    """EpiEstim's discr_si: a gamma law shifted by a day, in whole days."""
    shape, scale = ((mean - 1) / sd) ** 2, sd**2 / (mean - 1)

    def f(k, a):
        return gamma_cdf(a, k / scale)

    def at(k):
        first = k * f(k, shape) + (k - 2) * f(k - 2, shape) - 2 * (k - 1) * f(k - 1, shape)
        return first + shape * scale * (2 * f(k - 1, shape + 1) - f(k - 2, shape + 1) - f(k, shape + 1))

    return np.array([max(0.0, at(k)) for k in range(steps)])


def dispersions(y, counts):
    """Variance over mean of each week, from the 16 differences up to it between a week and the mean of its neighbours."""
    mean = (y[:-2] + y[1:-1] + y[2:]) / 3
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(mean > 0, (y[1:-1] - (y[:-2] + y[2:]) / 2) ** 2 / mean / 1.5, np.nan)
    least = 1.0 if counts else max(y.mean() / 10_000, 2.3e-308)
    out = []
    for week in range(len(y)):
        end = min(max(week, min(SCATTER, len(each))), len(each))
        known = each[max(0, end - SCATTER) : end]
        known = known[np.isfinite(known)]
        out.append(max(known.mean() if len(known) else 0.0, least))
    return np.array(out)


def posteriors(days, w):
    """Shape and rate of R of each week from the second on."""
    force = np.convolve(days, w)[: len(days)]
    cases, force = (a.reshape(-1, 7).sum(axis=1)[1:] for a in (days, force))
    return SHAPE + cases, RATE + force


def growth(r, w):
    """The rate at which sum w exp(-rate s) = 1/R, by halving (-2, 5)."""
    s = np.arange(len(w))
    low, high = np.full(len(r), -2.0), np.full(len(r), 5.0)
    for _ in range(60):
        middle = (low + high) / 2
        over = r * (w * np.exp(-np.outer(middle, s))).sum(axis=1) > 1
        low, high = np.where(over, middle, low), np.where(over, high, middle)
    return (low + high) / 2


def weekly_rt(weeks, counts, si):
    """{week end: seven numbers} from {week end: value}."""
    ends = sorted(weeks)
    first = len(ends) - 1
    while first > 0 and (ends[first] - ends[first - 1]).days == 7:
        first -= 1
    ends = ends[max(first, len(ends) - KEPT - BURN_IN) :]
    y = np.array([max(0.0, weeks[end]) for end in ends])
    phi = dispersions(np.array([weeks[end] for end in ends]), counts)
    effective = y / phi[-1]
    w = serial_interval(*si, max(100, 7 * len(y)))
    days = np.repeat(effective / 7, 7)
    for _ in range(ROUNDS):
        a, b = posteriors(days, w)
        shares = np.exp(np.outer(growth(a / b, w[:100]), np.arange(7)))
        days[7:] = (effective[1:, None] * shares / shares.sum(axis=1, keepdims=True)).ravel()
    a, b = posteriors(days, w)
    wider = phi[-1] / phi[1:]
    a, b = SHAPE + (a - SHAPE) * wider, RATE + (b - RATE) * wider
    out = {}
    for end, shape, rate in list(zip(ends[1:], a, b))[BURN_IN - 1 :]:
        quantiles = [gamma_quantile(p, shape, 1 / rate) for p in (0.025, 0.25, 0.5, 0.75, 0.975)]
        out[end] = [shape / rate, math.sqrt(shape) / rate, *quantiles]
    return out
