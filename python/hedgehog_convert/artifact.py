"""Tensors of an artifact, one at a time, with the interface of `safetensors.safe_open`."""
from __future__ import annotations

import contextlib
import json
import os
import struct
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import numpy as np
import zstandard

import hh_artifact

Path = str | os.PathLike[str]

NUMPY = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4", "U64": "<u8",
    "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8", "C64": "<c8"}
TORCH = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "U16": "uint16", "I16": "int16", "U32": "uint32", "I32": "int32",
    "U64": "uint64", "I64": "int64", "F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64",
    "C64": "complex64", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2"}


class ArtifactError(ValueError):
    """An artifact that is damaged, or has what this package cannot read."""


@contextlib.contextmanager
def explained(path: str) -> Iterator[None]:
    """Turns whatever a damaged file leads to into one kind of error that names the file."""
    try:
        yield
    except ArtifactError:
        raise
    except (
        ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, struct.error,
        zstandard.ZstdError,
    ) as error:
        text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
        raise ArtifactError(text if text.startswith(path) else f"{path}: {text}") from error


class ArtifactFile:
    """An artifact that is open. Nothing but its header is read before a tensor is asked for."""

    def __init__(
        self, path: Path, framework: str = "np", device: Any = "cpu", base: Path | list[Path] | None = None,
        max_unpacked: int | None = None,
    ) -> None:
        if framework not in ("np", "numpy", "pt", "torch"):
            raise ValueError(f"framework: expected 'np' or 'pt', found {framework!r}")
        self.path = os.fspath(path)
        self._uses_torch, self._device = framework in ("pt", "torch"), device
        bases = [] if base is None else list(base) if isinstance(base, (list, tuple)) else [base]
        with explained(self.path):
            self._artifact = hh_artifact.Artifact(self.path, [os.fspath(each) for each in bases], max_unpacked)
            self._entries: dict[str, dict[str, Any]] = {
                name: self._artifact.entry(name) for name in self._artifact}

    @property
    def manifest(self) -> dict[str, Any]:
        """What the artifact says of itself; `schemas/artifact.schema.json` describes it."""
        return self._artifact.manifest

    @property
    def files(self) -> list[str]:
        """The names of the files that were carried along, such as `tokenizer.json`."""
        return list(self._artifact.files)

    def read_file(self, name: str) -> bytes:
        """The content of a carried file."""
        with explained(self.path):
            return bytes(self._artifact.read_file(name))

    def metadata(self) -> dict[str, str]:
        """The metadata of the safetensors header: the manifest is JSON text under `hedgehog`."""
        return {"format": "pt", "hedgehog": self._artifact.text}

    def keys(self) -> list[str]:
        """The names of the model's tensors, as a checkpoint has them."""
        return list(self._entries)

    offset_keys = keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def get_slice(self, name: str) -> TensorSlice:
        """A tensor that is read when it is indexed; its shape and type are known before."""
        return TensorSlice(self, name, self._entry(name))

    def get_tensor(self, name: str) -> Any:
        """A tensor, checked against its digest. A quantised one has the float32 values that its blocks stand for."""
        entry = self._entry(name)
        with explained(self.path):
            data, kind, shape = self._artifact.read(name)
            if "block" in entry:
                array = dequantized(data, kind, shape)
                return self._torch().from_numpy(array).to(self._device) if self._uses_torch else array
            if self._uses_torch:
                return self._tensor(name, data, kind, shape)
            return np.frombuffer(bytearray(data), numpy_type(name, kind)).reshape(shape)

    def origin(self, name: str) -> str:
        """Where a tensor comes from: `kept` or `changed` from the source, or `new`."""
        return str(self._entry(name).get("origin", "kept"))

    def _entry(self, name: str) -> dict[str, Any]:
        if name not in self._entries:
            raise ArtifactError(f"{self.path}: expected the name of one of its tensors, found {name!r}")
        return self._entries[name]

    def _torch(self) -> Any:
        import torch

        return torch

    def _tensor(self, name: str, data: bytes, kind: str, shape: list[int]) -> Any:
        torch = self._torch()
        dtype = getattr(torch, TORCH.get(kind, ""), None)
        if dtype is None:
            raise ArtifactError(f"{self.path}: {name}: expected a type that PyTorch has, found {kind}")
        if not data:
            return torch.empty(shape, dtype=dtype, device=self._device)
        return torch.frombuffer(bytearray(data), dtype=dtype).reshape(shape).to(self._device)

    def __enter__(self) -> ArtifactFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file. Tensors that were read stay."""
        self._artifact.close()


class TensorSlice:
    """A tensor that is not read yet; `[...]` reads it and gives the part."""

    def __init__(self, file: ArtifactFile, name: str, entry: dict[str, Any]) -> None:
        self._file, self._name, self._entry = file, name, entry

    def get_shape(self) -> list[int]:
        return list(self._entry["shape"])

    def get_dtype(self) -> str:
        """The type's name in safetensors, such as `F32`."""
        return str(self._entry["dtype"])

    def __getitem__(self, index: Any) -> Any:
        return self._file.get_tensor(self._name)[index]


def numpy_type(name: str, kind: str) -> Any:
    if kind in NUMPY:
        return NUMPY[kind]
    try:  # brings the types that NumPy itself lacks
        import ml_dtypes
    except ImportError:
        ml_dtypes = None
    found = {"BF16": "bfloat16", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2"}.get(kind, "")
    if ml_dtypes is None or not found:
        raise ArtifactError(
            f"{name}: expected a type that NumPy has, found {kind}: install ml_dtypes, or ask for framework='pt'")
    return getattr(ml_dtypes, found)


def dequantized(data: bytes, kind: str, shape: list[int]) -> Any:
    try:
        import gguf
    except ImportError:
        raise ArtifactError(f"expected the package 'gguf' for tensors in blocks of {kind}, found none") from None
    rows = np.frombuffer(data, np.uint8).reshape(*shape[:-1], -1)
    return gguf.quants.dequantize(rows, gguf.GGMLQuantizationType[kind]).reshape(shape)


def load_artifact(
    path: Path, framework: str = "np", device: Any = "cpu", *, base: Path | list[Path] | None = None,
    max_unpacked: int | None = None,
) -> ArtifactFile:
    """Opens an artifact.

    `framework` is "np" for NumPy's arrays or "pt" for PyTorch's tensors on `device`. A delta needs `base`, the
    safetensors file or files of the model that it was made from. `max_unpacked` bounds the bytes that it may unpack to;
    without it that is 32 times the file and 64 MiB.

    Raises `ArtifactError` for a file that is no artifact or damaged, and for a tensor when it is read.
    """
    return ArtifactFile(path, framework, device, base, max_unpacked)
