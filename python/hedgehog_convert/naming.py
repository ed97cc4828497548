"""What transformers calls the tensors and settings of an artifact's model, by the schema of its architecture.

`hh-convert export --to hf` follows the same rules; tests compare both.
"""
from __future__ import annotations

import hashlib
import json
import re
from importlib import resources
from typing import Any

import numpy as np

from .artifact import ArtifactError, ArtifactFile

SETTINGS = {  # in a manifest's `featureMap`, and in the object `hedgehog` of a configuration
    "kind": "feature_map", "featureDimension": "feature_size", "bias": "bias", "sharing": "key_maps",
    "epsilon": "epsilon", "epsilonPlacement": "epsilon_placement", "constant": "constant", "positions": "positions",
    "window": "window", "sinks": "sinks", "windowFactor": "window_factor", "softmaxLayers": "softmax_layers"}
MODULES = {  # parts that not every model of an architecture has, by the role that shows them
    "pooler.weight": "pooler", "masked.decoder.bias": "decoder_bias", "nextSentence.weight": "next_sentence",
    "embedding.mask": "mask_token"}
TYPES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16", "F64": "float64"}


class Naming:
    """The tensors of an artifact by role, and the class, names and settings that a model of transformers has."""

    def __init__(self, artifact: ArtifactFile) -> None:
        self.artifact = artifact
        self.config: dict[str, Any] = artifact.manifest["architecture"]["config"]
        name = artifact.manifest["architecture"]["name"]
        file = resources.files(__package__) / "architectures" / f"{name}.json"
        if not re.fullmatch("[a-z0-9]+", name) or not file.is_file():
            raise ArtifactError(f"{artifact.path}: expected an architecture that is known, found {name!r}")
        self.schema: dict[str, Any] = json.loads(file.read_text())
        self.specs = {spec["role"]: spec for spec in self.schema["tensors"]}
        # Of a model that was trained from scratch every tensor is new.
        self.maps = [
            name for name in artifact
            if artifact.origin(name) == "new" and re.match(r"layers\.\d+\.attention\.", name)]
        self.tensors = self._tensors()
        self.sizes = self._sizes()
        self.heads = self._heads()

    def _tensors(self) -> dict[str, str]:
        """The name of each role's tensor in the artifact."""
        prefixes, tensors = self.schema["prefixes"], {}
        patterns = []
        for role, spec in self.specs.items():
            for name in spec["names"]:
                pattern = re.escape(name).replace(r"\{prefix\}", "(?:" + "|".join(map(re.escape, prefixes)) + ")")
                patterns.append((re.compile(pattern.replace(r"\{layer\}", r"(\d+)") + r"\Z"), role))
        for name in self.artifact:
            if name in self.maps:
                continue
            today = name
            for rename in self.schema.get("renames", []):
                today = today.replace(rename["from"], rename["to"])
            found = next(((match, role) for pattern, role in patterns if (match := pattern.match(today))), None)
            if found is None:
                raise ArtifactError(
                    f"{self.artifact.path}: {name}: expected a name of the architecture"
                    f" {self.schema['architecture']}: 'hh-convert export --to hf' knows more")
            layer = found[0].group(1) if found[0].groups() else ""
            tensors[found[1].replace("{layer}", layer)] = name
        return tensors

    def has(self, role: str) -> bool:
        """Whether the model has a tensor of a role, stored or tied to another."""
        spec = self.specs[role]
        if role in self.tensors or "tiedTo" not in spec or "group" in spec:
            return role in self.tensors
        return bool(self.sizes["tiedHead"]) and spec["tiedTo"] in self.tensors

    def _heads(self) -> list[dict[str, Any]]:
        heads = [head for head in self.schema["heads"] if self.has(head["role"])]
        classifiers = [head for head in heads if head["role"].startswith("classifier.")]
        return classifiers[:1] or heads

    @property
    def class_name(self) -> str:
        """The model's class in `modeling_hedgehog`."""
        suffix = self.heads[0]["suffix"] if self.heads else "Model"
        return f"Hedgehog{self.schema['classPrefix']}{suffix}"

    def names(self) -> dict[str, str]:
        """For each tensor of the artifact its name in the model."""
        def is_head(role: str) -> bool:
            return not self.specs[role]["names"][0].startswith("{prefix}") and self.has(role)

        prefix = self.schema["prefixes"][0] if any(map(is_head, self.specs)) else ""

        def canonical(role: str) -> str:
            layer = re.search(r"\d+", role) if role.startswith("layers.") else None
            spec = self.specs[role if layer is None else role.replace(layer.group(), "{layer}", 1)]
            name: str = spec["names"][0].replace("{prefix}", prefix)
            return name if layer is None else name.replace("{layer}", layer.group())

        result = {name: canonical(role) for role, name in self.tensors.items()}
        for name in self.maps:
            stem = ".".join(name.split(".")[:3])
            roles = (f"{stem}.query.weight", f"{stem}.qkv.weight")
            projection = next((canonical(role) for role in roles if role in self.tensors), stem)
            result[name] = projection.rsplit(".", 2)[0] + name[len(stem):]
        return result

    def configuration(self) -> dict[str, Any]:
        """The `config.json` of the model."""
        given = without_code(self.config)
        stem, schema = f"modeling_hedgehog.Hedgehog{self.schema['classPrefix']}", self.schema
        loaders = {"AutoConfig": f"{stem}Config", "AutoModel": f"{stem}Model"}
        loaders.update({head["loader"]: stem + head["suffix"] for head in self.heads})
        result = {
            "model_type": f"hedgehog_{schema['architecture']}", "architectures": [self.class_name], "auto_map": loaders}
        result.update({key: value for key, value in self._completed(given).items() if key not in result})
        result.update({key: value for key, value in self._tokens().items() if key not in given})
        if not any(isinstance(given.get(key), str) for key in ("dtype", "torch_dtype")):
            kinds = (self.artifact.get_slice(name).get_dtype() for name in self.tensors.values())
            result["dtype"] = next((TYPES[kind] for kind in kinds if kind in TYPES), "float32")
        result["hedgehog"] = self._settings()
        return result

    def _settings(self) -> dict[str, Any]:
        described = self.artifact.manifest["featureMap"]
        settings = {"source_model_type": self.schema["architecture"]}
        settings.update({key: described[name] for name, key in SETTINGS.items() if name in described})
        settings["epsilon"] = float(str(np.float32(settings["epsilon"])))
        settings["modules"] = [module for role, module in MODULES.items() if self.tensors.get(role)]
        # By this `hh-convert pack` knows the artifact again.
        settings["artifact"] = hashlib.sha256(self.artifact.metadata()["hedgehog"].encode()).hexdigest()
        return settings

    def _tokens(self) -> dict[str, int]:
        """The ids of special tokens that the metadata of a GGUF source tells."""
        if "gguf.json" not in self.artifact.files:
            return {}
        metadata = json.loads(self.artifact.read_file("gguf.json"))["metadata"]
        keys = {"bos_token_id": "bos_token_id", "eos_token_id": "eos_token_id", "pad_token_id": "padding_token_id"}
        found = {key: metadata.get(f"tokenizer.ggml.{name}") for key, name in keys.items()}
        return {key: entry["value"] for key, entry in found.items() if entry is not None}

    def _sizes(self) -> dict[str, Any]:
        """Every hyper-parameter, by the configuration, the tensors, or the reference implementation."""
        values = self._observed()
        for key in self.schema["configuration"]:
            present = [found for name in key["keys"] if (found := value_at(self.config, name)) is not None]
            if present:
                values[key["name"]] = present[0]
            elif key["name"] not in values or key.get("inferable") is False:
                values[key["name"]] = calculated(key["default"], values)
        return values

    def _completed(self, given: dict[str, Any]) -> dict[str, Any]:
        """The configuration with every number, word and truth value written out."""
        result = dict(given)
        for key in self.schema["configuration"]:
            value, plain = self.sizes[key["name"]], next((name for name in key["keys"] if "." not in name), None)
            is_given = any(value_at(given, name) is not None for name in key["keys"])
            if not is_given and key["type"] not in ("token", "object") and plain is not None and value is not None:
                result[plain] = value
        labels = self.sizes.get("labelCount", 0)
        if labels and len(result.get("id2label") or ()) != labels:
            result["id2label"] = {str(label): f"LABEL_{label}" for label in range(labels)}
            result["label2id"] = {f"LABEL_{label}": label for label in range(labels)}
        return result

    def _observed(self) -> dict[str, Any]:
        """The hyper-parameters that names and shapes of tensors show."""
        sizes: dict[str, Any] = {}
        for role, spec in self.specs.items():
            name = self.tensors.get(role.replace("{layer}", "0"))
            if name is not None:
                for extent, size in zip(spec["shape"], self.artifact.get_slice(name).get_shape()):
                    if isinstance(extent, str) and extent.isalpha():
                        sizes.setdefault(extent, size)
                if "when" in spec:
                    sizes[spec["when"]] = True
            if "tiedTo" in spec and "group" not in spec:
                sizes["tiedHead"] = name is None
        layers = [int(role.split(".")[1]) for role in self.tensors if role.startswith("layers.")]
        sizes["layerCount"] = max(layers, default=-1) + 1
        if "positionCount" in sizes and "patchSize" in sizes:
            sizes["imageSize"] = round((sizes["positionCount"] - 1) ** 0.5) * sizes["patchSize"]
        return sizes


