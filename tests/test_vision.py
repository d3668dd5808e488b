"""Vision, the describer and the painter: floors, look-alikes, honest answers, and pictures that are none."""

import io

import numpy
import pytest
from PIL import Image, ImageChops

from course_utils import metering
from course_utils.local import brush, describing, painting, vision
from course_utils.settings import CourseError

GALLERY = vision.IMAGES / "gallery"


@pytest.fixture(autouse=True)
def live(monkeypatch):
    monkeypatch.setenv("COURSE_REPLIES", "auto")
    monkeypatch.delenv("COURSE_PROVIDER", raising=False)


@pytest.mark.long
def test_heads_look_alikes_and_photographs_hold_their_bars_and_floors():
    rows = {row["split"]: row["value"] for row in vision.figures()}
    floors = {  # measured value less twice its standard error
        "test, head damage": 0.865,  # .922
        "test, head products": 0.957,  # .982
        "test, head rooms": 1.0,
        "test, head symbols": 0.874,  # .927
        "test, look-alikes of the same kind among five": 0.893,  # .939
        "photographs, right label among three": 0.641,  # .875, of eight
    }
    assert {name: rows[name] for name in floors if rows[name] < floors[name]} == {}
    assert min(rows[f"test, head {name}"] for name in vision.heads()) >= 0.9  # the bar


def test_train_and_test_pictures_share_no_background_and_no_colour():
    import importlib.util

    spec = importlib.util.spec_from_file_location("make_images", vision.IMAGES / "make.py")
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    train, test = make.RECIPES["train"], make.RECIPES["test"]
    assert set(train["backgrounds"]) & set(test["backgrounds"]) == {"colour"}
    assert not set(train["colours"]) & set(test["colours"]) and not set(train["walls"]) & set(test["walls"])
    assert all(len(vision.examples(name, split)) > 30 for name in vision.heads() for split in ("train", "test"))


def test_the_recipe_makes_the_shipped_pictures_again():
    import importlib.util

    spec = importlib.util.spec_from_file_location("make_images", vision.IMAGES / "make.py")
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    rng = numpy.random.default_rng([sorted(make.PER_LABEL).index("rooms"), True, 0, 0])
    made = make.picture("rooms", make.labels("rooms")[0], make.RECIPES["test"], rng, 0)
    with Image.open(vision.IMAGES / "heads" / "rooms" / "test" / make.labels("rooms")[0] / "000.jpg") as shipped:
        far = numpy.abs(numpy.asarray(made, float) - numpy.asarray(shipped, float)).mean()
    assert far < 8  # JPEG only


def test_photographs_get_imagenet_labels():
    sights = {file.name: vision.look(file) for file, _ in vision.photographs()}
    assert sights["coffee.png"].labels[0].label == "espresso" and sights["camera.png"].labels[0].label == "tripod"
    for sight in sights.values():
        assert numpy.linalg.norm(sight.features) == pytest.approx(1, abs=1e-4) and len(sight.features) == 1280
        confidences = [guess.confidence for guess in sight.labels]
        assert len(confidences) == 5 and confidences == sorted(confidences, reverse=True)


def test_a_head_can_be_trained_anew_and_agrees_with_the_shipped_one():
    shipped, again = vision.head("rooms"), vision.train("rooms")
    sights = [vision.see(file) for file, _ in vision.examples("rooms", "test")]
    assert [shipped(sight).label for sight in sights] == [again(sight).label for sight in sights]


def test_a_head_with_two_labels_learns_from_a_few_pictures():
    chosen = {
        label: [file for file, other in vision.examples("products", "train") if other == label]
        for label in ("rug", "mug")
    }
    head = vision.train("mine", [(file, label) for label, files in chosen.items() for file in files[:5]])
    held_out = [pair for pair in vision.examples("products", "test") if pair[1] in chosen]
    right = [head(file).label == label for file, label in held_out]
    assert sum(right) >= len(right) - 1
    assert sum(head.scores(held_out[0][0]).values()) == pytest.approx(1, abs=0.002)


def test_an_unknown_head_gets_one_clear_sentence():
    with pytest.raises(CourseError, match="damage, products, rooms, symbols"):
        vision.head("weather")


def test_look_alikes_are_pairs_best_first_and_a_picture_is_most_like_itself():
    files = [file for file, _ in vision.examples("products", "test")[::12]]
    found = vision.look_alike(files[3], files, top_n=4)
    assert found[0] == (files[3], 1.0) and len(found) == 4
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)


