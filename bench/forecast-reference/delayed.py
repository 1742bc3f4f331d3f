"""Rt of docs/forecast/method.md, sections 9.1 to 9.3: R by infection, with what the youngest weeks miss, and growth."""

import math
from datetime import timedelta
from statistics import NormalDist

import numpy as np
from transmission import BURN_IN, KEPT, dispersions, gamma_cdf, serial_interval

STEPS, SCATTERS, SHARES = (0.03, 0.06, 0.12, 0.24), (0.35, 0.2, 0.1, 0.05, 0.02), (0.001, 0.01, 0.1)
DRAWS, DUE, AGES, ORIGINS, SHRINK, LEAST = 1000, 0.5, 4, 8, 6, 10
MASK = (1 << 64) - 1


def delay(*stages):
    """Probabilities of 0, 1, 2, … days from infection to report; stages are (mean, deviation)."""
    mean, variance = sum(m for m, _ in stages), sum(s * s for _, s in stages)
    shape, scale = mean**2 / variance, variance / mean

    def g(x):
        return x * gamma_cdf(shape, x / scale) - shape * scale * gamma_cdf(shape + 1, x / scale) if x > 0 else 0.0

    p = []
    while len(p) < 60 and sum(p) < 1 - 1e-4:
        k = len(p)
        p.append(max(0.0, g(k + 1) - 2 * g(k) + g(k - 1)))
    return np.array(p) / sum(p)


def as_known(issues, day):
    """{week: value} of the last issues not after a day; a value that was taken back is none."""
    weeks = {}
    for week, issued, value in sorted(issues, key=lambda i: i[1]):
        if issued <= day:
            weeks[week] = value
    return {week: value for week, value in weeks.items() if value is not None}


def missing(places, day, persons):
    """For each place [(f, deviation)] of the weeks of age 0 to 3."""
    grown = []
    for issues in places:
        values = [value for _, _, value in issues if value is not None]
        add = 2.0 if persons else max(0.02 * sum(values) / max(1, len(values)), 2.3e-308)
        now, ages = as_known(issues, day), [[] for _ in range(AGES)]
        for back in range(1, ORIGINS + 1):
            then = as_known(issues, day - timedelta(weeks=back))
            if not then or not now or max(then) != max(now) - timedelta(weeks=back):
                continue
            for age in range(AGES):
                week = max(now) - timedelta(weeks=back + age)
                if week in then and week in now:
                    d = math.log((max(0.0, now[week]) + add) / (max(0.0, then[week]) + add))
                    ages[age].append(min(1.0, max(-1.0, d)))
        grown.append(ages)
    if sum(len(ages[0]) for ages in grown) < 4:
        return [[] for _ in places]
    answer = [[(0.0, 0.0)] * AGES for _ in places]
    for age in reversed(range(AGES)):
        d = []
        for ages, learnt in zip(grown, answer):
            later = [learnt[age + n + 1][0] if age + n + 1 < AGES else 0.0 for n in range(len(ages[age]))]
            d.append([a + b for a, b in zip(ages[age], later)])
        every = [x for place in d for x in place]
        mean = sum(every) / len(every) if every else 0.0
        f = [(sum(place) + SHRINK * mean) / (len(place) + SHRINK) for place in d]
        squares = [sum((x - centre) ** 2 for x in place) for place, centre in zip(d, f)]
        pooled = sum(squares) / max(1, len(every))
        for n, place in enumerate(d):
            count = len(place)
            variance = (squares[n] + SHRINK * pooled) / (count + SHRINK)
            deviation = min(0.5, math.sqrt(variance * (1 + 1 / (count + SHRINK))))
            answer[n][age] = (min(0.5, max(-0.2, f[n])), deviation)
    return answer


