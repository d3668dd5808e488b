"""Convert the weights, which are kept in the cache, and try the prompts that DOMAIN_PROMPT was chosen from.

python data/models/whisper/make.py            about two minutes; the recordings are those of the split 'dev'
"""

from course_utils.local import speech_figures
from course_utils.local.speech_to_text import DOMAIN_PROMPT
from course_utils.local.whisper_weights import checkpoint

NAMES, CODES = DOMAIN_PROMPT.split(" Order ")
PROMPTS = {
    "none": None,
    "names": NAMES,
    "names, then codes (the one in use)": DOMAIN_PROMPT,
    "sentences": (
        "Harbourlight customer support. The caller names an order such as HL-20100, an item such as LMP-1099 or an "
        "error such as E-11, and a product: Skerry table lamp, Tidelight hub, Jetty lantern, Dunes rug, Limpet plate, "
        "Boathouse sideboard, Moorings sofa. Carriers: Gullwing, Northline Freight, Estafeta Azul."
    ),
    "a call": (
        "Thank you for calling Harbourlight. My order is HL-20100, a Skerry table lamp. My Tidelight hub shows E-11. "
        "The Jetty lantern, item LMP-1099, case CS-4100, came with Northline Freight."
    ),
    "all 36 product names": (
        "Harbourlight in Saltmere. Products: Skerry, Beacon, Pilot, Fathom, Jetty, Mast, Gull, Lens, Tidelight, Brine, "
        "Barometer, Dunes, Shingle, Estuary, Marram, Merino, Driftwood, Percale, Herring, Cove, Rockpool, Limpet, "
        "Whistler, Swell, Anchor, Slipway, Galley, Wharf, Boathouse, Capstan, Rigging, Moorings, Cabin, Chart, Deck, "
        "Locker, Tide clock, Porthole. Carriers: Gullwing, Northline Freight, Estafeta Azul. Orders are HL-20100, "
        "items LMP-1099, errors E-11, cases CS-4100."
    ),
}


def main() -> None:
    """Words wrong and words said, by kind of word, for each prompt."""
    path = checkpoint()
    print(path.name, path.stat().st_size)
    scripts = speech_figures.scripts()
    said = [entry["text"] for entry in scripts["dev"].values()]
    for name, prompt in PROMPTS.items():
        heard = speech_figures.hear_all(scripts["dev"], prompt)
        print(name, speech_figures.word_errors(said, heard, set(scripts["names"])))


if __name__ == "__main__":
    main()
