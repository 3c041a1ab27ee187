"""The weighted mean of two models' weights: no training, and what a trained system is compared with.

Between a model and one that was fine-tuned from it, this is WiSE-FT (Wortsman et al. 2022, arXiv 2109.01903). The mean
is computed in float32 and saved in the dtype, and under the names, of the first model; weights that are tied are saved
once, so they stay tied. The files are read and written tensor by tensor: about one of them is in memory at a time.
"""

import json
import shutil
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors import safe_open
from tokenizers import Tokenizer

from reset.errors import ResetError
from reset.files import tables
from reset.model import adapters, generation

INDEX, SINGLE = "model.safetensors.index.json", "model.safetensors"
COPIED = {".json", ".jinja", ".model", ".txt"}  # files of the first model besides its weights


def interpolate(init: Path, other: Path, weight: float, into: Path) -> dict[str, int]:
    """Write a model of (1 - `weight`) times the weights of `init` plus `weight` times those of `other` to `into`.

    All else is that of `init`; it stops at the end tokens of both. Returns how many tensors and parameters were
    averaged. Raises `ResetError` for an adapter that is kept apart, for models without safetensors, and for two whose
    tensors, shapes, architectures or tokenizers differ.
    """
    places = [_places(folder) for folder in (init, other)]
    _require_same(init, other, places)
    for path in init.iterdir():
        if path.is_file() and path.suffix in COPIED:
            shutil.copyfile(path, into / path.name)
    for end in generation.ends(other):
        generation.stop_at(into, end)
    counts = {"tensors": 0, "parameters": 0}
    with ExitStack() as stack:
        opened = {path: stack.enter_context(safe_open(path, "pt")) for of in places for path in of.values()}
        for path in sorted(set(places[0].values())):
            with (into / path.name).open("wb") as file:
                for name in _copy_header(path, file):
                    one, two = (opened[of[name]].get_tensor(name) for of in places)
                    file.write(_bytes(_mean(name, one, two, weight, init, other)))
                    counts["tensors"] += 1
                    counts["parameters"] += one.numel()
    return counts


def _places(folder: Path) -> dict[str, Path]:
    """Return the file of each tensor of the model in `folder`."""
    if adapters.apart(folder):
        raise ResetError(f"{folder} keeps its adapter apart: only whole weights are averaged (adapter.merge: true)")
    if (folder / INDEX).is_file():
        named: dict[str, str] = tables.read_json(folder / INDEX)["weight_map"]
        return {name: folder / file for name, file in named.items()}
    if not (folder / SINGLE).is_file():
        raise ResetError(f"{folder}: no safetensors weights there")
    with safe_open(folder / SINGLE, "pt") as file:
        return dict.fromkeys(file.keys(), folder / SINGLE)


def _require_same(init: Path, other: Path, places: list[dict[str, Path]]) -> None:
    """Raise `ResetError` if the two models are not of one architecture, with one tokenizer."""
    both = f"{init} and {other} cannot be averaged:"
    kinds = [str(tables.read_json(folder / "config.json").get("model_type")) for folder in (init, other)]
    if kinds[0] != kinds[1]:
        raise ResetError(f"{both} one is of type {kinds[0]}, the other {kinds[1]}")
    for name in sorted(places[0].keys() ^ places[1].keys()):
        raise ResetError(f"{both} only {init if name in places[0] else other} has the weights '{name}'")
    shapes = [_shapes(of) for of in places]
    for name, shape in shapes[0].items():
        if shape != shapes[1][name]:
            raise ResetError(f"{both} '{name}' is {shape} in the first, {shapes[1][name]} in the second")
    if _tokenizer(init) != _tokenizer(other):
        raise ResetError(f"{both} their tokenizers differ")


def _shapes(places: dict[str, Path]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for path in sorted(set(places.values())):
        with safe_open(path, "pt") as file:
            found |= {name: list(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    return found


def _tokenizer(folder: Path) -> str:
    """Return what the tokenizer of a model does, however its file is written."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return str(tokenizer.to_str())


def _copy_header(path: Path, into: BinaryIO) -> Iterator[str]:
    """Copy the header of a safetensors file, then yield the names of its tensors in the order of their bytes."""
    with path.open("rb") as file:
        length = file.read(8)
        header = file.read(struct.unpack("<Q", length)[0])
    into.write(length + header)
    said: dict[str, Any] = json.loads(header)
    said.pop("__metadata__", None)
    yield from sorted(said, key=lambda name: (said[name]["data_offsets"], name))


def _mean(name: str, one: torch.Tensor, two: torch.Tensor, weight: float, init: Path, other: Path) -> torch.Tensor:
    """Return the weighted mean, in the dtype of `one`; what is no weight, such as an index, must be equal."""
    if one.is_floating_point() and one.element_size() > 1:
        return torch.lerp(one.float(), two.float(), weight).to(one.dtype)
    if not torch.equal(one, two):
        raise ResetError(f"{init} and {other} cannot be averaged: '{name}' is {one.dtype}, and differs")
    return one


def _bytes(tensor: torch.Tensor) -> bytes:
    return bytes(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
