"""Reads NAME.hedgehog.safetensors.zst without any of the converter's code (`scripts/python-env judge`).

  artifact.py FILE [SCHEMA]    checks every digest, reads the file once more with the safetensors package, validates the
                               manifest, and prints one line of JSON
"""

import hashlib
import json
import pathlib
import struct
import sys

import jsonschema
import numpy
import safetensors
import zstandard

NUMPY = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
         "U8": "u1", "BOOL": "?"}
WIDTH = {name: numpy.dtype(code).itemsize for name, code in NUMPY.items()}


def decompress(path):
    """All frames of a zstd file, one after the other; skippable frames hold nothing."""
    with open(path, "rb") as file, zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as reader:
        return reader.read()


def split(raw):
    """Metadata and {name: (dtype, shape, bytes)} of a safetensors image."""
    (size,) = struct.unpack_from("<Q", raw)
    header = json.loads(raw[8 : 8 + size])
    metadata, body, tensors = header.pop("__metadata__", {}), memoryview(raw)[8 + size :], {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = (entry["dtype"], entry["shape"], bytes(body[begin:end]))
    return metadata, tensors


def join_planes(raw, width, order, rotation):
    """Undoes byte planes: plane p holds byte order[p] of every element's little-endian word, rotated left."""
    scattered = numpy.empty((len(raw) // width, width), numpy.uint8)
    scattered[:, order] = numpy.frombuffer(raw, numpy.uint8).reshape(width, -1).T
    words = scattered.view(f"<u{width}").ravel()
    return (words >> rotation | words << (8 * width - rotation)).astype(f"<u{width}").tobytes()


def values(dtype, shape, raw):
    """Elements as an array; bfloat16 becomes float32."""
    array = numpy.frombuffer(raw, NUMPY[dtype])
    if dtype == "BF16":
        array = (array.astype(numpy.uint32) << 16).view(numpy.float32)
    return array.reshape(shape)


class Artifact:
    """The manifest and, by name, the tensors in their original layout, digests checked."""

    def __init__(self, path):
        metadata, stored = split(decompress(path))
        self.manifest = json.loads(metadata["hedgehog"])
        self.tensors, self.origins = {}, {}
        for name, entry in self.manifest["tensors"].items():
            dtype, raw = entry["dtype"], stored.pop(name)[2]
            if entry["layout"] == "planes":
                raw = join_planes(raw, WIDTH[dtype], entry["planeOrder"], entry["rotateLeft"])
            if hashlib.sha256(raw).hexdigest() != entry["sha256"]:
                raise SystemExit(f"{path}: '{name}' differs from its digest")
            self.tensors[name] = values(dtype, entry["shape"], raw)
            self.origins[name] = entry["origin"]
        if stored:
            raise SystemExit(f"{path}: not in the manifest: {', '.join(sorted(stored))}")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    path, *schema = sys.argv[1:]
    artifact = Artifact(path)
    stored = dict(safetensors.deserialize(decompress(path)))
    if set(stored) != set(artifact.tensors):
        raise SystemExit(f"{path}: the safetensors package reads other tensors than the manifest lists")
    if schema:
        jsonschema.validate(artifact.manifest, json.loads(pathlib.Path(schema[0]).read_text()))
    print(json.dumps(dict(formatVersion=artifact.manifest["formatVersion"], tensors=len(artifact.tensors),
                          new=sum(origin == "new" for origin in artifact.origins.values()),
                          validated=bool(schema))))


if __name__ == "__main__":
    main()
