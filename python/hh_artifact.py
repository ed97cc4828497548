"""Reads the artifacts of hh-convert, NAME.hedgehog.safetensors.zst; needs nothing but `zstandard`.

    artifact = Artifact("NAME.hedgehog.safetensors.zst")   # a delta: base="model.safetensors", or a list of shards
    artifact.manifest                                      # see schemas/artifact.schema.json
    data, dtype, shape = artifact.read(name)               # little-endian bytes, checked; `artifact` lists the names
    artifact.files, artifact.read_file("tokenizer.json")   # files carried along from the source; names are in NAMES

Only the frames of the tensor that is asked for are decompressed. What `zstd -d` makes of an artifact is read too.
docs/artifact.md describes the format.
"""
import hashlib
import json
import math
import mmap
import re
import struct
import sys
from itertools import accumulate

import zstandard

BITS = {"BOOL": 8, "BF16": 16}  # every other name is a letter, the width in bits and perhaps more, such as F6_E2M3
NAMES = re.compile(  # any other file could leave the folder that it is put into, or be code to what loads that folder
    r"(tokenizer|(tokenizer|generation|preprocessor|processor)_config|special_tokens_map|added_tokens|vocab"
    r"|chat_template|gguf)\.json|(merges|vocab)\.txt|tokenizer\.model|chat_template\.jinja|README\.md"
    r"|(?i:(licen[sc]e|notice|use_policy)([a-z0-9 _-]*|[a-z0-9 ._-]*\.(txt|md|rst|pdf|[0-9]+)))", re.ASCII)


def mapped(path):
    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def require(condition, problem):
    if not condition:
        raise ValueError(problem)


class Artifact:
    def __init__(self, path, base=(), max_unpacked=None):  # more than 64 MiB and 32 times the file's size needs the last
        self._file = mapped(path)
        self._is_plain = self._file[:4] != b"\x28\xb5\x2f\xfd"
        if self._is_plain:  # a header and the tensors' bytes, of which each plane is taken for a frame
            start = 8 + int.from_bytes(self._file[:8], "little")
            require(start <= len(self._file) and self._file[8:9] == b"{", f"{path}: expected an artifact, found none")
            self._frames = [(0, start, start)]
        else:
            self._frames = self._listed(path, max_unpacked)
        try:
            header = json.loads(self._frame(0)[8:])
            self.text = header["__metadata__"]["hedgehog"]  # the manifest as it is written
            self.manifest = json.loads(self.text)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: expected a manifest in '__metadata__.hedgehog', found none") from error
        version, left = self.manifest["formatVersion"], self.manifest.get("base", {})
        require(version.split(".")[0] in ("1", "2"), f"{path}: expected format version 1 or 2, found {version!r}")
        self.files = self.manifest.get("files", {})  # {name: {"bytes": …, "sha256": …}}
        self._left = left.get("tensors", {})
        for name, file in [*self.files.items(), *left.get("files", {}).items()]:
            carried = NAMES.fullmatch(name) and len(name) < 256 and file["bytes"] <= 64 << 20
            require(carried, f"{path}: expected the file of a tokenizer, settings, licence or card, found {name!r}")
        self._places, frame, end = {}, 1, 0
        require(
            header.keys() - {"__metadata__"} == self.manifest["tensors"].keys(),
            f"{path}: expected the same tensors in header and manifest, found others",
        )
        for name, entry in self.manifest["tensors"].items():
            bits = BITS.get(entry["dtype"]) or int(entry["dtype"][1:].split("_")[0])
            width = len(entry.get("planeOrder", [0]))
            block = entry.get("block", {"elements": 8, "bytes": bits})  # eight plain elements have as many bytes as one has bits
            size = -(-math.prod(entry["shape"]) * block["bytes"] // block["elements"])
            begin, end = end, end + size
            found = header[name]["data_offsets"]
            require(found == [begin, end], f"{path}: {name}: expected bytes {[begin, end]} by the manifest, found {found}")
            plane = size // width
            chunks = min(size, 1) if self._is_plain else -(-plane // self.manifest["frameSize"])
            if self._is_plain and size:
                self._frames += [(start + begin + index * plane, plane, plane) for index in range(width)]
            self._places[name] = frame, width, chunks
            frame += width * chunks
        whole = start + end == len(self._file) if self._is_plain else frame + 1 == len(self._frames)
        require(whole, f"{path}: expected the bytes of all tensors and no others: the artifact is not whole")
        self._base = {}
        for content in map(mapped, [base] if isinstance(base, str) else base):
            start = 8 + int.from_bytes(content[:8], "little")
            for name, entry in json.loads(content[8:start]).items():
                if name != "__metadata__":
                    self._base[name] = content, *(start + offset for offset in entry["data_offsets"])

    def _listed(self, path, max_unpacked):
        """The place, size and unpacked size of each frame, by the table at the end of a compressed artifact."""
        count, flags, magic = struct.unpack("<IBI", self._file[-9:])
        end = len(self._file) - 17 - 12 * count if (flags, magic) == (0x80, 0x8F92EAB1) and count > 1 else 0
        require(end > 0, f"{path}: expected a seek table at the end, found none: the artifact is not whole")
        table = struct.unpack(f"<{3 * count}I", self._file[-9 - 12 * count : -9])
        require(sum(table[0::3]) == end and table[1] <= 64 * table[0] + (1 << 20), f"{path}: the seek table is damaged")
        limit = max_unpacked or 32 * len(self._file) + (64 << 20)
        require(sum(table[4::3]) <= limit, f"{path}: expected at most {limit} bytes unpacked, found {sum(table[4::3])}")
        return list(zip(accumulate(table[0::3], initial=0), table[0::3], table[1::3]))

    def __iter__(self):
        """The names of the model's tensors. In a delta, those that lie in its base come first."""
        yield from self._left
        yield from (name for name, entry in self.manifest["tensors"].items() if entry["origin"] != "state")

    def entry(self, name):
        """What the manifest says of a tensor: dtype, shape, SHA-256, and of a quantised one its block."""
        return self._left.get(name) or self.manifest["tensors"][name]

    def close(self):
        for content in [self._file, *(base[0] for base in self._base.values())]:
            content.close()

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
        same = hashlib.sha256(data).hexdigest() == entry["sha256"]
        require(same, f"{name}: the bytes are damaged: expected SHA-256 {entry['sha256']}, found another")
        return data, entry.get("block", {}).get("type", entry["dtype"]), entry["shape"]

    def read_file(self, name):
        """The content of a carried file."""
        require(name in self.files, f"{name!r}: expected one of `files`")
        return self.read("hedgehog.files/" + name)[0]

    def _frame(self, index):
        offset, compressed, size = self._frames[index]
        data = self._file[offset : offset + compressed]
        if self._is_plain:
            return data
        require(zstandard.frame_content_size(data) == size, f"frame {index}: expected {size} bytes, found others")
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
