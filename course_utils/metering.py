"""One log of every model call and step: `meter` shows it, `step(...)` names a part of it.

A record is written where the answer is made: by the course's provider for its replies, by the face of a local model,
by a LangChain callback for a hosted provider. Names map to OpenTelemetry's GenAI conventions in OTEL.
"""

import contextlib
import contextvars
import threading
import time
from dataclasses import asdict, dataclass, fields

from . import catalogue, clock

OTEL = {  # field -> attribute of OpenTelemetry's semantic conventions for generative AI
    "operation": "gen_ai.operation.name",
    "model": "gen_ai.request.model",
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "time_to_first_token": "gen_ai.server.time_to_first_token",
    "duration": "gen_ai.client.operation.duration",
    "status": "http.response.status_code",
    "cost": "course.cost_usd",
    "source": "course.source",
    "skill": "course.skill",
    "step": "course.step",
}


@dataclass
class Call:
    """A model call, or a step of the lesson's own. Times in seconds on the clock in use, cost in dollars.

    source: 'record', 'model', 'mock', 'hosted', or 'step'. cost is None where no price is known.
    """

    operation: str
    model: str
    start: float
    end: float
    time_to_first_token: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = 0.0
    status: int = 200
    source: str = "model"
    skill: str = ""
    step: str = ""

    @property
    def duration(self) -> float:
        return self.end - self.start

    def attributes(self) -> dict:
        """This call as attributes of an OpenTelemetry span."""
        values = asdict(self) | {"duration": self.duration}
        return {OTEL[name]: value for name, value in values.items() if name in OTEL and value is not None}


_step = contextvars.ContextVar("the step that this code belongs to", default="")
_nested = contextvars.ContextVar("whether an outer face records already", default=False)


def _cell():
    """What tells the notebook cell that runs from any other, or None. (nbval does not count its cells.)"""
    import sys

    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    try:
        return shell.get_parent()["header"]["msg_id"]
    except (AttributeError, KeyError):
        return getattr(shell, "execution_count", None)


