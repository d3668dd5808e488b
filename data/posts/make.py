"""Write the marketplace's posts: texts from sentences.yaml, photos by the course's painter.

    python data/posts/make.py [posts] [written] [counting]

posts.jsonl and photos/ (train, dev, test); written/ (photos with words in them) and counting/ (one to six mugs).
The same bytes every time with the same numpy, OpenCV and Pillow; a minute on one core.
"""

import hashlib
import importlib.util
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import yaml
from PIL import Image, ImageDraw, ImageFilter, ImageFont

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from course_utils.local import brush  # noqa: E402

_spec = importlib.util.spec_from_file_location("pictures_of_the_course", HERE.parent / "images" / "make.py")
pictures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(pictures)

SENTENCES = yaml.safe_load((HERE / "sentences.yaml").read_text(encoding="utf-8"))
SPLITS = {  # posts a split by what is wrong with them; "" is nothing
    "train": {"": 90, "text": 100, "picture": 36, "mismatch": 10},
    "dev": {"": 96, "text": 10, "picture": 9, "mismatch": 5},
    "test": {"": 272, "text": 20, "picture": 18, "mismatch": 10},
}
ODD = {"train": 0.45, "dev": 0.2, "test": 0.2}  # share of harmless posts with a sentence that sounds like a violation
HONEST = {"train": 0.3, "dev": 0.09, "test": 0.09}  # share of harmless posts that show damage and say so
FORBIDDEN = [name for name, entry in brush.parts()["symbols"].items() if entry["forbidden"]]
HARMLESS = [name for name in brush.parts()["symbols"] if name not in FORBIDDEN]
NAMES = {"bin": "waste bin", "casserole": "casserole dish"}
RECIPE = pictures.RECIPES["test"]  # backgrounds and colours that no training picture of the heads has


def plan(split, reason, number, rng):
    """What a post is about: thing, damage, symbol, what it claims of its condition, and the sentence that breaks a rule."""
    damaged = reason == "mismatch" or (not reason and number < HONEST[split] * SPLITS[split][""])
    printed = reason == "picture" or (not damaged and rng.random() < 0.4)
    kinds = pictures.PRINTED if printed else pictures.BREAKABLE
    claim = (
        "flawless" if reason == "mismatch" else "damaged" if damaged else pictures.any_of(rng, ["flawless", "worn", ""])
    )
    return {
        "thing": kinds[number % len(kinds)],
        "damage": ["cracked", "stained"][number % 2] if damaged else "intact",
        "symbol": (FORBIDDEN if reason == "picture" else HARMLESS)[
            number % len(FORBIDDEN if reason == "picture" else HARMLESS)
        ]
        if printed and (reason == "picture" or rng.random() < 0.7)
        else "none",
        "claim": claim,
    }


WORDS = {
    "day": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"],
    "room": ["kitchen", "hall", "study", "guest room", "bathroom", "bedroom", "winter garden"],
    "town": ["Leeds", "Porto", "Whitby", "Lisbon", "Hull", "Braga", "Saltmere"],
    "stuff": ["oak", "linen", "brass", "plain white walls", "beech", "stoneware", "old brick"],
}


def filled(line, rng):
    """A sentence with its gaps filled: {n} and {N} a number, {day}, {room}, {town}, {stuff} a word."""
    said = {name: str(pictures.any_of(rng, words)) for name, words in WORDS.items()}
    number = int(rng.integers(2, 60))
    return str(line).format(n=number, N=number, Stuff=said["stuff"].capitalize(), **said)


def text_of(split, facts, said, rng):
    """(the post's words, the sentence on the condition): an opening, one to three closings, and `said` among them."""
    own = SENTENCES[split]
    name = NAMES.get(facts["thing"], facts["thing"])
    opening = pictures.any_of(rng, own["openings"]).format(thing=name, Thing=name.capitalize())
    rest = [filled(line, rng) for line in rng.choice(own["closings"], size=int(rng.integers(1, 4)), replace=False)]
    condition = str(pictures.any_of(rng, own[facts["claim"]])) if facts["claim"] else ""
    rest += [condition] if condition else []
    rest += [said] if said else []
    rng.shuffle(rest)
    return " ".join([opening, *map(str, rest)]), condition


def photo(facts, rng):
    """The thing as a customer photographs it."""
    size, kind = pictures.canvas(rng), facts["thing"]
    variant = {"plate": "above", "mug": "plain", "casserole": "wide"}.get(kind) if facts["symbol"] != "none" else None
    sprite = pictures.sprite_of(kind, RECIPE, rng, int(min(size) * rng.uniform(0.86, 1.0)), variant, opaque=True)
    if facts["damage"] != "intact":
        sprite = (pictures.cracked if facts["damage"] == "cracked" else pictures.stained)(sprite, rng)
    if facts["symbol"] != "none":
        sprite = pictures.printed(sprite, facts["symbol"], rng, kind)
    scene = pictures.scene_with(pictures.turned(sprite, rng), RECIPE, rng, size, kind in brush.HUNG)
    return pictures.photographed(scene, rng)