class Model:
    def __init__(self, y, w, p, missed, persons):
        self.y, self.missed, self.n = y, missed[: len(y)], len(y)
        cut = np.cumsum(w) / w.sum()
        w = w[: int(np.argmax(cut > 1 - 1e-6)) + 1] if (cut > 1 - 1e-6).any() else w
        self.w, self.p, self.persons = w / w.sum(), p, persons
        self.before = max(len(self.w), len(p))
        self.level = math.log(max(0.5, y[:4].mean()) / 7)

    def path(self, theta):
        n = self.n
        infections = np.empty(self.before + 7 * n)
        infections[: self.before] = np.exp(theta[n] + theta[n + 1] * np.arange(-self.before, 0))
        for day in range(self.before, len(infections)):
            past = infections[day - len(self.w) : day][::-1]
            infections[day] = math.exp(theta[(day - self.before) // 7]) * (self.w * past).sum()
        reports = np.convolve(infections, self.p)[self.before : len(infections)].reshape(n, 7).sum(axis=1)
        for age in range(len(self.missed)):
            reports[n - 1 - age] *= math.exp(-theta[n + 2 + age])
        return infections, reports

    def jacobian(self, theta):
        """By the change along each θ: the daily equation once more, for its derivative."""
        n, size = self.n, len(theta)
        infections, reports = self.path(theta)
        daily = np.zeros((len(infections), size))
        daily[: self.before, n] = infections[: self.before]
        daily[: self.before, n + 1] = infections[: self.before] * np.arange(-self.before, 0)
        for day in range(self.before, len(infections)):
            week = (day - self.before) // 7
            daily[day] = math.exp(theta[week]) * (self.w @ daily[day - len(self.w) : day][::-1])
            daily[day, week] += infections[day]
        spread = np.array([np.convolve(column, self.p)[self.before : len(infections)] for column in daily.T])
        rows = spread.reshape(size, n, 7).sum(axis=2).T
        for age in range(len(self.missed)):
            rows[n - 1 - age] *= math.exp(-theta[n + 2 + age])
            rows[n - 1 - age, n + 2 + age] = -reports[n - 1 - age]
        return infections, reports, rows

    def fit(self, theta, step, rho, share, stands):
        n, y, size = self.n, self.y, len(theta)
        lam = 1.0 if self.persons else share * y.mean()
        prior, mean = np.zeros((size, size)), np.zeros(size)
        prior[0, 0] = 1 / 0.25
        for week in range(1, n):
            prior[week - 1 : week + 1, week - 1 : week + 1] += np.array([[1, -1], [-1, 1]]) / step**2
        prior[n, n], prior[n + 1, n + 1], mean[n] = 1 / 4, 1 / 0.01, self.level
        for age, (f, sd) in enumerate(self.missed):
            prior[n + 2 + age, n + 2 + age], mean[n + 2 + age] = max(sd, 1e-3) ** -2, f

        def worth(at):
            with np.errstate(over="ignore", invalid="ignore"):
                m = np.maximum(self.path(at)[1], 1e-6)
                q = y / lam * np.log(m) - (y / lam + rho**-2) * np.log(lam + rho**2 * m)
                return q.sum() - 0.5 * (at - mean) @ prior @ (at - mean)

        def curve(at):
            _, m, rows = self.jacobian(at)
            v = lam * np.maximum(m, 1e-6) + (rho * np.maximum(m, 1e-6)) ** 2
            return m, v, prior + rows.T @ (rows / v[:, None]), rows.T @ ((y - m) / v) - prior @ (at - mean)

        best = worth(theta)
        for _ in range(60):
            _, _, h, gradient = curve(theta)
            move, length = np.linalg.solve(h, gradient), 1.0
            while not worth(theta + length * move) >= best and length >= 1e-6:
                length /= 2
            value = worth(theta + length * move)
            if not value >= best:
                break
            theta, best = theta + length * move, value
            if np.abs(length * move).max() < stands:
                break
        m, v, h, _ = curve(theta)
        fits = (-0.5 * (np.log(2 * math.pi * v) + (y - m) ** 2 / v)).sum()
        dets = np.linalg.slogdet(prior)[1] - np.linalg.slogdet(h)[1]
        return theta, h, fits - 0.5 * (theta - mean) @ prior @ (theta - mean) + 0.5 * dets


def scattered(x):
    z = (x + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def uniforms(seed, label):
    state = scattered(scattered(seed) ^ scattered(label))
    while True:
        state ^= state >> 12
        state = (state ^ (state << 25)) & MASK
        state ^= state >> 27
        yield ((state * 0x2545F4914F6CDD1D & MASK) >> 11) / 2**53


def start(model, w, p):
    """Only where the search begins: the mode does not depend on it."""
    theta = np.zeros(model.n + 2 + len(model.missed))
    theta[model.n] = model.level
    theta[model.n + 2 :] = [f for f, _ in model.missed]
    shift = round(float(np.arange(len(p)) @ p) / 7)
    logs, s = np.log(model.y + 1), np.arange(1, len(w) + 1)
    for week in range(model.n):
        at = min(week + shift, model.n - 1)
        rate = min(0.1, max(-0.1, (logs[at] - logs[max(0, at - 2)]) / 14))
        theta[week] = -math.log((w * np.exp(-rate * s)).sum())
    return theta


def delayed_rt(weeks, counts, si, stages, missed):
    """{week end: seven numbers of R, seven of growth, chance of growth, share due, known share and its band}."""
    ends = sorted(weeks)
    first = len(ends) - 1
    while first > 0 and (ends[first] - ends[first - 1]).days == 7:
        first -= 1
    ends = ends[max(first, len(ends) - KEPT - BURN_IN) :]
    y = np.array([max(0.0, weeks[end]) for end in ends])
    if len(y) < BURN_IN + 3 or y[-2:].sum() / dispersions(np.array([weeks[e] for e in ends]), counts)[-1] < LEAST:
        return {}
    w, p, n = serial_interval(*si, 60)[1:], delay(*stages), len(y)
    y = y if counts else y * 1000 / y.mean()  # a rate in any unit is the same
    model = Model(y, w, p, missed, counts)
    near, theta = [], start(model, w, p)
    settings = ((rho, share, step) for rho in SCATTERS for share in ([1.0] if counts else SHARES) for step in STEPS)
    for place, (rho, share, step) in enumerate(settings):
        theta, _, evidence = model.fit(theta, step, rho, share, 1e-3)
        near.append((place, rho, share, step, theta, evidence))
    best = max(evidence for *_, evidence in near)
    fits = [(place, *model.fit(t, step, rho, share, 1e-11)) for place, rho, share, step, t, e in near if e > best - 7]
    best = max(evidence for *_, evidence in fits)
    total, until, drawn, normal = sum(math.exp(f[3] - best) for f in fits), 0.0, [], NormalDist()
    for place, mode, h, evidence in fits:
        until += math.exp(evidence - best) / total
        numbers, triangle = uniforms(1, place), np.linalg.cholesky(h).T
        while len(drawn) < math.floor(until * DRAWS + 0.5):
            z = np.array([normal.inv_cdf(max(next(numbers), 1e-16)) for _ in mode])
            drawn.append(mode + np.linalg.solve(triangle, z))
    drawn = np.array(drawn)
    within = np.concatenate([np.zeros(8 * 7 + 7 * n), np.cumsum(p), np.ones(7 * n + 7)])
    at = lambda days: within[8 * 7 + 7 * n - 1 + days + 1] if days >= 0 else 0.0
    share = [sum(at(7 * later + 6 - d) - at(7 * later - 1 - d) for d in range(7)) / 7 for later in range(n)]
    paths = [model.path(theta)[0] for theta in drawn]
    out = {}
    for week in range(BURN_IN, n):
        passed = sum(share[: n - week])
        if passed < DUE:
            continue
        last = model.before + 7 * week + 6
        growth = np.array([math.log(path[last] / path[last - 7]) / 7 for path in paths])
        known = np.zeros(len(drawn))
        for report in range(week, n):
            age = n - 1 - report
            known += share[report - week] * (np.exp(-drawn[:, n + 2 + age]) if age < len(model.missed) else 1.0)
        seven = lambda v: [v.mean(), v.std(), *np.quantile(v, [0.025, 0.25, 0.5, 0.75, 0.975])]
        ends_of = np.quantile(known, [0.025, 0.975])
        out[ends[week]] = [*seven(np.exp(drawn[:, week])), *seven(growth), (growth > 0).mean(), passed, known.mean(), *ends_of]
    return out
