"""Files of LightGBM, XGBoost and CatBoost: which library wrote one is read from its content, not from its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelet.dev.publish.boosting.libraries import adapted, adapter
from modelet.dev.publish.onnx.graph import line
from modelet.errors import PublishError

if TYPE_CHECKING:
    from pathlib import Path

ENDINGS = (".txt", ".json", ".ubj", ".cbm")
HEAD = 4096
"""How many bytes at the start show which library wrote a file."""

EXTRA = "install modelet[boosting]"
SAVED = "save it with the library's own save_model: LightGBM .txt, XGBoost .json or .ubj, CatBoost .cbm"


def library_in(data: bytes) -> str | None:
    """Return the library that wrote a file; None if it is not one of their models."""
    head = data[:HEAD]
    if head.startswith(b"tree\n") and b"\nnum_class=" in head:
        return "lightgbm"
    if head.startswith(b"CBM1"):
        return "catboost"
    # UBJSON of XGBoost: an object whose first key, of 7 letters, is learner.
    if head.startswith(b"{L\0\0\0\0\0\0\0\x07learner") or head.lstrip().startswith((b'{"learner"', b'{"version"')):
        return "xgboost"
    return None


def opened(path: Path) -> Any:
    """Return the model in a file as an estimator. Raises PublishError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PublishError(f"{path.name} cannot be read: {error.strerror}") from error
    library = library_in(data)
    if library is None:
        raise PublishError(f"{path.name} is not a model of LightGBM, XGBoost or CatBoost: {SAVED}")
    try:
        return adapted(adapter(library).opened(data))
    except PublishError:
        raise
    except ModuleNotFoundError as error:
        raise PublishError(f"{path.name} needs {error.name}, which is not installed: {EXTRA}") from error
    except Exception as error:  # each library raises its own errors
        raise PublishError(f"{path.name} cannot be opened by {library} ({line(error)}): {SAVED}") from error
