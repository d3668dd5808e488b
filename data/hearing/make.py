"""Make the hearing reports: 42 pages with a drawn audiogram, and reports.jsonl with the truth. All of it is synthetic.

    python data/hearing/make.py

Frequencies and limits come from data/company/facts.yaml (clinic.hearing). A circle is the right ear, a cross the left.
"""

import hashlib
import json
import random
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "invoices"))
import press  # noqa: E402

FACTS = yaml.safe_load((HERE.parent / "company" / "facts.yaml").read_text(encoding="utf-8"))["clinic"]
RULES = FACTS["hearing"]
KHZ = RULES["frequencies_khz"]
LEFT, TOP, STEP_X, STEP_Y = 130, 250, 95, 3.6  # the chart's corner, pixels a frequency and a decibel
JOBS = [("saw bench", RULES["noisiest"]["saw_bench_db"]), ("strapping machine", RULES["noisiest"]["strapping_machine_db"]),
        ("loading dock", RULES["noisiest"]["dock_db"])]  # fmt: skip
FIRST = "Ada Ben Carla Dion Edna Finn Gita Hugo Iris Jago Kerra Lowen Mina Nils Olive Perran".split()
LAST = "Angove Bray Curnow Dyer Ennor Fox Glasson Hocking Ivey Jose Keast Lobb".split()
COMMENTS = {
    "train": {
        "alarm": [
            "Since Monday morning she hears almost nothing on the left, it came overnight.",
            "He reports a sudden loss on one side with dizziness and a feeling of spinning.",
            "Fluid runs from the right ear, with pain and fever for two days.",
            "A roaring noise in one ear began suddenly yesterday and the ear feels shut.",
            "She fell because the room was turning, and one ear went dead within minutes.",
            "Blood in the ear canal after a blow to the head with a plank.",
            "One side of the face has been weak since the hearing dropped last night.",
            "He says the hearing in his left ear vanished within an hour on Sunday.",
        ],
        "plain": [
            "No complaints. Wears plugs at the bench and takes them out at breaks.",
            "Feels well, thinks the television is a little quieter than before.",
            "Had a cold three weeks ago, fully recovered, no ringing.",
            "Sometimes asks people to repeat themselves in the canteen.",
            "Plays drums at the weekend with protection, nothing unusual noticed.",
            "Some wax on both sides, removed before the test.",
            "Faint ringing after a concert last year, gone the next day.",
            "Nothing to report. Next test as planned.",
        ],
    },
    "test": {
        "alarm": [
            "Woke up on Saturday unable to hear anything with the right ear, no pain.",
            "Severe vertigo and vomiting since last night together with a blocked ear.",
            "The hearing on one side disappeared at once during the shift.",
            "Pus from the left ear, hot and very painful since yesterday.",
        ],
        "plain": [
            "Is used to the noise and has no trouble in conversation.",
            "Says that the new plugs fit better than the old ones.",
            "Hay fever in spring, otherwise healthy.",
            "Turns the radio up a bit more than his wife likes.",
            "Was at the quiet office for most of the year.",
            "No symptoms, sleeps well, does not smoke.",
            "Prefers ear muffs, was shown how to wear them with a cap.",
            "Long-standing mild ringing in both ears, unchanged for years.",
        ],
    },
}


def urgency(row):
    """The class by the clinic's rules: 'urgent', 'retest' or 'routine'."""
    apart = [abs(a - b) >= RULES["urgent_db"] for a, b in zip(row["right"], row["left"], strict=True)]
    if row["alarm"] or any(a and b for a, b in zip(apart, apart[1:], strict=False)):
        return "urgent"
    shift = any(row[ear][KHZ.index(khz)] - row["before"][ear][str(khz)] >= RULES["shift_db"]
                for ear in ("right", "left") for khz in RULES["shift_at_khz"])  # fmt: skip
    return "retest" if shift else "routine"


