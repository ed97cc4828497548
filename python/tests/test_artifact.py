"""What load_artifact reads: HH_ARTIFACTS is a folder with NAME.zst and NAME.safetensors, the same tensors plain."""
import os
import pathlib
import sys
import tempfile
import unittest

import hh_artifact
import numpy as np
from safetensors import safe_open

from hedgehog_convert import ArtifactError, load_artifact

FOLDER = pathlib.Path(os.environ["HH_ARTIFACTS"])
PLAIN = sorted(path.with_suffix(".zst") for path in FOLDER.glob("*.safetensors"))


class Reading(unittest.TestCase):
    def test_nothing_large_is_imported(self):
        self.assertFalse({"torch", "transformers"} & set(sys.modules))

    def test_every_tensor_is_what_safetensors_reads(self):
        self.assertTrue(PLAIN)
        for path in PLAIN:
            with load_artifact(path) as ours, safe_open(path.with_suffix(".safetensors"), "np") as theirs:
                self.assertEqual(set(ours.keys()), set(theirs.keys()))
                for name in ours.keys():
                    array, expected = ours.get_tensor(name), theirs.get_tensor(name)
                    self.assertEqual((array.dtype, array.shape), (expected.dtype, expected.shape), name)
                    self.assertEqual(array.tobytes(), expected.tobytes(), name)
                    part = ours.get_slice(name)
                    self.assertEqual(part.get_shape(), theirs.get_slice(name).get_shape(), name)
                    self.assertEqual(part.get_dtype(), theirs.get_slice(name).get_dtype(), name)
                    self.assertTrue(np.array_equal(part[:1], expected[:1]), name)

    def test_nothing_is_read_before_it_is_asked_for(self):
        read, frame = [], hh_artifact.Artifact._frame
        hh_artifact.Artifact._frame = lambda self, index: read.append(index) or frame(self, index)
        try:
            with load_artifact(PLAIN[0]) as artifact:
                names = artifact.keys()
                parts = [artifact.get_slice(name) for name in names]
                self.assertTrue(all(part.get_shape() is not None for part in parts))
                self.assertEqual(read, [0], "only the header")
                artifact.get_tensor(names[-1])
                first, width, chunks = artifact._artifact._places[names[-1]]
                self.assertEqual(read[1:], list(range(first, first + width * chunks)))
        finally:
            hh_artifact.Artifact._frame = frame

    def test_manifest_metadata_and_files(self):
        with load_artifact(PLAIN[0]) as artifact:
            self.assertEqual(artifact.metadata()["format"], "pt")
            self.assertIn("featureMap", artifact.manifest)
            for name in artifact.files:
                self.assertEqual(len(artifact.read_file(name)), artifact.manifest["files"][name]["bytes"])
            self.assertIn(artifact.keys()[0], artifact)
            self.assertEqual(len(artifact), len(list(artifact)))

    def test_quantised_blocks_are_the_values_that_they_stand_for(self):
        path = FOLDER / "blocks.zst"
        with load_artifact(path) as ours, safe_open(FOLDER / "blocks.f32", "np") as theirs:
            entries = ours.manifest["tensors"]
            quantised = [name for name in ours.keys() if "block" in entries[name]]
            self.assertTrue(quantised)
            for name in quantised:
                self.assertEqual(ours.get_slice(name).get_dtype(), "F32")
                self.assertTrue(np.array_equal(ours.get_tensor(name), theirs.get_tensor(name)), name)


class Refusing(unittest.TestCase):
    def refused(self, content, words=""):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "damaged.zst"
            path.write_bytes(content)
            with self.assertRaises(ArtifactError) as caught, load_artifact(path) as artifact:
                for name in artifact.keys():
                    artifact.get_tensor(name)
            text = str(caught.exception)
            self.assertTrue(text.startswith(str(path)), text)
            self.assertNotIn("\n", text)
            self.assertIn(words, text)

    def test_damaged_artifacts(self):
        sound = PLAIN[0].read_bytes()
        for end in (0, 1, 8, 100, len(sound) // 2, len(sound) - 1):
            self.refused(sound[:end])
        self.refused(b"not an artifact at all, but long enough")
        with load_artifact(PLAIN[0]) as artifact:
            frames, places = artifact._artifact._frames, artifact._artifact._places
            offset = frames[places[artifact.keys()[3]][0]][0]
        self.refused(sound[:offset] + b"\xff" + sound[offset + 1:])
        self.refused(sound[:20] + b"\xff" * 40 + sound[60:])

    def test_every_header_byte_flipped(self):
        sound = PLAIN[0].read_bytes()
        for place in range(0, min(4000, len(sound)), 97):
            content = bytearray(sound)
            content[place] ^= 0x55
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder) / "changed.zst"
                path.write_bytes(content)
                try:
                    with load_artifact(path) as artifact:
                        for name in artifact.keys():
                            artifact.get_tensor(name)
                except ArtifactError:
                    pass

    def test_names_and_frameworks_that_are_none(self):
        with self.assertRaisesRegex(ValueError, "expected 'np' or 'pt', found 'tf'"):
            load_artifact(PLAIN[0], "tf")
        with load_artifact(PLAIN[0]) as artifact, self.assertRaisesRegex(ArtifactError, "found 'nothing'"):
            artifact.get_tensor("nothing")
        with self.assertRaises(FileNotFoundError):
            load_artifact(FOLDER / "absent.zst")


if __name__ == "__main__":
    unittest.main()
