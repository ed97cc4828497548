"""The artifacts of hh-convert in Python: `load_artifact` reads tensors, `to_transformers` makes a model."""
from typing import TYPE_CHECKING, Any

from .artifact import ArtifactError, ArtifactFile, TensorSlice, load_artifact

if TYPE_CHECKING:
    from .model import to_transformers

__all__ = ["ArtifactError", "ArtifactFile", "TensorSlice", "load_artifact", "to_transformers"]


def __getattr__(name: str) -> Any:
    # PyTorch and transformers take seconds to import, and reading tensors needs neither.
    if name == "to_transformers":
        from .model import to_transformers

        return to_transformers
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
