"""A model of Hugging Face transformers from an artifact."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import modeling_hedgehog
from .artifact import ArtifactError, Path, explained, load_artifact
from .naming import Naming

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def to_transformers(path: Path, *, base: Path | list[Path] | None = None, **options: Any) -> PreTrainedModel:
    """The Hedgehog model of an artifact, of the class that `hh-convert export --to hf` names.

    `options` go to `from_pretrained`, such as `dtype`. A delta needs `base`, as in `load_artifact`. The model saves
    itself with its code, so that `save_pretrained` gives a folder that loads with `trust_remote_code=True`.

    Raises `ArtifactError` for an artifact that is damaged or of which a tensor has no place in the model.
    """
    with load_artifact(path, "pt", base=base) as artifact, explained(artifact.path):
        naming = Naming(artifact)
        settings, renamed = naming.configuration(), naming.names()
        tensors = {name: artifact.get_tensor(old) for old, name in renamed.items()}
    # Of a class that is registered, saving copies the file with its code.
    for loader, place in settings.pop("auto_map").items():
        getattr(modeling_hedgehog, place.split(".")[1]).register_for_auto_class(loader)
    kind = getattr(modeling_hedgehog, naming.class_name)
    config = kind.config_class.from_dict(settings)
    model, report = kind.from_pretrained(None, config=config, state_dict=tensors, output_loading_info=True, **options)
    for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if report.get(problem):
            names = ", ".join(map(str, sorted(report[problem])[:4]))
            raise ArtifactError(f"{artifact.path}: expected the tensors of {naming.class_name}, found {problem}: {names}")
    return model.eval()
