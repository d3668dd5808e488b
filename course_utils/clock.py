"""Simulated time: an event loop whose clock jumps to the next timer, on one thread for the life of the process.

    run(coroutine)              waiting costs nothing and is exact
    run(coroutine, live=True)   real time, on a second loop: for real providers and for sockets
    call(coroutine)             how a synchronous client waits on the simulated clock
    spend(seconds)              how a local model's work takes its reference latency
    now()                       seconds on the clock in use

The clock stands still while any thread works, whoever started it, and while nobody waits in run() or call().
How and why is told in docs/simulated_time.md.
"""

import asyncio
import concurrent.futures.thread
import contextlib
import contextvars
import linecache
import queue
import selectors
import sys
import threading
import time
import types
import warnings
import weakref

from . import settings

_WAIT = threading.Condition.wait.__code__
_JOINS = [f.__code__ for f in (threading.Thread.join, getattr(threading.Thread, "_wait_for_tstate_lock", None)) if f]
_EXIT = threading._shutdown.__code__
if sys.version_info >= (3, 13):  # whose SimpleQueue wakes a sleeping thread unseen; the one in Python does not
    concurrent.futures.thread.queue = types.SimpleNamespace(SimpleQueue=queue._PySimpleQueue, Empty=queue.Empty)

_own = contextvars.ContextVar("the tasks that this run() started", default=None)
_live_here = contextvars.ContextVar("whether time is real here", default=None)
WARN_AFTER = 60  # seconds that a thread may hold the simulated clock before it is named
on_outermost_run = []  # called, without arguments, when a run() begins that is inside no other


class ClockError(settings.CourseStop):
    """A mistake about time."""


def _parked(frame, threads):
    """Whether a thread, judged by its innermost frame, waits for another thread and has not been woken yet."""
    if frame is None:  # it is just starting
        return False
    code, names = frame.f_code, frame.f_locals
    if code is _WAIT:  # Future.result, Event.wait, Queue.get, Semaphore.acquire, ...
        return names.get("waiter") in names["self"]._waiters
    if ".get(" in linecache.getline(code.co_filename, frame.f_lineno or 0):  # an idle worker of a thread pool
        return any(isinstance(value, queue.SimpleQueue) and value.empty() for value in names.values())
    if code in _JOINS:
        return names["self"] in threads
    caller = frame.f_back and frame.f_back.f_code.co_name  # subprocess selects, too, and that is work
    return code is _EXIT or (code.co_filename == selectors.__file__ and caller == "_run_once")  # another loop, idle


def _working_thread():
    """A thread that is doing something, or None. Daemon threads (a server, a progress bar) do not count."""
    frames, threads = sys._current_frames(), threading.enumerate()
    for thread in threads:
        started = thread._started.is_set()  # who starts a daemon thread waits for it, and still works
        if (thread.daemon and started) or thread is threading.current_thread():
            continue
        if _parked(frames.get(thread.ident), threads):
            continue
        return thread


class _Clock(selectors.DefaultSelector):
    """Where asyncio would sleep until its next timer, move the time there instead."""

    def __init__(self):
        super().__init__()
        self.now, self.settled = 0.0, asyncio.Event()
        self.waiting = set()  # the tasks of run() and call()

    def register(self, fileobj, events, data=None):
        if self.get_map():  # the first is the loop's own, which wakes it
            self.fail("A socket or pipe needs run(..., live=True): in simulated time it would time out at once.")
        return super().register(fileobj, events, data)

    def fail(self, message):
        for task in self.waiting:
            task.cancel(ClockError(message))

    def select(self, timeout=None):
        if timeout is not None and timeout <= 0:
            return super().select(0)
        if not self.settled.is_set():
            self.settled.set()
            return []
        pause, warn_at = 20e-6, time.monotonic() + WARN_AFTER
        while True:
            working = self.waiting and (_working_thread() or _working_thread())  # twice: the first look is no snapshot
            if events := super().select(0 if self.waiting else None):  # after it: a thread posts, then parks
                return events
            if working:
                time.sleep(pause)
                pause = min(2 * pause, 0.002)
                if time.monotonic() > warn_at:
                    warn_at = float("inf")
                    frame = sys._current_frames().get(working.ident)
                    said = f"The simulated clock stands still for {working.name}, which works in {frame}."
                    warnings.warn(said, stacklevel=2)
            elif timeout is not None:
                self.now += timeout
                return []
            elif events := super().select(1):
                return events
            else:
                self.fail("Deadlock: nothing is scheduled and no thread works, so this would wait forever.")
                return []


class _SimulatedLoop(asyncio.SelectorEventLoop):
    def time(self):
        return _clock.now


