#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/goldens/weights/: small files by PyTorch, NumPy and safetensors, and what they hold.

Needs torch, numpy and safetensors. expected.txt has a line a tensor: file, name, dtype, sizes ("-" for a
scalar), then the values in row-major order. Files named bad_* must be refused.
"""
import argparse
import collections
import functools
import os
import pathlib
import zipfile

import numpy as np
import safetensors.numpy
import safetensors.torch
import torch

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "goldens" / "weights"
NAMES = {
    "float32": "f32", "float64": "f64", "float16": "f16", "bfloat16": "bf16", "int32": "i32", "int64": "i64",
    "int16": "i32", "int8": "i32", "uint8": "u8", "bool": "bool",
}
lines = []


def expect(file, name, value):
    dtype = NAMES[str(value.dtype).replace("torch.", "")]
    shape = "x".join(str(d) for d in value.shape) or "-"
    if isinstance(value, torch.Tensor):
        value = value.detach().double().contiguous().numpy()
    numbers = " ".join(repr(float(v)) for v in np.asarray(value, dtype=np.float64).reshape(-1))
    lines.append(f"{file} {name} {dtype} {shape} {numbers}".rstrip())


def state():
    """Every dtype and every way a tensor may lie in its storage."""
    torch.manual_seed(7)
    base = torch.arange(24, dtype=torch.float32) / 8
    out = collections.OrderedDict()
    for dtype in (torch.float32, torch.float64, torch.float16, torch.bfloat16):
        out["x." + str(dtype)[6:]] = torch.randn(2, 3).to(dtype)
    for dtype in (torch.int64, torch.int32, torch.int16, torch.int8):
        out["x." + str(dtype)[6:]] = torch.tensor([[-128, 127, -1]], dtype=dtype)
    out["x.uint8"] = torch.tensor([0, 1, 255], dtype=torch.uint8)
    out["x.bool"] = torch.tensor([True, False, True])
    out["scalar"] = torch.tensor(41)
    out["empty"] = torch.zeros(0, 3)
    out["shared.whole"] = base
    out["shared.rows"] = base.view(4, 6)[1:3]
    out["shared.transposed"] = base.view(4, 6).t()
    out["shared.every_second"] = base[3::2]
    out["expanded"] = torch.tensor([[1.5], [2.5]]).expand(2, 4)
    out["channels_last"] = torch.arange(24.0).view(2, 3, 2, 2).to(memory_format=torch.channels_last)
    out["parameter"] = torch.nn.Parameter(torch.tensor([0.25, -0.5]))
    return out


def save(name, value, **options):
    torch.save(value, OUT / name, **options)


def torch_files():
    tensors = state()
    save("zip.pth", tensors)
    save("legacy.pth", tensors, _use_new_zipfile_serialization=False)
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(torch.randn(2, 1, 5, 5)).sum().backward()
    optimizer.step()
    training = {"epoch": 3, "best": torch.tensor(0.5), "arch": "small", "loss": 1.5, "none": None,
                "state_dict": model.state_dict(), "optimizer": optimizer.state_dict()}
    save("training.pth", training)
    save("training_legacy.pth", training, _use_new_zipfile_serialization=False)
    save("protocol4.pth", model.state_dict(), pickle_protocol=4)
    for file in ("zip.pth", "legacy.pth"):
        for name, value in tensors.items():
            expect(file, name, value)
    for file in ("training.pth", "training_legacy.pth", "protocol4.pth"):
        for name, value in model.state_dict().items():
            expect(file, name, value)


class Subclass(collections.OrderedDict):
    """As MMEngine's and others' own dictionaries: an OrderedDict that only their code could make."""


class Tagged(torch.Tensor):
    """A tensor with attributes, which torch saves by _rebuild_from_type_v2."""


def reference_files():
    """What torchvision's reference scripts save, and what else people put beside weights."""
    torch.manual_seed(8)
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    average = torch.optim.swa_utils.AveragedModel(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    model(torch.randn(2, 1, 5, 5)).sum().backward()
    optimizer.step()
    average.update_parameters(model)
    schedule = torch.optim.lr_scheduler.SequentialLR(
        optimizer, [torch.optim.lr_scheduler.LinearLR(optimizer), torch.optim.lr_scheduler.MultiStepLR(optimizer, [1, 1, 3])], [1])
    args = argparse.Namespace(lr=0.1, device=torch.device("cpu"), dtype=torch.float16, path=pathlib.PurePosixPath("/data"),
                              size=torch.Size([2, 3]), milestones={1, 2}, frozen=frozenset([3]), z=1 + 2j, raw=b"\x00\xff", big=1 << 80,
                              span=range(3), inner=argparse.Namespace(on=True, none=None), call=functools.partial(int, base=2))
    file = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "lr_scheduler": schedule.state_dict(), "epoch": 3,
            "args": args, "scaler": {"scale": 65536.0, "_growth_tracker": 0}, "model_ema": average.state_dict(),
            "best": np.float64(0.5), "counts": collections.Counter("aab"), "mine": Subclass(a=torch.zeros(2)),
            "complex": torch.zeros(2, dtype=torch.complex64), "quantized": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)}
    for form, legacy in (("", False), ("_legacy", True)):
        if legacy:  # there the size of a storage is known by its type alone
            file = {k: v for k, v in file.items() if k not in ("complex", "quantized")}
        name = "reference%s.pth" % form
        save(name, file, _use_new_zipfile_serialization=not legacy)
        for key, value in model.state_dict().items():
            expect(name, key, value)
    for key, value in average.state_dict().items():
        expect("reference.pth:model_ema", key, value)
    save("reference4.pth", file, pickle_protocol=4)
    for key, value in model.state_dict().items():
        expect("reference4.pth", key, value)
    tagged = torch.arange(3.0).as_subclass(Tagged)
    tagged.note = "kept"
    parameter = torch.nn.Parameter(torch.tensor([0.5, 2.0]))
    parameter.note = "kept"
    kinds = {"tagged": tagged, "parameter": parameter, "epoch": 3}
    save("kinds.pth", kinds)
    expect("kinds.pth", "tagged", torch.arange(3.0))
    expect("kinds.pth", "parameter", parameter)
    default = collections.defaultdict(list)
    default["w"] = torch.arange(2.0)
    save("default.pth", {"state_dict": default})
    expect("default.pth", "w", default["w"])
    save("bad_two_parts.pth", {"student": {"w": torch.zeros(1)}, "teacher": {"w": torch.ones(1)}})
    save("bad_subclass.pth", {"model": Subclass(w=torch.zeros(1)), "epoch": 1})
    save("bad_quantized.pth", {"w": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8), "v": torch.zeros(1)})
    save("bad_sparse.pth", {"w": torch.eye(2).to_sparse(), "v": torch.zeros(1)})
    save("bad_complex.pth", {"w": torch.zeros(2, dtype=torch.complex64), "v": torch.zeros(1)})