def report(rng, number, split, want, by_note=False):
    """The truth about one report whose class is `want`; by_note: its note alone is urgent, its curves are not."""
    while True:
        base = rng.choice([5, 10, 15, 20])
        notch = rng.choice([0, 5, 15, 25, 35])
        curve = [base, base, base + 5, base + notch, base + notch, base + notch // 10 * 5]
        right = [max(0, v + rng.choice([-5, 0, 0, 5])) for v in curve]
        left = [max(0, v + rng.choice([-5, 0, 5])) for v in curve]
        if want == "urgent" and not by_note and rng.random() < 0.6:
            left = [v + (rng.choice([30, 35, 40]) if 2 <= i <= 4 else 10) for i, v in enumerate(left)]
        alarm = by_note or want == "urgent" and rng.random() < 0.5
        grown = rng.choice([0, 5, 10, 15, 20, 25])
        before = {ear: {str(k): max(0, values[KHZ.index(k)] - grown - rng.choice([0, 5])) for k in RULES["shift_at_khz"]}
                  for ear, values in (("right", right), ("left", left))}  # fmt: skip
        row = {"split": split, "right": right, "left": left, "before": before, "alarm": alarm}
        if (
            max(right + left) <= 90
            and urgency(row) == want
            and (not by_note or urgency(row | {"alarm": False}) != want)
        ):
            break
    words = COMMENTS[split]["alarm" if alarm else "plain"]
    place, level = rng.choice(JOBS)
    return {
        "id": f"oh-{number:02}", "file": f"oh-{number:02}.jpg", **row, "urgency": want,
        "report": f"{FACTS['report_prefix']}-{2600 + number * 7}", "name": f"{rng.choice(FIRST)} {rng.choice(LAST)}",
        "place": place, "level_db": level, "comment": words[number % len(words)],
    }  # fmt: skip


def draw(row, rng):
    """The report's page."""
    sheet = press.Sheet(rng.choice(["sans", "serif"]), 15, height=860)
    sheet.put(50, 40, f"Occupational health report {row['report']}", size=20, bold=True)
    sheet.put(50, 74, "Harbourlight clinic. Synthetic, made for a course; no medical device.")
    sheet.put(50, 108, f"Name: {row['name']}")
    sheet.put(50, 132, f"Works at: {row['place']}, {row['level_db']} dB over a day")
    before = row["before"]
    for n, ear in enumerate(("right", "left")):
        said = ", ".join(f"{khz} kHz {value} dB" for khz, value in before[ear].items())
        sheet.put(50, 160 + 24 * n, f"Last test, {ear} ear: {said}")
    for n, khz in enumerate(KHZ):
        x = LEFT + n * STEP_X
        sheet.draw.line((x, TOP, x, TOP + 90 * STEP_Y), fill=205)
        sheet.put(x - 12, TOP - 26, f"{int(khz * 1000)}")
    for db in range(0, 91, 10):
        y = TOP + db * STEP_Y
        sheet.draw.line((LEFT - 20, y, LEFT + 5 * STEP_X + 20, y), fill=205)
        if db % 20 == 0:
            sheet.put(LEFT - 34, int(y) - 9, str(db), right=True)
    sheet.put(LEFT + 5 * STEP_X + 30, TOP - 26, "Hz")
    sheet.put(LEFT + 5 * STEP_X + 30, TOP + 40, "dB")
    for ear in ("right", "left"):
        points = [(LEFT + n * STEP_X, TOP + db * STEP_Y) for n, db in enumerate(row[ear])]
        sheet.draw.line(points, fill=150, width=1)
        for x, y in points:
            if ear == "right":
                sheet.draw.ellipse((x - 9, y - 9, x + 9, y + 9), outline=15, width=3)
            else:
                for sign in (-1, 1):
                    sheet.draw.line((x - 8, y - 8 * sign, x + 8, y + 8 * sign), fill=15, width=3)
    bottom = TOP + 90 * STEP_Y
    sheet.put(LEFT, int(bottom) + 20, "O right ear    X left ear")
    sheet.put(50, int(bottom) + 60, "Nurse's note", bold=True)
    sheet.wrap(50, int(bottom) + 86, row["comment"], 640)
    sheet.crop()
    return sheet


def main():
    for old in HERE.glob("*.jpg"):
        old.unlink()
    rng = random.Random(4471)
    wanted = ["urgent", "retest", "routine"] * 4 + ["urgent", "retest", "routine", "routine"] * 6
    made = []
    for number, want in enumerate([*wanted, *["urgent"] * 6]):
        row = report(rng, number, "train" if number < 12 else "test", want, by_note=number >= len(wanted))
        sheet = draw(row, rng)
        row["text"] = sheet.text()
        image, quality = press.spoil(sheet.image, rng.choice((1, 2)), rng)
        image.save(HERE / row["file"], quality=quality, optimize=True)
        made.append(row)
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in made]
    (HERE / "reports.jsonl").write_text("".join(lines), encoding="utf-8", newline="\n")
    notes = [{"note": text, "alarm": kind == "alarm"} for kind, texts in COMMENTS["train"].items() for text in texts]
    said = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in notes)
    (HERE / "notes.jsonl").write_text(said, encoding="utf-8", newline="\n")
    frozen = "".join(line for line, row in zip(lines, made, strict=True) if row["split"] == "test")
    (HERE / "test.sha256").write_text(hashlib.sha256(frozen.encode()).hexdigest() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
