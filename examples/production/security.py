"""Keys, rates, signatures, and what must not stand in a log."""

import hashlib
import hmac
import json
import logging
import re
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from .timing import loop_time


@dataclass
class Key:
    """Who a key belongs to and what it may do. The key itself is not stored, only its sha256."""

    name: str
    digest: str
    scopes: tuple[str, ...] = ("jobs",)  # jobs, documents, admin
    rate: float = 2.0  # requests a second, after `burst` at once
    burst: int = 10
    daily: float = 1.0  # dollars a day
    secret: str = ""  # if set, requests must be signed with it
    revoked: bool = False


def digest(key: str) -> str:
    """A key of 32 random bytes cannot be guessed from its hash, so a fast hash will do; a password would need a slow one."""
    return hashlib.sha256(key.encode()).hexdigest()


class KeyRing:
    """Keys in a JSON file, which is read again when it changes: a revoked key is refused from the next request on."""

    def __init__(self, file: Path, clock: Callable = loop_time):
        self.file, self.clock, self._stamp, self._keys, self._buckets = Path(file), clock, None, [], {}

    def keys(self) -> list[Key]:
        stamp = self.file.stat().st_mtime_ns if self.file.exists() else None
        if stamp != self._stamp:
            self._keys = [Key(**row) for row in json.loads(self.file.read_text(encoding="utf-8"))]
            self._stamp = stamp
        return self._keys

    def _write(self, keys):
        beside = self.file.with_suffix(".new")
        beside.touch(mode=0o600)  # for the gateway's own user only
        beside.write_text(json.dumps([asdict(key) for key in keys], indent=1), encoding="utf-8")
        beside.replace(self.file)
        self._stamp = None

    def new(self, name: str, **options) -> str:
        """A new key, which is shown this once."""
        key = secrets.token_urlsafe(32)
        self._write([*self.keys(), Key(name, digest(key), **options)])
        return key

    def revoke(self, name: str) -> None:
        self._write([Key(**asdict(key) | {"revoked": key.revoked or key.name == name}) for key in self.keys()])

    def find(self, presented: str) -> Key | None:
        """The key's record, or None. Compares with every key in constant time: how long it takes tells nothing."""
        shown, found = digest(presented), None
        for key in self.keys():
            if hmac.compare_digest(key.digest, shown) and not key.revoked:
                found = key
        return found

    def wait(self, key: Key) -> float:
        """Take a token from the key's bucket: 0.0, or the seconds until there is one."""
        now = self.clock()
        level, then = self._buckets.get(key.digest, (float(key.burst), now))
        level = min(key.burst, level + (now - then) * key.rate)
        self._buckets[key.digest] = (level - 1 if level >= 1 else level, now)
        return 0.0 if level >= 1 else (1 - level) / key.rate


def signature(secret: str, timestamp: str, idempotency_key: str, body: bytes) -> str:
    """What a signed request carries: changes with the time, the idempotency key and the body."""
    message = f"{timestamp}\n{idempotency_key}\n".encode() + body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


_PERSONAL = [
    ("email", re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]*\w")),
    ("key", re.compile(r"\b(?:sk|pk)-[\w-]{8,}|\bBearer\s+\S+|\b[\w-]{43}\b")),
    ("iban", re.compile(r"\b[A-Z]{2}\d{2}(?:\s?\w{4}){3,7}(?:\s?\w{1,3})?\b")),
    (
        "number",
        re.compile(r"(?<![\w-])(?!\d{4}-\d\d-\d\d\b)\+?\d(?:[ ()/-]{0,2}\d){7,18}(?![\w-])"),
    ),  # telephones, cards
]


def scrub(text: str) -> str:
    """The text without e-mail addresses, keys, IBANs, telephone and card numbers. Names and addresses it does not know."""
    for name, pattern in _PERSONAL:
        text = pattern.sub(f"[{name}]", text)
    return text


def scrub_record(record: logging.LogRecord) -> bool:
    """A logging filter: what the service logs is scrubbed, whoever reads it."""
    record.msg, record.args = scrub(record.getMessage()), ()
    return True


log = logging.getLogger("production")
log.addFilter(scrub_record)
