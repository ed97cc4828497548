"""Reads the artifacts of hh-convert, NAME.hedgehog.safetensors.zst; needs nothing but `zstandard`.

    artifact = Artifact("NAME.hedgehog.safetensors.zst")   # a delta: base="model.safetensors", or a list of shards
    artifact.manifest                                      # see schemas/artifact.schema.json
    data, dtype, shape = artifact.read(name)               # little-endian bytes, checked; `artifact` lists the names
    artifact.files, artifact.read_file("tokenizer.json")   # files carried along from the source

Only the frames of the tensor that is asked for are decompressed. docs/artifact.md describes the format.

Files have names of a closed list (`carries`), so that none can leave the folder it is put into, and none is code. An
artifact that unpacks to more than 32 times its size and 64 MiB is refused unless `max_unpacked` allows as many bytes.
"""
import hashlib
import json
import math
import mmap
import re
import struct
import sys

import zstandard

BITS = {"BOOL": 8, "BF16": 16}  # every other name is a letter, the width in bits and perhaps more, such as F6_E2M3

NAMES = frozenset(
    "tokenizer.json tokenizer_config.json special_tokens_map.json added_tokens.json vocab.json merges.txt vocab.txt"
    " tokenizer.model generation_config.json preprocessor_config.json processor_config.json chat_template.jinja"
    " chat_template.json README.md gguf.json".split()
)
LEGAL = re.compile(
    r"(licen[sc]e|notice|use_policy)([a-z0-9 _-]*|[a-z0-9 ._-]*\.(txt|md|rst|pdf|[0-9]+))", re.ASCII | re.IGNORECASE
)
MAX_FILE_BYTES = 64 << 20


def carries(name):
    """Whether an artifact may carry a file of this name: tokenizers, settings, licences and cards, and nothing else."""
    return name in NAMES or len(name) <= 255 and LEGAL.fullmatch(name) is not None


def mapped(path):
    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


