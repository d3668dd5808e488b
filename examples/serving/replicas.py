"""The way past one machine: the embedding model as a Ray Serve deployment that grows with its load, and a front to it.

`start()` begins Ray on this machine, `stop()` ends it with all its processes. notebooks/further/10_ray.ipynb shows both
classes; tests/test_lesson_10.py keeps them equal.
"""

import asyncio
import contextlib
import logging
import os
from pathlib import Path

os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # or Ray warns of what it will do one day

import ray  # noqa: E402
from ray import serve  # noqa: E402

from course_utils.settings import CourseError  # noqa: E402

from .batching import Batcher  # noqa: E402
from .models import Embedder  # noqa: E402

logging.getLogger("ray.serve").setLevel(logging.ERROR)
EXAMPLES = Path(__file__).resolve().parent.parent
PATHS = [
    str(EXAMPLES),
    str(EXAMPLES.parent),
    *filter(None, [os.environ.get("PYTHONPATH")]),
]  # where replicas import from
GROWING = {
    "min_replicas": 1,
    "max_replicas": 2,
    "target_ongoing_requests": 2,
    "upscale_delay_s": 1,
    "metrics_interval_s": 0.5,
    "look_back_period_s": 2,
}


@serve.deployment(autoscaling_config=GROWING, max_ongoing_requests=16, ray_actor_options={"num_cpus": 0.5})
class Model:
    def __init__(self):
        self.embedder = Embedder()
        self.batcher = Batcher(self.work, most=8)

    async def work(self, texts):
        return list(await asyncio.to_thread(self.embedder, texts))

    async def __call__(self, text):
        return await self.batcher(text), os.getpid()


@serve.deployment(max_ongoing_requests=100, ray_actor_options={"num_cpus": 0.1})
class Front:
    def __init__(self, model):
        self.model = model

    async def __call__(self, texts):
        answers = await asyncio.gather(*(self.model.remote(text) for text in texts))
        return [vector for vector, _ in answers], {process for _, process in answers}


@contextlib.contextmanager
def without_stderr():
    """Where there is no network, Ray's C++ part warns, past Python, that it cannot find an address it does not need."""
    with open(os.devnull, "wb") as nowhere:
        kept = os.dup(2)
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def start() -> None:
    """Ray on this machine alone: no dashboard, no other address, 80 MiB for shared objects.

    CourseError if its processes do not answer in time, as on a very busy machine (Ray gives one of them 15 s).
    """
    try:
        with without_stderr():
            ray.init(
                num_cpus=2,
                include_dashboard=False,
                _node_ip_address="127.0.0.1",
                object_store_memory=80 * 2**20,
                log_to_driver=False,
                logging_level="ERROR",
                runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join(PATHS)}},
            )
    except Exception as problem:
        ray.shutdown()
        raise CourseError("Ray did not start in time. Close other programs, then run this again.") from problem


def stop() -> None:
    """End the deployments, then Ray with all its processes. (serve.shutdown() in between would print a warning.)"""
    serve.delete("default")
    ray.shutdown()
