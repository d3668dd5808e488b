"""Replay of whole systems for lesson 13: every route is tried once on every request, then any system is scored at once.

A route is a pair (reader, work): the reader makes of a request what a program can use, the work makes an answer of it.
Both are metered. A system is a function `system(request, ask)` that asks routes and returns the try it settles for.
"""

import inspect
from dataclasses import dataclass

from .clock import run
from .metering import meter
from .settings import CourseError

COLUMNS = ["system", "right", "low", "high", "$ per 1,000", "% of cost", "p95 s", "% of p95"]


@dataclass(frozen=True)
class Try:
    """What a route made of a request: what it said, whether that is right, how sure it is (0 to 1), its own dollars and
    seconds without the reader's, and the reader's name."""

    said: object
    right: bool
    sure: float
    dollars: float
    seconds: float
    reader: str


def timed(work, *given):
    """What a piece of work gives, plain or awaited, with its dollars, seconds and the sources of its replies."""

    async def do():
        result = work(*given)
        return await result if inspect.isawaitable(result) else result

    result = run(do())
    return result, meter.cost, meter.seconds, meter.sources


class Replay:
    """Every route of every request, tried once.

    tried: (request id, route) -> Try; read: (request id, reader's name) -> (dollars, seconds).
    """

    def __init__(self, requests, routes: dict, is_right, progress=lambda requests: requests):
        """routes: door -> route -> (reader, work); is_right(request, said). progress wraps the list, tqdm say."""
        self.requests, self.tried, self.read = list(requests), {}, {}
        for request in progress(self.requests):
            material = {}
            for route, (reader, work) in routes[request.door].items():
                name = reader.__name__
                if name not in material:
                    material[name], *paid, _ = timed(reader, request)
                    self.read[request.id, name] = tuple(paid)
                (said, sure), dollars, seconds, sources = timed(work, request, material[name])
                if "mock" in sources:
                    raise CourseError(
                        f"A mock answered {request.id} by {route!r}. A leaderboard takes real replies only."
                    )
                right = bool(is_right(request, said))
                self.tried[request.id, route] = Try(said, right, float(sure), dollars, seconds, name)

    def serve(self, request, system) -> dict:
        """One request through a system: right, dollars, seconds, and the routes asked. A reader is paid once."""
        asked = {}

        def ask(route):
            if (request.id, route) not in self.tried:
                known = ", ".join(name for id, name in self.tried if id == request.id)
                raise CourseError(f"Door {request.door!r} has no route {route!r}. It has: {known}.")
            asked[route] = self.tried[request.id, route]
            return asked[route]

        final = system(request, ask)
        if not isinstance(final, Try):
            raise CourseError(f"A system returns what ask(…) gave; for door {request.door!r} it returned {final!r}.")
        parts = [self.read[request.id, reader] for reader in dict.fromkeys(t.reader for t in asked.values())]
        parts += [(t.dollars, t.seconds) for t in asked.values()]
        dollars, seconds = map(sum, zip(*parts, strict=True))
        row = {"id": request.id, "door": request.door, "right": final.right, "dollars": dollars, "seconds": seconds}
        return row | {"asked": tuple(asked)}

    def score(self, system, requests=None):
        """A data frame, a row a request (default: all)."""
        import pandas

        return pandas.DataFrame([self.serve(r, system) for r in (self.requests if requests is None else requests)])


class Leaderboard:
    """Systems side by side, as shares of the first one entered; an entry of the same name takes the place of the old."""

    def __init__(self, replay: Replay):
        self.replay, self.scores = replay, {}

    def enter(self, system, name: str = ""):
        """Score a system on all requests and show the table so far."""
        self.scores[name or system.__name__.replace("_", " ")] = self.replay.score(system)
        return self.table()

    def table(self):
        """Share right with its 95 % interval, dollars per 1,000 requests, p95 in seconds, and the latter two in percent
        of the first system's."""
        import pandas
        from scipy.stats import binomtest

        rows, first = [], next(iter(self.scores.values()), None)
        for name, s in self.scores.items():
            low, high = binomtest(int(s.right.sum()), len(s)).proportion_ci(method="wilson")
            p95, cost = s.seconds.quantile(0.95), s.dollars.sum() / first.dollars.sum()
            share = p95 / first.seconds.quantile(0.95)
            figures = [round(x, 2) for x in (s.right.mean(), low, high, 1000 * s.dollars.mean())]
            rows.append((name, *figures, round(100 * cost), round(p95, 2), round(100 * share)))
        return pandas.DataFrame(rows, columns=COLUMNS).set_index("system")

    def by_door(self, *names):
        """Right answers of each door, of the systems named (default: all), beside the number of requests."""
        import pandas

        found = {n: self.scores[n].groupby("door", sort=False).right.sum() for n in names or self.scores}
        return pandas.DataFrame(found).assign(of=next(iter(self.scores.values())).groupby("door").size())


def three_bars(cost: float, p95: float, right: float, title: str = "", limits=(25, 60, 100)):
    """A system's cost, p95 and share right in percent of another's, with the bar that each is held to.

    Cost and p95 hold at or below their limit, right at or above it. Returns a figure with alternative text.
    """
    from .drawing import COLOURS, HATCHES, INK, new, styled

    @styled
    def draw():
        fig, ax = new(height=3.6)
        names, said = ["cost", "p95", "right"], []
        for place, (name, value, limit) in enumerate(zip(names, (cost, p95, right), limits, strict=True)):
            holds = value >= limit if name == "right" else value <= limit
            ax.barh(place, value, color=COLOURS[0 if holds else 3], hatch=HATCHES[0 if holds else 1], height=0.55)
            ax.plot([limit, limit], [place - 0.42, place + 0.42], color=INK, linewidth=3)
            sign, word = ("≥" if name == "right" else "≤"), ("met" if holds else "missed")
            ax.text(max(value, limit) + 3, place, f"{value:.0f} % (bar {sign} {limit}: {word})", va="center")
            said.append(f"{name} {value:.0f} percent, bar {limit}, {word}")
        ax.set_yticks(range(3), names)
        ax.invert_yaxis()
        ax.set_xlim(0, max(cost, p95, right, 100) * 1.55)
        ax.set_xlabel("percent of the monolith")
        ax.set_title(title)
        fig.alt_text = f"{title or 'Three bars'}: " + "; ".join(said) + "."
        return fig

    return draw()
