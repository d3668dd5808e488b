"""What the gateway and the workers read from their environment, and the parts that they make of it."""

import os
from dataclasses import dataclass
from pathlib import Path

from .documents import Documents
from .jobs import SQLiteQueue


@dataclass(frozen=True)
class Settings:
    """Where things lie, and the limits. `redis_url` empty: the queue is a file in `folder`."""

    folder: Path = Path(os.environ.get("PRODUCTION_FOLDER", "production-data"))
    redis_url: str = os.environ.get("REDIS_URL", "")
    model_url: str = os.environ.get("MODEL_URL", "http://127.0.0.1:8000/v1")
    model_key: str = os.environ.get("MODEL_KEY", "course")
    otlp_url: str = os.environ.get("OTLP_URL", "")
    tiers: tuple[str, ...] = ("large", "small")  # the first answers, the next stand in for it
    lease: float = float(os.environ.get("PRODUCTION_LEASE", "30"))
    max_body: int = 64 * 1024
    max_waiting: int = 1000

    def queue(self):
        if self.redis_url:
            from .redis_jobs import RedisQueue

            return RedisQueue.at(self.redis_url, lease=self.lease)
        return SQLiteQueue(self.folder / "jobs.sqlite", lease=self.lease)

    def documents(self) -> Documents:
        from course_utils import embed

        return Documents(self.folder / "documents.sqlite", embed)
