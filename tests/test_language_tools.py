"""Language identification, entities and sentiment: floors, traps, and text that is none."""

import subprocess
import sys

import pytest

from course_utils import metering
from course_utils.local import entities, language, sentiment
from course_utils.settings import ROOT, CourseError


def test_language_holds_its_bar():
    (row,) = language.figures()
    assert row["value"] >= 0.97 and row["n"] == 150


@pytest.mark.parametrize(
    "text, code",
    [
        ("THE LAMP IS BROKEN", "en"),
        ("gracias amigo", "es"),
        ("o produto", "pt"),
        ("Où est mon colis ?", "fr"),
        ("Danke", "de"),
    ],
)
def test_short_messages(text, code):
    found = language.detect_language(text)
    assert found.code == code and 0.2 < found.confidence <= 1
    assert tuple(found) == (found.code, found.confidence)


def test_other_languages_are_forced_into_the_five():
    assert language.identify("Buongiorno, dove si trova il mio pacco?").code in language.LANGUAGES


def test_a_text_of_two_languages_gets_one_with_a_lower_confidence():
    mixed = language.identify("Hi, quero cancelar my order please").confidence
    assert mixed < language.identify("Hi, I want to cancel my order please").confidence


@pytest.mark.parametrize("text", ["", "  ", "12345", "😀 !!!", None])
def test_text_without_letters_has_no_language(text):
    with pytest.raises(CourseError, match="no letters"):
        language.detect_language(text)


def test_entities_hold_their_floor():
    (row,) = entities.figures()
    assert row["value"] >= 0.819  # measured .896, error .038


def test_entities_know_where_they_stand():
    text = "Marta Silva of Lisbon pays EUR 48,500 by 3 February 2026."
    found = entities.entities(text)
    assert all(text[entity.start : entity.end] == entity.text for entity in found)
    assert [entity.start for entity in found] == sorted(entity.start for entity in found)
    assert {(entity.text, entity.label) for entity in found} >= {("EUR 48,500", "MONEY"), ("Lisbon", "GPE")}
    assert [entity.text for entity in entities.entities(text, labels=["MONEY"])] == ["EUR 48,500"]


@pytest.mark.parametrize(
    "amount", ["EUR 48,500", "£ 3.5 million", "2,000 euros", "R$ 1.200,50", "$5m", "12.50€", "BRL 12.500,00"]
)
def test_money_is_found_however_it_is_written(amount):
    found = [entity.text for entity in entities.find_entities(f"They paid {amount} for it.") if entity.label == "MONEY"]
    assert found == [amount]


@pytest.mark.parametrize("text", ["The shelf is 5 m long.", "It weighs 12.5 kg.", "Call 555 0142."])
def test_numbers_that_are_no_money(text):
    assert not entities.MONEY.search(text)


def test_a_text_without_entities_gives_none():
    assert entities.entities("please call me back") == []


@pytest.mark.parametrize("text", ["", " \n ", None])
def test_empty_text_has_no_entities_and_no_sentiment(text):
    with pytest.raises(CourseError, match="empty"):
        entities.entities(text)
    with pytest.raises(CourseError, match="empty"):
        sentiment.sentiment(text)


def test_entities_neither_import_torch_nor_keep_it_from_others():
    code = (
        "import sys; from course_utils.local import entities; entities.find_entities('Ann lives in Porto.');"
        "assert 'torch' not in sys.modules, 'imported'; import torch; print(int(torch.ones(3).sum()))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "3"), done.stderr


def test_sentiment_holds_its_floor_and_beats_the_lexicon():
    rows = {row["split"]: row for row in sentiment.figures()}
    head, lexicon = rows["test, head"]["value"], rows["test, lexicon"]["value"]
    assert head >= 0.771  # measured .853, error .041
    assert head > lexicon + 0.1


def test_sentiment_is_trained_on_other_sentences_than_it_is_tested_on():
    train, test = ({text for text, _ in sentiment.examples(split)} for split in ("train", "test"))
    assert len(train) == 105 and len(test) == 75 and not train & test


def test_sentiment_of_a_few_clear_messages():
    assert sentiment.sentiment("I love this lamp, thank you!").label == "positive"
    assert sentiment.sentiment("I am furious, it broke on the first day.").label == "negative"
    label, confidence = sentiment.sentiment("What time does the shop open?")
    assert label == "neutral" and 1 / 3 < confidence <= 1
    assert sentiment.by_lexicon("Great, it leaks.") == "positive"  # a lexicon knows no irony


def test_each_face_is_metered_once():
    before = len(metering.meter.session)
    language.detect_language("Good morning")
    entities.entities("Ann lives in Porto.")
    sentiment.sentiment("I like it.")
    calls = metering.meter.session[before:]
    assert [call.operation for call in calls] == ["language", "entities", "sentiment"] and all(
        call.cost for call in calls
    )