class Meter:
    """The calls since the last outermost run() began, or outside run() those of the cell; `session` has them all."""

    def __init__(self):
        self.session: list[Call] = []
        self._lock, self._first, self._opened_by = threading.RLock(), 0, None
        self.window = 0  # counts windows: what is counted 'within this run' is counted by it
        clock.on_outermost_run.append(lambda: self._open(("run", _cell())))

    def _open(self, by):
        with self._lock:
            self._first, self._opened_by = len(self.session), by
            self.window += 1

    def touch(self) -> int:
        """Open a new window if this is another cell's work, and return the window's number."""
        with self._lock:
            if not clock.in_run() and self._opened_by not in (("cell", _cell()), ("run", _cell())):
                self._open(("cell", _cell()))
            return self.window

    def add(self, call: Call) -> None:
        """Write a call down."""
        with self._lock:
            self.touch()
            self.session.append(call)

    @property
    def calls(self) -> list[Call]:
        """The calls in view, by start, then model: the order in which parallel threads wrote is no fact."""
        with self._lock:
            calls = self.session[self._first :]
        return sorted(calls, key=lambda c: (round(c.start, 6), round(c.end, 6), c.model, c.operation, c.step))

    def frame(self, session=False):
        """A pandas data frame, a row a call (steps left out); start and end count from the first call, in seconds."""
        import pandas

        calls = [c for c in (self.session if session else self.calls) if c.source != "step"]
        zero = min((c.start for c in calls), default=0.0)
        rows = [asdict(c) | {"duration": c.duration} for c in calls]
        names = [f.name for f in fields(Call)]
        names.insert(names.index("end") + 1, "duration")
        frame = pandas.DataFrame(rows, columns=names)
        frame[["start", "end"]] = (frame[["start", "end"]] - zero).astype(float).round(6)
        frame["duration"] = frame["duration"].astype(float).round(6)
        return frame

    @property
    def seconds(self) -> float:
        """From the first call's start to the last one's end."""
        calls = self.calls
        return round(max(c.end for c in calls) - min(c.start for c in calls), 6) if calls else 0.0

    @property
    def cost(self) -> float:
        """Dollars of the calls in view, those of unknown price left out: `unpriced` names them."""
        return sum(c.cost or 0.0 for c in self.calls)

    @property
    def unpriced(self) -> list[str]:
        """Models in view that no price is known of."""
        return sorted({c.model for c in self.calls if c.cost is None})

    @property
    def tokens(self) -> tuple[int, int]:
        """Input and output tokens of the calls in view."""
        return sum(c.input_tokens for c in self.calls), sum(c.output_tokens for c in self.calls)

    @property
    def sources(self) -> set[str]:
        """Where the answers in view came from: record, model, mock, hosted."""
        return {c.source for c in self.calls if c.source != "step"}

    def summary(self) -> str:
        """One line: calls, seconds, tokens, dollars, where the answers came from."""
        calls = [c for c in self.calls if c.source != "step"]
        if not calls:
            return "No model was called."
        sources = {s: sum(c.source == s for c in calls) for s in sorted(self.sources)}
        said = {
            "record": "recorded replies of real models",
            "model": "real models, now",
            "mock": "mock",
            "hosted": "hosted",
        }
        text = (
            f"{len(calls)} calls in {self.seconds:.3f} s, {self.tokens[0]} + {self.tokens[1]} tokens, ${self.cost:.6f}"
        )
        text += "; " + ", ".join(f"{n} {said[s]}" for s, n in sources.items())
        return text + (f"; no price is known of {', '.join(self.unpriced)}" if self.unpriced else "")

    def __repr__(self):
        return self.summary()

    def _repr_html_(self):
        import html

        columns = [
            "step",
            "operation",
            "model",
            "start",
            "duration",
            "time_to_first_token",
            "input_tokens",
            "output_tokens",
        ]
        frame = self.frame()[[*columns, "cost", "status", "source"]]
        frame["cost"] = [("unknown" if c != c or c is None else f"${c:.6f}") for c in frame["cost"]]
        table = frame.to_html(index=False, border=0, float_format=lambda v: f"{v:.3f}", na_rep="")
        sources = " ".join(sorted(self.sources))
        return f'<div data-source="{sources}">{table}<p>{html.escape(self.summary())}</p></div>'


meter = Meter()


@contextlib.contextmanager
def step(name: str):
    """Name a part of the lesson's own work: calls inside carry the name, and the timeline shows it as a bar."""
    token, start = _step.set(name), clock.now()
    status = 500
    try:
        yield
        status = 200
    finally:
        _step.reset(token)
        meter.add(Call("step", name, start, clock.now(), source="step", step=name, status=status))


def current_step() -> str:
    """The step that this code belongs to, or ''."""
    return _step.get()


@contextlib.contextmanager
def local(capability: str, units: float = 1):
    """A local model's face does its work inside: one record, and the catalogue's reference latency on the clock.

    `units` as the catalogue counts for this capability (tokens, passages, seconds, characters …). A face that is
    called by another face or by the provider is neither recorded nor timed. Where time is real, the wait is the larger
    of catalogue and actual. Yields an object whose `units` and `source` may be set inside, when known only then.
    """
    if _nested.get():
        yield _Work(units)
        return
    work, entry = _Work(units), catalogue.LOCAL[capability]
    token, start, began = _nested.set(True), clock.now(), time.perf_counter()
    try:
        yield work
    finally:
        _nested.reset(token)
    clock.spend(entry.base_seconds + entry.unit_seconds * work.units, time.perf_counter() - began)
    price = entry.call_price + entry.unit_price * work.units
    tokens = int(work.units) if entry.unit == "token" else 0
    meter.add(
        Call(
            capability,
            entry.model,
            start,
            clock.now(),
            input_tokens=tokens,
            cost=price,
            source=work.source,
            step=current_step(),
        )
    )


@dataclass
class _Work:
    units: float
    source: str = "model"


@contextlib.contextmanager
def unmetered():
    """Local models' faces called inside are neither recorded nor timed: the provider's own work."""
    token = _nested.set(True)
    try:
        yield
    finally:
        _nested.reset(token)
