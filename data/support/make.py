"""Make what data/support generates: shop.sql from data/company/facts.yaml, and the spoken requests from calls.yaml.

    python data/support/make.py                    shop.sql, and those calls whose voice the course has
    python data/support/make.py package/voices     all calls: bm_george, af_bella, am_fenrir are in npm's kokoro-js 1.2.1

Recordings that exist are kept: a call is spoken anew after its file is deleted. 16 kHz mono FLAC.
"""

import sys
from pathlib import Path

import yaml

from course_utils import load
from course_utils.local import audio
from course_utils.local.text_to_speech import VOICES, speak

HERE = Path(__file__).parent
SCHEMA = """\
CREATE TABLE customers (id TEXT PRIMARY KEY, name TEXT, town TEXT, email TEXT);
CREATE TABLE products (sku TEXT PRIMARY KEY, name TEXT, category TEXT, price_gbp REAL, price_eur REAL);
CREATE TABLE orders (id TEXT PRIMARY KEY, customer TEXT REFERENCES customers, placed TEXT, status TEXT, currency TEXT,
                     total REAL, note TEXT DEFAULT '');
CREATE TABLE items (order_id TEXT REFERENCES orders, sku TEXT REFERENCES products, colour TEXT, quantity INTEGER);
CREATE TABLE refunds (order_id TEXT REFERENCES orders, amount REAL, by TEXT);
CREATE TABLE damages (order_id TEXT REFERENCES orders, what TEXT);
"""


def literal(value) -> str:
    """A value as SQL writes it."""
    if isinstance(value, int | float):
        return f"{value:.2f}" if isinstance(value, float) else str(value)
    return "'" + str(value).replace("'", "''") + "'"


def rows(table: str, columns: list[str], records) -> list[str]:
    """INSERT statements, a line a record."""
    names = ", ".join(columns)
    return [f"INSERT INTO {table} ({names}) VALUES ({', '.join(literal(r[c]) for c in columns)});" for r in records]


def shop_sql(facts: dict) -> str:
    """The shop's database as an SQL script: customers, products, orders with their items; no refunds, no damages."""
    orders = facts["orders"]
    items = [{"order_id": o["id"], **item} for o in orders for item in o["items"]]
    lines = rows("customers", ["id", "name", "town", "email"], facts["customers"])
    lines += rows("products", ["sku", "name", "category", "price_gbp", "price_eur"], facts["products"])
    lines += rows("orders", ["id", "customer", "placed", "status", "currency", "total"], orders)
    lines += rows("items", ["order_id", "sku", "colour", "quantity"], items)
    return SCHEMA + "\n".join(lines) + "\n"


def make_call(entry: dict, voices: Path | None) -> None:
    """Speak one request and write its file."""
    path = HERE / "calls" / f"{entry['id']}.flac"
    voice = entry["voice"]
    if path.exists() or (voice not in VOICES and voices is None):
        return
    speech = speak(entry["text"], voice if voice in VOICES else str(voices / f"{voice}.bin"))
    samples = audio.resample(speech.samples, speech.rate, audio.RATE)
    path.write_bytes(audio.encode(samples / max(1.0, abs(samples).max()), audio.RATE, "flac"))
    print(path.name, f"{speech.seconds:.1f} s", flush=True)


def main(voices: Path | None = None) -> None:
    (HERE / "calls").mkdir(exist_ok=True)
    (HERE / "shop.sql").write_text(shop_sql(load("company")), encoding="utf-8", newline="\n")
    for entry in yaml.safe_load((HERE / "calls.yaml").read_text(encoding="utf-8")):
        make_call(entry, voices)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