class Artifact:
    def __init__(self, path, base=(), max_unpacked=None):
        def require(condition, expected, found):
            if not condition:
                raise ValueError(f"{path}: expected {expected}, found {found}")

        self._file = mapped(path)
        count, flags, magic = struct.unpack("<IBI", self._file[-9:])
        start = len(self._file) - 9 - 12 * count
        whole = magic == 0x8F92EAB1 and flags == 0x80 and count > 1 and start > 8
        require(whole, "a seek table at the end", "none: the artifact is not whole")
        table = struct.unpack(f"<{3 * count}I", self._file[-9 - 12 * count : -9])
        self._frames, offset = [], 0
        for compressed, size in zip(table[0::3], table[1::3]):
            self._frames.append((offset, compressed, size))
            offset += compressed
        require(offset == start - 8, f"frames of {start - 8} bytes", f"{offset}")
        limit = 32 * len(self._file) + (64 << 20) if max_unpacked is None else max_unpacked
        unpacked = sum(table[4::3])
        require(unpacked <= limit, f"at most {limit} bytes unpacked (see max_unpacked)", f"{unpacked}")
        most = (1 << 20) + 64 * table[0]
        require(table[1] <= most, f"a header of at most {most} bytes", f"{table[1]}")
        self.manifest = json.loads(json.loads(self._frame(0)[8:])["__metadata__"]["hedgehog"])
        if self.manifest["formatVersion"].split(".")[0] not in ("1", "2"):
            raise ValueError(f"{path}: expected format version 1 or 2, found {self.manifest['formatVersion']!r}")
        self.files = self.manifest.get("files", {})  # {name: {"bytes": …, "sha256": …}}
        self._left = self.manifest.get("base", {}).get("tensors", {})
        for name in [*self.files, *self.manifest.get("base", {}).get("files", {})]:
            require(carries(name), "the name of a tokenizer, settings, licence or card file", repr(name))
        for name, file in self.files.items():
            stored = self.manifest["tensors"].get("hedgehog.files/" + name, {})
            same = stored.get("shape") == [file["bytes"]] and stored.get("dtype") == "U8"
            require(same and file["bytes"] <= MAX_FILE_BYTES, f"a tensor of the bytes of {name}", "another or none")
        require(self.manifest["frameSize"] > 0, "a frame size above 0", self.manifest["frameSize"])
        self._places, frame = {}, 1
        for name, entry in self.manifest["tensors"].items():
            bits = BITS.get(entry["dtype"]) or int(entry["dtype"][1:].split("_")[0])
            width = len(entry.get("planeOrder", [0]))
            block = entry.get("block", {"elements": 8, "bytes": bits})  # eight plain elements have as many bytes as one has bits
            size = -(-math.prod(entry["shape"]) * block["bytes"] // block["elements"])
            chunks = -(-size // width // self.manifest["frameSize"])
            self._places[name] = frame, width, chunks
            frame += width * chunks
        require(frame == count - 1, f"{frame + 1} frames", count)
        self._base = {}
        for content in map(mapped, [base] if isinstance(base, str) else base):
            start = 8 + int.from_bytes(content[:8], "little")
            for name, entry in json.loads(content[8:start]).items():
                if name != "__metadata__":
                    self._base[name] = content, *(start + offset for offset in entry["data_offsets"])

    def __iter__(self):
        """The names of the model's tensors. In a delta, those that lie in its base come first."""
        yield from self._left
        yield from (name for name, entry in self.manifest["tensors"].items() if entry["origin"] != "state")

    def read(self, name):
        """A tensor as (bytes, dtype, shape), checked against its SHA-256; of a quantised one its blocks, under their type such as "Q4_1"."""
        if name in self._left:
            if name not in self._base:
                raise KeyError(f"{name}: expected the model that this delta was made from as base, found none that has it")
            entry, (content, begin, end) = self._left[name], self._base[name]
            data = content[begin:end]
        else:
            entry, (first, width, chunks) = self.manifest["tensors"][name], self._places[name]
            starts = range(first, first + width * chunks, chunks or 1)
            planes = [b"".join(map(self._frame, range(start, start + chunks))) for start in starts] or [b""]
            data = planes[0] if len(planes) == 1 else joined(planes)
        if hashlib.sha256(data).hexdigest() != entry["sha256"]:
            raise ValueError(f"{name}: the bytes are damaged: expected SHA-256 {entry['sha256']}, found another")
        return data, entry.get("block", {}).get("type", entry["dtype"]), entry["shape"]

    def read_file(self, name):
        """The content of a carried file; no other name is read."""
        if name not in self.files:
            raise KeyError(f"{name!r}: expected the name of a carried file")
        return self.read("hedgehog.files/" + name)[0]

    def _frame(self, index):
        offset, compressed, size = self._frames[index]
        data = self._file[offset : offset + compressed]
        if zstandard.frame_content_size(data) != size:  # what the decompressor makes room for
            raise ValueError(f"frame {index}: expected {size} bytes of content, found another number")
        return zstandard.ZstdDecompressor().decompress(data)


def joined(planes):
    """Elements from byte planes: plane i has byte i of each word, and each word is rotated right by one bit."""
    width, words = len(planes), bytearray(len(planes) * len(planes[0]))
    for index, plane in enumerate(planes):
        words[index::width] = plane
    number = int.from_bytes(words, "little")
    lowest = number & int.from_bytes((b"\1" + bytes(width - 1)) * len(planes[0]), "little")
    return ((number ^ lowest) >> 1 | lowest << (8 * width - 1)).to_bytes(len(words), "little")


if __name__ == "__main__":  # hh_artifact.py ARTIFACT [BASE …] lists and checks every tensor
    artifact = Artifact(sys.argv[1], sys.argv[2:])
    for tensor in artifact:
        print(tensor if tensor.isprintable() else repr(tensor), *artifact.read(tensor)[1:])
