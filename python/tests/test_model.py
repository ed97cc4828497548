"""Models that to_transformers makes, compared with the exported folders in HH_ARTIFACTS."""
import importlib.util
import json
import os
import pathlib
import tempfile
import unittest

FOLDER = pathlib.Path(os.environ["HH_ARTIFACTS"])
os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", HF_HUB_DISABLE_PROGRESS_BARS="1")
os.environ["HF_MODULES_CACHE"] = str(FOLDER / "modules")
IS_POSSIBLE = all(map(importlib.util.find_spec, ("torch", "transformers")))


@unittest.skipUnless(IS_POSSIBLE, "needs PyTorch and transformers")
class Models(unittest.TestCase):
    def test_models_are_those_of_exported_folders(self):
        import torch
        import transformers

        from hedgehog_convert import to_transformers

        for folder in sorted(FOLDER.glob("*-hf")):
            config = json.loads((folder / "config.json").read_text())
            loader = next((name for name in reversed(config["auto_map"]) if name != "AutoConfig"))
            expected = getattr(transformers, loader).from_pretrained(folder, trust_remote_code=True)
            made = to_transformers(str(folder)[:-3] + ".zst")
            self.assertEqual(type(made).__name__, type(expected).__name__)
            theirs, ours = expected.state_dict(), made.state_dict()
            self.assertEqual(list(ours), list(theirs), folder.name)
            for name in ours:
                self.assertEqual(ours[name].dtype, theirs[name].dtype, name)
                self.assertTrue(torch.equal(ours[name], theirs[name]), name)
            with tempfile.TemporaryDirectory() as saved:
                made.save_pretrained(saved)
                again = getattr(transformers, loader).from_pretrained(saved, trust_remote_code=True)
                self.assertTrue(all(torch.equal(ours[name], value) for name, value in again.state_dict().items()))

    def test_tensors_of_torch(self):
        import torch

        from hedgehog_convert import load_artifact

        for path in FOLDER.glob("*-hf"):
            path = str(path)[:-3] + ".zst"
            with load_artifact(path, "pt") as tensors, load_artifact(path) as arrays:
                for name in tensors.keys():
                    tensor = tensors.get_tensor(name)
                    self.assertEqual(list(tensor.shape), tensors.get_slice(name).get_shape())
                    if tensor.dtype != torch.bfloat16:
                        self.assertTrue(torch.equal(tensor, torch.from_numpy(arrays.get_tensor(name))), name)


if __name__ == "__main__":
    unittest.main()
