"""Prices and speeds are frozen: a change needs a new date and reason in catalogue.CHANGES, and a new digest here."""

import dataclasses
import hashlib
import json

from genai_prices import Usage, calc_price

from course_utils import catalogue

DIGESTS = {"2026-11-24": "de8ff04e657b8742"}  # date of the newest change -> digest of all figures


def digest() -> str:
    figures = {name: dataclasses.asdict(entry) for name, entry in (catalogue.TIERS | catalogue.LOCAL).items()}
    return hashlib.sha256(json.dumps(figures, sort_keys=True).encode()).hexdigest()[:16]


def test_figures_are_frozen_under_a_date_and_a_reason():
    date, reason = catalogue.CHANGES[-1]
    assert DIGESTS.get(date) == digest(), f"a figure changed: say when and why in CHANGES, then note {digest()} here"
    assert len(reason) > 20 and [d for d, _ in catalogue.CHANGES] == sorted(d for d, _ in catalogue.CHANGES)


def test_tiers_cost_what_their_hosted_model_cost_when_frozen():
    for tier in catalogue.TIERS.values():
        provider, model = tier.priced_as.split(":")
        price = calc_price(Usage(input_tokens=1_000_000, output_tokens=0), model, provider_id=provider)
        assert price.model.id  # the name is still known to the price list
        assert 0 < tier.price_in < tier.price_out


def test_cost_of_an_unknown_model_is_unknown():
    assert catalogue.cost("nobody-9", 1000, 1000) is None
    assert catalogue.cost("small", 1_000_000, 0) == 0.10
