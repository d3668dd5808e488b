"""The catalogue and the shoppers of lesson 8: typed rows of data/recommendations/."""

import importlib.util
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..settings import DATA, CourseError

FOLDER = DATA / "recommendations"
SPLITS = ("train", "dev", "test")
ROW = "sku name category collection room material price_gbp text colour family launched".split()


@dataclass(frozen=True)
class Product:
    """One thing in the shop. `family`: of the colour that its picture shows; `launched`: the day it came, from 0.

    `collection` is empty for the products that other lessons know. The text does not name the colour.
    """

    sku: str
    name: str
    category: str
    collection: str
    room: str
    material: str
    price_gbp: float
    text: str
    colour: str
    family: str
    launched: int

    @property
    def picture(self) -> Path:
        """Its picture, 160 x 160 pixels, by the course's painter."""
        return FOLDER / "pictures" / f"{self.sku}.jpg"


@dataclass(frozen=True)
class Shopper:
    """A simulated shopper. `joined`: the day, from 0; `wish`: two sentences said at the door."""

    id: str
    joined: int
    wish: str


def _lines(name: str) -> list[dict]:
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines() if line]


def products() -> list[Product]:
    """The catalogue, by SKU."""
    return [Product(**{key: row[key] for key in ROW}) for row in _lines("products.jsonl")]


def picture_features():
    """float32 (products, 1280): the vision network's features of each picture, rows as in `products()`, length 1."""
    import numpy

    with numpy.load(FOLDER / "features.npz", allow_pickle=False) as file:
        rows = file["features"].astype(numpy.float32)
    return rows / numpy.linalg.norm(rows, axis=1, keepdims=True)


def shoppers() -> list[Shopper]:
    """All 500 shoppers, by id."""
    return [Shopper(**row) for row in _lines("shoppers.jsonl")]


def cuts() -> tuple[int, int]:
    """The first day of dev and the first day of test."""
    return _model().CUTS


def interactions(split: str | None = None):
    """A frame of day, shopper, sku: what was taken, in order of time. Split 'train', 'dev' or 'test', or all."""
    import pandas

    if split not in (None, *SPLITS):
        raise CourseError(f"There is no split {split!r}. Use one of: {', '.join(SPLITS)}.")
    rows = pandas.read_csv(FOLDER / "events.csv")
    if split is None:
        return rows
    first, second = cuts()
    begin, end = {"train": (0, first), "dev": (first, second), "test": (second, 10**6)}[split]
    return rows[(rows.day >= begin) & (rows.day < end)].reset_index(drop=True)


@cache
def _model():
    spec = importlib.util.spec_from_file_location("shopper_model", FOLDER / "model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def another_shop(hidden: float = 1.0, crowd: float = 1.0, seed: int = 2026):
    """(shoppers, frame of day, shopper, sku) of another shop with the same catalogue and the same model of shoppers.

    hidden: weight of likings that neither text nor picture shows, 0 to 2; crowd: pull of the shop window, 0 to 2.
    With the default values it is the shop of `shoppers()` and `interactions()`.
    """
    import numpy
    import pandas
    import yaml

    if not (0 <= hidden <= 2 and 0 <= crowd <= 2):
        raise CourseError("another_shop: hidden and crowd lie between 0 and 2.")
    words = yaml.safe_load((FOLDER / "words.yaml").read_text(encoding="utf-8"))
    people, events = _model().shop(_lines("products.jsonl"), words, numpy.random.default_rng(seed), hidden, crowd)
    return [Shopper(**row) for row in people], pandas.DataFrame(events, columns=["day", "shopper", "sku"])


def told_reasons() -> list[dict]:
    """Pairs to explain, and the claims that a person marked in what the models said; see the datasheet."""
    return _lines("explained.jsonl")


DATASETS = {
    "products": products,
    "picture features": picture_features,
    "shoppers": shoppers,
    "interactions": interactions,
    "another shop": another_shop,
    "told reasons": told_reasons,
}