def test_the_customers_lamp_is_seen_cracked_and_the_shops_is_not():
    assert vision.look(GALLERY / "skerry-lamp-cracked.jpg").head("damage").label == "cracked"
    assert vision.look(GALLERY / "skerry-lamp-shop.jpg").head("damage").label == "intact"
    assert vision.look(GALLERY / "skerry-lamp-cracked.jpg").head("products").label == "lamp"


def test_photographs_are_not_familiar_and_the_gallery_is():
    photographs = [vision.familiar(vision.see(file))[1] for file, _ in vision.photographs()]
    gallery = [vision.familiar(vision.see(file))[1] for file in sorted(GALLERY.glob("[fm]*.jpg"))]
    assert max(photographs) < vision.FAMILIAR <= min(gallery)


@pytest.mark.parametrize(
    "file, question, parts",
    [
        ("skerry-lamp-cracked.jpg", "Is the lamp damaged?", ["cracked", "lamp"]),
        ("skerry-lamp-shop.jpg", "Is anything broken?", ["intact"]),
        ("flat-1-kitchen.jpg", "Which room is this?", ["kitchen"]),
        ("sign-sale.jpg", "What does the sign say?", ["SUMMER SALE", "20 % OFF RUGS"]),
        ("sign-scam.jpg", "Read the text.", ["0900 1234"]),
        ("marketplace-05.jpg", "Is this allowed on our marketplace?", ["forbidden symbol", "skull"]),
        ("marketplace-02.jpg", "Does it show a weapon?", ["no forbidden symbol"]),
    ],
)
def test_the_describer_answers_from_what_is_in_the_picture(file, question, parts):
    answer = describing.describe(GALLERY / file, question)
    assert all(part in answer for part in parts), answer


def test_the_describer_says_what_it_does_not_see_and_leaves_heads_out_of_photographs():
    cat = next(file for file, _ in vision.photographs() if file.name == "chelsea.png")
    answer = describing.describe(cat, "Is there a dog in it?")
    assert answer.startswith("I see no dog") and "cat" in answer
    assert "forbidden" not in answer and "intact" not in answer
    assert "no cat" not in describing.describe(cat, "Is there a cat?")


def test_the_colour_question_is_answered_first():
    plain = Image.new("RGB", (120, 120), "#b5302c")
    assert describing.colours(plain) == [("red", 1.0)]
    assert describing.describe(plain, "What colour is it?").startswith("It is red.")


def test_the_face_is_metered_once():
    before = len(metering.meter.session)
    vision.look(GALLERY / "skerry-lamp-shop.jpg")
    vision.look_alike(GALLERY / "skerry-lamp-shop.jpg", [GALLERY / "sign-sale.jpg"])
    calls = metering.meter.session[before:]
    assert [call.operation for call in calls] == ["vision", "vision"]
    assert calls[1].cost == pytest.approx(2 * calls[0].cost)


def noisy_file(**options):
    out = io.BytesIO()
    Image.effect_noise((200, 200), 60).convert("RGB").save(out, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    "bad, part",
    [
        (b"", "0 bytes"),
        (noisy_file(format="PNG")[:500], "damaged"),
        (b"GIF89a and no more", "picture"),
        (Image.new("CMYK", (1, 1)), "too small"),
    ],
)
@pytest.mark.parametrize("face", [vision.look, describing.describe, lambda bad: painting.restyle(bad, "starry")])
def test_what_is_no_picture_gets_one_clear_sentence(face, bad, part):
    with pytest.raises(CourseError, match=part) as raised:
        face(bad)
    assert "\n" not in str(raised.value)


def test_a_cmyk_picture_is_seen_like_the_same_in_rgb():
    with Image.open(GALLERY / "flat-1-kitchen.jpg") as image:
        assert vision.see(image.convert("CMYK")).head("rooms").label == "kitchen"


# the painter


def test_the_painter_draws_what_is_described():
    lamp = painting.draw("a red ceramic table lamp on a white background")
    assert lamp.size == (512, 512) and lamp.mode == "RGB"
    assert vision.see(lamp).head("products").label == "lamp"
    assert "red" in [guess.label for guess in describing.colours(lamp)]
    assert vision.see(painting.draw("a bedroom in sage", size=(480, 360))).head("rooms").label == "bedroom"