def value_at(settings: dict[str, Any], key: str) -> Any:
    """The value of a key, of which a dot descends into an object."""
    value: Any = settings
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def calculated(default: Any, values: dict[str, Any]) -> Any:
    """A default: a value, or a text that is a name or a product or quotient of names and numbers."""
    if not isinstance(default, str):
        return default

    def operand(text: str) -> Any:
        return int(text) if text.isdigit() else values.get(text)

    for sign in "*/":
        if sign in default:
            a, b = map(operand, default.split(sign))
            if a is None or b is None:
                return None
            return a * b if sign == "*" else a // b
    return values.get(default, default)


def without_code(settings: Any) -> Any:
    """Settings without members that would make transformers run code of the source."""
    if isinstance(settings, list):
        return [without_code(each) for each in settings]
    if not isinstance(settings, dict):
        return settings
    return {key: without_code(value) for key, value in settings.items() if not is_code(key, value)}


def is_code(key: str, value: Any) -> bool:
    if key in ("auto_map", "custom_pipelines", "custom_generate"):
        return not isinstance(value, (int, float))
    return "_implementation" in key and names_hub(value)


def names_hub(value: Any) -> bool:
    """Whether a chosen implementation, or one of several by parts of a model, is a repository's."""
    if isinstance(value, dict):
        return any(map(names_hub, value.values()))
    return isinstance(value, str) and "/" in value