def rows_of(split):
    """The posts of a split, in a mixed order."""
    rng = np.random.default_rng([6, list(SPLITS).index(split)])
    own = SENTENCES[split]
    bad = [(rule, sentence) for n in range(20) for rule, all_ in own["bad"].items() for sentence in all_[n : n + 1]]
    rows, odd = [], 0
    for reason, count in SPLITS[split].items():
        for number in range(count):
            facts, rule, said = plan(split, reason, number, rng), "", ""
            if reason == "text":
                rule, said = bad[number % len(bad)]
            elif rng.random() < ODD[split]:
                said, odd = own["odd"][odd % len(own["odd"])], odd + 1
            rule = rule or {"picture": "symbol", "mismatch": "not as described"}.get(reason, "")
            text, condition = text_of(split, facts, said, rng)
            broken = {"rule": rule, "offending": said if reason == "text" else ""}
            broken["condition"] = condition
            rows.append({"split": split, "text": text, "reason": reason} | broken | facts)
    order = rng.permutation(len(rows))
    return [{"id": f"{split}-{n:03}"} | rows[i] for n, i in enumerate(order, 1)]


def frozen(rows):
    """sha256 of the test rows as canonical JSON, and of their photos."""
    digest = hashlib.sha256()
    for row in sorted((row for row in rows if row["split"] == "test"), key=lambda row: row["id"]):
        digest.update(json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        digest.update(hashlib.sha256((HERE / "photos" / f"{row['id']}.jpg").read_bytes()).digest())
    return digest.hexdigest()


def posts():
    folder = HERE / "photos"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    rows = [row for split in SPLITS for row in rows_of(split)]
    for number, row in enumerate(rows):
        rng = np.random.default_rng([66, number])
        photo(row, rng).save(folder / f"{row['id']}.jpg", quality=int(rng.integers(52, 72)), optimize=True)
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (HERE / "posts.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    (HERE / "test.sha256").write_text(frozen(rows) + "\n", encoding="utf-8", newline="\n")


WRITTEN = {
    "bad": [
        "PAY ME DIRECTLY\nCALL 07700 900118",
        "NO FEES\nSEND CASH BY POST",
        "TEXT ME FOR\nMY BANK ACCOUNT",
        "CURES ARTHRITIS\nIN TEN DAYS",
        "HEALS DIABETES\nWITHOUT PILLS",
        "GUN INCLUDED\nNO PAPERS",
        "SHARP DAGGER\nHIDDEN INSIDE",
        "COMPLAIN AND\nI WILL HURT YOU",
        "BAD REVIEW?\nI KNOW YOUR STREET",
        "RECALLED KETTLE\nSTILL WORKS",
        "TRANSFER FIRST\nNOT THROUGH SHOP",
        "MIRACLE STONE\nENDS CANCER",
    ],
    "fine": [
        "HANDMADE\nIN PORTUGAL",
        "NOW 20 % OFF",
        "LARGE\n30 CM WIDE",
        "OAK AND BRASS",
        "FREE POSTAGE\nTHIS WEEK",
        "SET OF TWO",
        "SUMMER SALE",
        "FRAGILE\nTHIS SIDE UP",
        "WASH AT 30",
        "NEW COLOUR\nSEA GREEN",
        "MADE BY HAND",
        "LAST ONE",
    ],
}


def written():
    """Photos with words on them, 24; written.jsonl says what each reads."""
    folder = HERE / "written"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    import matplotlib

    font = ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans-Bold.ttf", 30)
    rows = []
    for number, (kind, words) in enumerate((name, words) for name, all_ in WRITTEN.items() for words in all_):
        rng = np.random.default_rng([67, number])
        facts = {"thing": pictures.BREAKABLE[number % 8], "damage": "intact", "symbol": "none"}
        image = photo(facts, rng).resize((420, 420), Image.Resampling.BICUBIC)
        draw = ImageDraw.Draw(image)
        draw.rectangle((0, 316, 420, 408), fill=["#fbf7ea", "#1d2a3f", "#f6e7b6"][number % 3])
        ink = ["#8a1f1a", "#f4f1e6", "#1d1d20"][number % 3]
        draw.multiline_text((210, 362), words, font=font, fill=ink, anchor="mm", align="center", spacing=8)
        image = image.filter(ImageFilter.GaussianBlur(0.5)).rotate(rng.uniform(-3, 3), fillcolor="#d8d4cc")
        image.save(folder / f"{number:02}.jpg", quality=70, optimize=True)
        rows.append({"file": f"{number:02}.jpg", "bad": kind == "bad", "text": words.replace("\n", " ")} | facts)
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (folder / "written.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def counting():
    """One to six mugs on a plain ground, six pictures a number; in the second half they may touch or overlap."""
    folder = HERE / "counting"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for count in range(1, 7):
        for number in range(6):
            rng = np.random.default_rng([68, count, number])
            scene, apart = brush.backdrop("studio", rng, (320, 240)), number < 3
            cells = [(x, y) for y in range(2) for x in range(3)]
            for place in rng.permutation(6)[:count]:
                x, y = cells[place]
                sprite = pictures.sprite_of("mug", RECIPE, rng, 84, "plain", opaque=True)
                left, top = (12 + 106 * x, 18 + 112 * y) if apart else (30 + 62 * x, 40 + 58 * y)
                brush.put(scene, sprite, left + rng.uniform(-4, 4), top + rng.uniform(-4, 4), 0.2)
            kind = "apart" if apart else "close"
            pictures.photographed(scene, rng).save(folder / f"{count}-{kind}-{number}.jpg", quality=66, optimize=True)


if __name__ == "__main__":
    for name in sys.argv[1:] or ["posts", "written", "counting"]:
        {"posts": posts, "written": written, "counting": counting}[name]()