class Hostile:
    """Unpickled, it would run a command."""

    def __reduce__(self):
        return os.system, ("echo executed > cawe_hostile_pickle_was_here",)


def rewritten_zip(source, name, change=None, compression=zipfile.ZIP_STORED, drop=()):
    """A zip of torch.save with parts changed, dropped or compressed."""
    with zipfile.ZipFile(OUT / source) as old, zipfile.ZipFile(OUT / name, "w", compression) as new:
        for part in old.namelist():
            inner = part.split("/", 1)[1]
            if inner in drop:
                continue
            bytes_ = old.read(part)
            if change and inner in change:
                bytes_ = change[inner]
            new.writestr(zipfile.ZipInfo(part, (1980, 1, 1, 0, 0, 0)), bytes_, compression)


def bad_torch_files():
    small = {"w": torch.arange(4.0)}
    save("bad_hostile.pth", {"w": torch.arange(4.0), "x": Hostile()})
    save("bad_hostile_legacy.pth", Hostile(), _use_new_zipfile_serialization=False)
    save("bad_module.pth", torch.nn.Linear(1, 1))
    save("bad_tensor.pth", torch.arange(4.0))
    save("bad_no_tensors.pth", {"epoch": 3})
    save("bad_expanded.pth", {"w": torch.zeros(1).expand(1 << 40)})
    save("small.tmp", small)
    rewritten_zip("small.tmp", "bad_compressed.pth", compression=zipfile.ZIP_DEFLATED)
    rewritten_zip("small.tmp", "bad_byteorder.pth", {"byteorder": b"big"})
    rewritten_zip("small.tmp", "bad_no_storage.pth", drop=("data/0",))
    rewritten_zip("small.tmp", "bad_short_storage.pth", {"data/0": b"\0" * 12})
    rewritten_zip("small.tmp", "bad_no_pickle.pth", drop=("data.pkl",))
    (OUT / "small.tmp").unlink()


def safetensors_files():
    tensors = {k: v.detach().contiguous().clone() for k, v in state().items()}
    tensors["ünïcode \"quoted\""] = torch.tensor([3.0])
    safetensors.torch.save_file(tensors, OUT / "torch.safetensors", metadata={"format": "pt", "größe": "\"1\"\n"})
    for name, value in tensors.items():
        expect("torch.safetensors", name.replace(" ", "_"), value)


def npy_files():
    rng = np.random.default_rng(5)
    for dtype in ("float32", "float64", "float16", "int32", "int64", "uint8"):
        value = (rng.standard_normal((2, 3)) * 50 + 60).astype(dtype)
        np.save(OUT / f"{dtype}.npy", value)
        expect(f"{dtype}.npy", "-", value)
    cases = {
        "bool": np.array([True, False]),
        "scalar": np.array(2.5),
        "empty": np.zeros((0, 4), np.float32),
        "fortran": np.asfortranarray(np.arange(24, dtype=np.float32).reshape(2, 3, 4)),
    }
    for name, value in cases.items():
        np.save(OUT / f"{name}.npy", value)
        expect(f"{name}.npy", "-", value)
    for version in (2, 3):
        value = np.arange(5, dtype=np.int32) - 2
        with open(OUT / f"version{version}.npy", "wb") as file:
            np.lib.format.write_array(file, value, version=(version, 0))
        expect(f"version{version}.npy", "-", value)
    np.save(OUT / "bad_big_endian.npy", np.arange(3, dtype=">f4"))
    np.save(OUT / "bad_object.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(OUT / "bad_struct.npy", np.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")]))


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.iterdir():
        old.unlink()
    torch_files()
    reference_files()
    bad_torch_files()
    safetensors_files()
    npy_files()
    (OUT / "expected.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
