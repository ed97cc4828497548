"""Names and settings of models, compared with what `hh-convert export --to hf` wrote into HH_ARTIFACTS/NAME-hf."""
import json
import os
import pathlib
import unittest

from safetensors import safe_open

from hedgehog_convert import ArtifactError, load_artifact
from hedgehog_convert.naming import Naming, without_code

FOLDER = pathlib.Path(os.environ["HH_ARTIFACTS"])


class Names(unittest.TestCase):
    def test_configuration_and_names_are_those_of_the_export(self):
        folders = sorted(FOLDER.glob("*-hf"))
        self.assertGreater(len(folders), 3)
        for folder in folders:
            with load_artifact(str(folder)[:-3] + ".zst") as artifact:
                naming = Naming(artifact)
                expected = json.loads((folder / "config.json").read_text())
                self.assertEqual(naming.configuration(), expected, folder.name)
                with safe_open(folder / "model.safetensors", "np") as file:
                    self.assertEqual(sorted(naming.names().values()), sorted(file.keys()), folder.name)

    def test_a_tensor_without_a_place_is_refused(self):
        with load_artifact(FOLDER / "wrapped.zst") as artifact:
            with self.assertRaisesRegex(ArtifactError, "expected a name of the architecture .*export --to hf"):
                Naming(artifact)

    def test_code_of_the_source_does_not_come_along(self):
        given = {"auto_map": {"AutoModel": "x.Y"}, "attn_implementation": "a/b", "text": {"custom_generate": "c/d"}, "n": 1}
        self.assertEqual(without_code(given), {"text": {}, "n": 1})
        self.assertEqual(without_code({"attn_implementation": "eager", "auto_map": 3}),
                         {"attn_implementation": "eager", "auto_map": 3})


if __name__ == "__main__":
    unittest.main()