def test_every_kind_room_and_variant_can_be_drawn():
    for kind, entry in brush.parts()["kinds"].items():
        for name in entry["names"]:
            assert painting.understood(f"a {name}")["kind"] == kind, name
        for variant in entry["variants"]:
            rng = numpy.random.default_rng(0)
            stuff = brush.stuff("oak"), brush.stuff("wool")
            assert (brush.thing(kind, variant, *stuff, rng, 96)[..., 3] > 0.5).mean() > 0.02, (kind, variant)
    for room in brush.parts()["rooms"]:
        assert numpy.asarray(painting.draw(f"a {room}", size=(96, 96))).std() > 15


def test_the_same_words_give_the_same_picture_and_other_words_another():
    first, again = (painting.draw("an oak chair", size=(128, 128)) for _ in range(2))
    assert ImageChops.difference(first, again).getbbox() is None
    for other in (
        painting.draw("a navy chair", size=(128, 128)),
        painting.draw("an oak chair", size=(128, 128), seed=3),
    ):
        assert ImageChops.difference(first, other).getbbox() is not None


def test_the_picture_says_who_made_it():
    before = len(metering.meter.session)
    plain, styled = painting.paint("a mug", size=(96, 96)), painting.paint("a mug", style="starry", size=(96, 96))
    assert "painter" in plain.info["made_by"] and "no neural network" in plain.info["made_by"]
    assert "painter" in styled.info["made_by"] and "restyled by a neural network" in styled.info["made_by"]
    assert [call.operation for call in metering.meter.session[before:]] == ["painting", "painting", "style"]


@pytest.mark.parametrize("look", painting.LOOKS[1:])
def test_the_painters_own_styles_change_the_picture(look):
    plain, other = painting.draw("a blue sofa", (128, 128)), painting.draw("a blue sofa", (128, 128), look)
    assert numpy.abs(numpy.asarray(plain, float) - numpy.asarray(other, float)).mean() > 3


def test_style_transfer_by_name_and_by_picture():
    photo = Image.open(GALLERY / "flat-1-kitchen.jpg")
    named = painting.restyle(photo, "woodcut")
    like = painting.restyle(photo, GALLERY / "flat-2-office.jpg", strength=0.8)
    assert named.size == like.size == photo.size
    assert numpy.abs(numpy.asarray(named, float) - numpy.asarray(photo, float)).mean() > 10
    assert ImageChops.difference(named, painting.restyle(photo, "woodcut")).getbbox() is None
    assert len(set(painting.STYLES.values())) == len(painting.STYLES)


@pytest.mark.parametrize("text", ["", "  ", None, "a dragon over the sea"])
def test_what_cannot_be_painted_gets_one_clear_sentence(text):
    with pytest.raises(CourseError, match="nothing") as raised:
        painting.paint(text)
    assert "\n" not in str(raised.value)


def test_unknown_styles_sizes_and_strengths_get_one_clear_sentence():
    with pytest.raises(CourseError, match="style cubism is not known"):
        painting.paint("a lamp", style="cubism")
    with pytest.raises(CourseError, match="style cubism is not known"):
        painting.restyle(GALLERY / "sign-sale.jpg", "cubism")
    with pytest.raises(CourseError, match="64 to 2,048"):
        painting.paint("a lamp", size=(5000, 10))
    with pytest.raises(CourseError, match="between 0 and 1"):
        painting.restyle(GALLERY / "sign-sale.jpg", "starry", strength=2)
    with pytest.raises(CourseError, match="at least 32"):
        painting.restyle(Image.new("RGB", (20, 90)), "starry")


def test_openai_paints_behind_the_same_call(monkeypatch):
    import base64

    import openai

    asked = {}

    class Client:
        def __init__(self, api_key):
            asked["key"] = api_key
            self.images = self

        def generate(self, **request):
            asked.update(request)
            out = io.BytesIO()
            Image.new("RGB", (64, 64), "teal").save(out, "PNG")
            data = type("Data", (), {"b64_json": base64.b64encode(out.getvalue()).decode()})
            return type("Reply", (), {"data": [data]})

    monkeypatch.setenv("COURSE_PROVIDER", "openai")
    monkeypatch.setenv("OPENAI_API_KEY", "test-key-of-no-worth")
    monkeypatch.setattr(openai, "OpenAI", Client)
    image = painting.paint("a dragon", style="cubism", size=(96, 64))
    assert (
        image.size == (96, 64) and asked["prompt"] == "a dragon, in the style: cubism" and asked["size"] == "1536x1024"
    )
    assert image.info["made_by"].startswith("OpenAI") and metering.meter.session[-1].source == "hosted"
