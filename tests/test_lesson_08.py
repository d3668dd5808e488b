"""Lesson 8: its catalogue, its shoppers and their limits, the loaders, and what was said of recommendations."""

import hashlib
import json
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from course_utils import load
from course_utils.datasets import shop
from course_utils.settings import CourseError
from course_utils.shelf import shelf

PRODUCTS = load("products")
EVENTS = load("interactions")
SHOPPERS = {s.id: s for s in load("shoppers")}


# ---- the catalogue


def test_the_catalogue_is_large_enough_and_holds_the_company_s_products_as_the_facts_say():
    assert len(PRODUCTS) >= 300
    assert [p.sku for p in PRODUCTS] == sorted({p.sku for p in PRODUCTS})
    assert len({p.name for p in PRODUCTS}) == len(PRODUCTS)
    facts = {p["sku"]: p for p in load("company")["products"]}
    own = {p.sku: p for p in PRODUCTS if p.sku in facts}
    assert set(own) == set(facts)
    for sku, product in own.items():
        assert (product.name, product.price_gbp) == (facts[sku]["name"], facts[sku]["price_gbp"])


def test_a_generated_product_s_text_leaves_the_colour_to_its_picture():
    for product in PRODUCTS:
        if product.collection and product.colour != product.material:
            text = f"{product.name} {product.text}".lower().replace(product.material, "")
            assert product.colour not in text.split(), product.sku


def test_every_product_has_a_picture_and_its_features_are_what_the_network_sees():
    from course_utils import look

    features = load("picture features")
    assert features.shape == (len(PRODUCTS), 1280)
    assert {p.picture.name for p in PRODUCTS} == {f.name for f in (shop.FOLDER / "pictures").iterdir()}
    for at in (0, 100, 319):
        with Image.open(PRODUCTS[at].picture) as picture:
            assert picture.size == (160, 160)
        assert float(look(PRODUCTS[at].picture).features @ features[at]) > 0.99


def test_the_data_fit_into_four_megabytes():
    assert sum(f.stat().st_size for f in shop.FOLDER.rglob("*") if f.is_file()) < 4e6


# ---- the shoppers


def test_there_are_500_shoppers_and_each_took_a_product_once_after_its_launch():
    assert len(SHOPPERS) == 500 and set(EVENTS.shopper) == set(SHOPPERS)
    assert not EVENTS.duplicated(["shopper", "sku"]).any()
    launched = {p.sku: p.launched for p in PRODUCTS}
    assert (EVENTS.day >= EVENTS.sku.map(launched)).all()
    assert (EVENTS.day >= EVENTS.shopper.map({s: v.joined for s, v in SHOPPERS.items()})).all()
    assert 8000 < len(EVENTS) < 12000


def test_splits_follow_each_other_in_time_and_have_cold_customers_and_products():
    parts = [load("interactions", split=split) for split in shop.SPLITS]
    assert sum(map(len, parts)) == len(EVENTS)
    first, second = shop.cuts()
    assert parts[0].day.max() < first <= parts[1].day.min() and parts[1].day.max() < second <= parts[2].day.min()
    before = EVENTS[EVENTS.day < second]
    assert len(set(parts[2].shopper) - set(before.shopper)) >= 100
    assert len(set(parts[2].sku) - set(before.sku)) >= 20


def test_the_test_split_is_frozen():
    rows = "\n".join(f"{r.day},{r.shopper},{r.sku}" for r in load("interactions", split="test").itertuples())
    assert hashlib.sha256(rows.encode()).hexdigest() == (shop.FOLDER / "test.sha256").read_text().strip()


def test_the_model_of_shoppers_gives_the_shop_that_is_shipped_and_another_one_when_asked():
    people, events = load("another shop")
    assert events.equals(EVENTS) and people == load("shoppers")
    _, other = load("another shop", hidden=0.0)
    assert len(other) > 8000 and not other.equals(EVENTS)


def test_shoppers_follow_the_liking_that_their_wish_names():
    """The wish's room is where the first purchases go: far above what chance gives."""
    room = {p.sku: p.room for p in PRODUCTS}
    first = EVENTS.sort_values("day", kind="stable").groupby("shopper").sku.first()
    hits = [room[sku] in SHOPPERS[s].wish for s, sku in first.items()]
    by_chance = sum(n * n for n in Counter(room.values()).values()) / len(room) ** 2
    assert np.mean(hits) > 2 * by_chance


# ---- bad input


def test_what_cannot_be_done_is_said_in_a_sentence():
    with pytest.raises(CourseError, match="train, dev, test"):
        load("interactions", split="final")
    with pytest.raises(CourseError, match="between 0 and 2"):
        load("another shop", hidden=3.0)
    with pytest.raises(CourseError, match="at least one product"):
        shelf([])
    with pytest.raises(CourseError, match="as many lines"):
        shelf(PRODUCTS[:2], ["one"])


def test_a_shelf_names_its_pictures(capsys):
    shelf(PRODUCTS[:2], ["first", "second"], title="Two")
    assert f"Two: {PRODUCTS[0].name} (first); {PRODUCTS[1].name} (second)" in capsys.readouterr().out


# ---- explanations


def test_marked_explanations_are_the_recorded_ones():
    """56 sentences of two tiers, each as it stands on record, and each marked claim stands in its sentence."""
    rows = load("told reasons")
    assert Counter(row["tier"] for row in rows) == {"small": 28, "large": 28}
    recorded = (shop.FOLDER.parent / "recordings" / "08_recommendations.jsonl").read_text(encoding="utf-8")
    said = {json.loads(line)["value"].get("text", "") for line in recorded.splitlines()}
    for row in rows:
        assert row["said"] in said
        for claim in row["unsupported"]:
            assert claim.lower() in row["said"].lower(), claim
