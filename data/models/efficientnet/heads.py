"""Train the heads on data/images and write heads.npz: weights, biases, labels, and the centre of each class.

python data/models/efficientnet/heads.py
"""

import hashlib
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2]))

from course_utils.local import vision  # noqa: E402


def main():
    arrays, centres = {}, {}
    for name in vision.heads():
        sights = [(vision.see(file), label) for file, label in vision.examples(name, "train")]
        head = vision.train(name, sights)
        arrays |= {
            f"{name}.labels": np.array(head.labels),
            f"{name}.weights": head.weights.round(4),
            f"{name}.bias": head.bias.round(4),
        }
        for label in head.labels:
            mean = np.mean([sight.features for sight, other in sights if other == label], axis=0)
            if name in ("products", "rooms"):
                centres[f"{name}.{label}"] = mean / np.linalg.norm(mean)
    arrays |= {"centres": np.stack(list(centres.values())).round(5), "centre_names": np.array(list(centres))}
    np.savez_compressed(HERE / "heads.npz", **arrays)
    data = (HERE / "heads.npz").read_bytes()
    print("heads.npz", len(data), "bytes, sha256", hashlib.sha256(data).hexdigest())


if __name__ == "__main__":
    main()
