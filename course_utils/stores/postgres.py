"""pgvector: a table with a column of vectors in PostgreSQL, DATABASE_URL's or one that is started here."""

import atexit
import os
import tempfile
import warnings
from pathlib import Path

import psycopg
from pgvector.psycopg import register_vector
from psycopg import sql
from psycopg.types.json import Jsonb

from ..settings import CourseError
from .base import Engine, Row

_servers = {}


def postgres_url(folder=None) -> str:
    """The address of a PostgreSQL server: DATABASE_URL, or one that is started in `folder` (default: a temporary one).

    It ends with this process. CourseError if there is neither DATABASE_URL nor the package pgserver.
    """
    if url := os.environ.get("DATABASE_URL", "").strip():
        return url
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # without XDG_RUNTIME_DIR it says which folder it takes instead
            import pgserver
    except ImportError:
        raise CourseError(
            "PostgreSQL is not here: make stores brings it on Python 3.11 and 3.12; or set DATABASE_URL to a server."
        ) from None
    key = str(folder or "")
    if key not in _servers:
        if folder is None:
            parent = tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True)  # socket paths are short
            atexit.register(parent.cleanup)  # runs after the server's own, which is registered later
            os.chmod(parent.name, 0o755)
            folder = Path(parent.name) / "d"
        _servers[key] = pgserver.get_server(folder)
    return _servers[key].get_uri()


class PostgresStore(Engine):
    """A table (id, text, metadata, embedding); writes are committed before the call returns.

    url: the server's address (default: `postgres_url()`). Searches are exact until `build_index` has made an index.
    """

    def __init__(self, embedding, name="entries", dimensions: int = 384, url=None):
        super().__init__(embedding)
        self.connection = psycopg.connect(url or postgres_url(), autocommit=True, prepare_threshold=None)
        self.connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        register_vector(self.connection)
        self.name, self.table = name, sql.Identifier(name)
        self._do(
            "CREATE TABLE IF NOT EXISTS {table} (id text PRIMARY KEY, text text NOT NULL, metadata jsonb NOT NULL, "
            f"embedding vector({int(dimensions)}) NOT NULL)"
        )

    def _do(self, command, values=None, **names):
        return self.connection.execute(sql.SQL(command).format(table=self.table, **names), values)

    def upsert(self, ids, vectors, texts, metadatas):
        last = {id: place for place, id in enumerate(ids)}
        with self.connection.transaction(), self.connection.cursor() as cursor:
            cursor.execute(sql.SQL("CREATE TEMP TABLE incoming (LIKE {}) ON COMMIT DROP").format(self.table))
            with cursor.copy("COPY incoming (id, text, metadata, embedding) FROM STDIN") as copy:
                for id, at in last.items():
                    vector = "[" + ",".join(f"{x:.9g}" for x in vectors[at]) + "]"
                    copy.write_row((id, texts[at], Jsonb(metadatas[at]), vector))
            cursor.execute(
                sql.SQL(
                    "INSERT INTO {} SELECT * FROM incoming ON CONFLICT (id) DO UPDATE SET "
                    "text = excluded.text, metadata = excluded.metadata, embedding = excluded.embedding"
                ).format(self.table)
            )

    def nearest(self, vector, k, where):
        rows = self._do(*self._nearest(vector, k, where))
        return [(Row(id, text, metadata), distance) for id, text, metadata, distance in rows]

    def _nearest(self, vector, k, where):
        """The statement of a search, and its values."""
        vector = "[" + ",".join(f"{x:.9g}" for x in vector) + "]"
        fits = "WHERE metadata @> %s" if where else ""
        return (
            f"SELECT id, text, metadata, embedding <-> %s::vector AS distance FROM {{table}} {fits} "
            "ORDER BY distance LIMIT %s",
            [vector, *([Jsonb(where)] if where else []), k],
        )

    def plan(self, vector, k=10, where: dict | None = None) -> str:
        """How PostgreSQL would search, in its own words (EXPLAIN)."""
        statement, values = self._nearest(vector, k, where or {})
        return "\n".join(line for (line,) in self._do("EXPLAIN " + statement, values))

    def fetch(self, ids):
        rows = self._do("SELECT id, text, metadata FROM {table} WHERE id = ANY(%s)", [ids])
        return [Row(*row) for row in rows]

    def remove(self, ids):
        self._do("DELETE FROM {table} WHERE id = ANY(%s)", [ids])

    def count(self):
        return self._do("SELECT count(*) FROM {table}").fetchone()[0]

    def build_index(self, kind="hnsw", where: dict | None = None, **options):
        """Make an approximate index: 'hnsw' (m, ef_construction) or 'ivfflat' (lists), on one worker.

        where: an index of the entries that fit only, which PostgreSQL calls a partial index. CourseError: other kinds.
        """
        if kind not in ("hnsw", "ivfflat"):
            raise CourseError(f"pgvector has the indexes hnsw and ivfflat, not {kind!r}.")
        given = sql.SQL(", ").join(sql.SQL(f"{name} = {int(value)}") for name, value in options.items())
        fits = sql.SQL("WHERE metadata @> {}").format(sql.Literal(Jsonb(where))) if where else sql.SQL("")
        self._do("SET maintenance_work_mem = '512MB'")
        self._do("SET max_parallel_maintenance_workers = 0")
        self._do(
            f"CREATE INDEX ON {{table}} USING {kind} (embedding vector_l2_ops) {{given}} {{fits}}",
            given=sql.SQL("WITH ({})").format(given) if options else sql.SQL(""),
            fits=fits,
        )
        self._do("ANALYZE {table}")

    def setting(self, name: str, value) -> None:
        """Set an option of this connection, as in setting("hnsw.ef_search", 100)."""
        self.connection.execute("SELECT set_config(%s, %s, false)", [name, str(value)])

    def close(self):
        self.connection.close()