def _task(loop, coroutine, **kwargs):
    task = asyncio.Task(coroutine, loop=loop, **kwargs)
    if (own := _own.get()) is not None:
        own.add(task)
    return task


def _serve(loop, counts):
    threading.current_thread()._daemonic = not counts  # pool threads inherit it, and those of simulated time count
    while True:
        try:
            loop.run_forever()
        except (KeyboardInterrupt, SystemExit):  # of a task: asyncio raises it here too
            pass


def _start(loop, counts):
    loop.set_task_factory(_task)
    # asyncio's own pool would depend on the number of cores, and with it how much runs in parallel
    loop.set_default_executor(concurrent.futures.ThreadPoolExecutor(64))
    threading.Thread(target=_serve, args=[loop, counts], daemon=True).start()
    return loop


_clock = _Clock()
_simulated, _live = _start(_SimulatedLoop(_clock), True), _start(asyncio.new_event_loop(), False)


def is_live() -> bool:
    """Whether time is real here: inside run(live=True), in a server, with a real provider or COURSE_LIVE=1."""
    if asyncio._get_running_loop() is _simulated:
        return False
    here = _live_here.get()
    return settings.live() if here is None else here


def in_run() -> bool:
    """Whether this code runs inside run()."""
    return _own.get() is not None


def now() -> float:
    """Seconds: simulated ones since the process began, or the machine's monotonic ones where time is real."""
    return time.monotonic() if is_live() else _clock.now


@contextlib.contextmanager
def real_time():
    """Time is real inside: what a server's thread enters once."""
    token = _live_here.set(True)
    try:
        yield
    finally:
        _live_here.reset(token)


async def _wait(coroutine):
    """Wait for a coroutine on the simulated clock."""
    _clock.waiting.add(task := asyncio.current_task())
    try:
        return await coroutine
    except asyncio.CancelledError as stop:
        if stop.args and isinstance(stop.args[0], ClockError):
            raise stop.args[0] from stop
        raise
    finally:
        _clock.waiting.discard(task)
        _clock.settled.clear()  # let all else happen that happens at this instant: the provider writes its log
        await _clock.settled.wait()


async def _alone(coroutine):
    """As asyncio.run does: the tasks that the coroutine started end with it."""
    _own.set(own := weakref.WeakSet())
    try:
        return await coroutine
    finally:
        for task in own:
            task.cancel()


def _submit(coroutine, loop, *wrappers):
    if asyncio._get_running_loop() is loop or sys.is_finalizing():
        coroutine.close()
        raise ClockError("This would block the event loop it waits for: await it (ainvoke), or use asyncio.to_thread.")
    for wrap in wrappers:
        coroutine = wrap(coroutine)
    future = asyncio.run_coroutine_threadsafe(coroutine, loop)  # in a copy of the caller's context
    try:
        while not future.done():  # in steps: on Windows, Ctrl-C does not interrupt an endless wait
            concurrent.futures.wait([future], 1)
        return future.result()
    finally:
        future.cancel()


def call(coroutine):
    """Wait for a coroutine on the clock in use, from synchronous code. ClockError on the loop's own thread."""
    return _submit(coroutine, _live) if is_live() else _submit(coroutine, _simulated, _wait)


def run(coroutine, live=None):
    """Run a coroutine to its end and return its result.

    live=False: simulated time, where waiting costs nothing and is exact. live=True: real time. live=None: real time
    with a real provider (COURSE_PROVIDER) or COURSE_LIVE=1, else simulated. Exceptions arrive with their own traceback;
    Ctrl-C cancels.
    ClockError: a deadlock, a socket in simulated time, or a run() inside a run().
    """
    if not asyncio.iscoroutine(coroutine):
        raise settings.CourseError(
            f"run() takes a coroutine, such as run(chain.ainvoke(…)), not {type(coroutine).__name__}."
        )
    live = is_live() if live is None else live
    if not in_run():
        for hook in on_outermost_run:
            hook()
    token = _live_here.set(live)
    try:
        return _submit(coroutine, _live, _alone) if live else _submit(coroutine, _simulated, _alone, _wait)
    finally:
        _live_here.reset(token)


def spend(seconds, spent=0.0):
    """Let `seconds` pass for work just done, of which `spent` real seconds have passed already.

    In simulated time they pass whole; on the loop's own thread the clock moves at once and the loop was held, as by
    any blocking code. Where time is real, only what is left passes.
    """
    if seconds <= 0:
        return
    if is_live():
        time.sleep(max(0.0, seconds - spent))
    elif asyncio._get_running_loop() is _simulated:
        _clock.now += seconds
    else:
        call(asyncio.sleep(seconds))
