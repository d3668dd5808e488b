"""Make the catalogue, its pictures and their features, the shoppers and what they take.

    python data/recommendations/make.py catalogue | pictures | shoppers

`catalogue`: products.jsonl (44 products of facts.yaml, 276 generated). `pictures`: pictures/SKU.jpg by the course's
painter, features.npz by the course's vision network. `shoppers`: shoppers.jsonl, events.csv, test.sha256, by the model
of shoppers that README.md states. Each part draws from its own seed.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import yaml

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from model import CUTS, LAST_DAY, shop  # noqa: E402

from course_utils import load  # noqa: E402
from course_utils.local import brush, painting, vision  # noqa: E402

WORDS = yaml.safe_load((HERE / "words.yaml").read_text(encoding="utf-8"))
GENERATED, PIXELS = 276, 160
LETTERS = {"lamps": "LMP", "rugs": "RUG", "textiles": "TXT", "kitchen": "KIT", "furniture": "FUR", "accessories": "ACC"}
OWN_ROOM = {  # of the products in facts.yaml
    "lamps": "living room", "smart devices": "office", "rugs": "living room", "textiles": "bedroom",
    "kitchen": "kitchen", "furniture": "living room", "accessories": "hall",
}  # fmt: skip


def write(name, rows):
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (HERE / name).write_text(text, encoding="utf-8", newline="\n")


def family(colour):
    return next(name for name, colours in WORDS["families"].items() if colour in colours)


def own(product):
    """A row for a product of facts.yaml, shown in the first of its colours."""
    plan = painting.understood(f"{product['name']}, {product['colours'][0]} {product['material']}")
    rooms = {entry[2]: entry[1] for entry in WORDS["types"].values()}
    shown = (plan["colours"] or plan["materials"] or ["natural"])[0]
    text = f"{product['material'].capitalize()}. Care: {product['care']}."
    return {
        "sku": product["sku"], "name": product["name"], "category": product["category"], "collection": "",
        "room": rooms.get(plan["named"], OWN_ROOM[product["category"]]), "material": product["material"],
        "price_gbp": product["price_gbp"], "text": text, "colour": shown, "family": family(shown),
        "painted": f"{product['name']}, {product['colours'][0]} {product['material']}", "launched": 0,
    }  # fmt: skip


def material(sort, collection, rng):
    """The material of a sort in a collection, now and then another."""
    if sort in collection:
        others = [c[sort] for c in WORDS["collections"].values()]
        return collection[sort] if rng.random() < 0.8 else others[rng.integers(len(others))]
    return sort


def generated(rng):
    """Products of each type in each collection, a few left out, in order of type."""
    pairs = [(t, c) for t in WORDS["types"] for c in WORDS["collections"]]
    gone = set(rng.choice(len(pairs), len(pairs) - GENERATED, replace=False).tolist())
    numbers = dict.fromkeys(LETTERS.values(), 0)
    for at, (kind, name) in enumerate(pairs):
        if at in gone:
            continue
        category, room, painter, sort, low, high, *uses = WORDS["types"][kind]
        collection = WORDS["collections"][name]
        stuff = material(sort, collection, rng)
        palette = collection["colours"]
        if rng.random() < 0.3:  # a colour that another collection is known for
            other = list(WORDS["collections"].values())[rng.integers(len(WORDS["collections"]))]
            palette = other["colours"]
        colour = palette[rng.integers(len(palette))]
        wooden = brush.stuff(stuff)[1] in ("wood", "metal") and sort not in ("clay", "cloth") and rng.random() < 0.6
        shown = stuff if wooden or stuff == "glass" and rng.random() < 0.4 else colour
        if shown in ("glass", "enamel", "wicker", "jute"):
            shown = colour
        numbers[LETTERS[category]] += 1
        price = round(float(np.exp(rng.uniform(np.log(low), np.log(high)))))
        title = f"{collection['ranges'][rng.integers(5)]} {kind}"
        said = collection["says"][rng.integers(3)]
        yield {
            "sku": f"{LETTERS[category]}-{8000 + at}", "name": title, "category": category, "collection": name,
            "room": room, "material": stuff, "price_gbp": float(price),
            "text": f"{uses[rng.integers(len(uses))]} In {stuff}. {name} collection: {said[0].lower()}{said[1:]}",
            "colour": shown, "family": family(shown),
            "painted": f"{'' if shown == stuff else shown + ' '}{stuff} {painter}", "launched": 0,
        }  # fmt: skip


def catalogue():
    """products.jsonl; some generated products come into the shop late."""
    rng = np.random.default_rng(8)
    rows = [own(product) for product in load("company")["products"]] + list(generated(rng))
    late = rng.permutation(np.arange(44, len(rows)))
    windows = ((1, CUTS[0], 40), (CUTS[0], CUTS[1] - 20, 24), (CUTS[1], LAST_DAY - 20, 36))
    for begin, end, count in windows:
        for at in late[:count]:
            rows[at]["launched"] = int(rng.integers(begin, end))
        late = late[count:]
    write("products.jsonl", sorted(rows, key=lambda row: row["sku"]))


def products():
    return [json.loads(line) for line in (HERE / "products.jsonl").read_text(encoding="utf-8").splitlines()]


def pictures():
    """A picture a product, and features.npz: rows in the order of products.jsonl, int8, each of length near 127."""
    folder = HERE / "pictures"
    folder.mkdir(exist_ok=True)
    rows = []
    for product in products():
        image = painting.draw(product["painted"], (PIXELS, PIXELS))
        image.save(folder / f"{product['sku']}.jpg", quality=78, optimize=True)
        rows.append(vision.see(folder / f"{product['sku']}.jpg").features)
    np.savez_compressed(HERE / "features.npz", features=np.asarray(rows).astype(np.float16))


def shoppers():
    """shoppers.jsonl, events.csv, test.sha256."""
    people, events = shop(products(), WORDS, np.random.default_rng(2026))
    write("shoppers.jsonl", people)
    lines = [f"{day},{who},{sku}" for day, who, sku in events]
    (HERE / "events.csv").write_text("\n".join(["day,shopper,sku", *lines]) + "\n", encoding="utf-8", newline="\n")
    test = [line for line in lines if int(line.split(",")[0]) >= CUTS[1]]
    digest = hashlib.sha256("\n".join(test).encode()).hexdigest()
    (HERE / "test.sha256").write_text(digest + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    for part in sys.argv[1:] or ("catalogue", "pictures", "shoppers"):
        {"catalogue": catalogue, "pictures": pictures, "shoppers": shoppers}[part]()
