"""The styles of predictors: find the one of a class or a module. A style is a module with `check` and `opened`."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from modelet.errors import StartError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from modelet.predictors.received import Received
    from modelet.store.artifacts import Artifacts

    class Served(Protocol):
        """A predictor that is ready."""

        predict_batch: Callable[[list[Received]], Any] | None

        def predict(self, received: Received) -> Any:
            """Answer one request."""

    class Style(Protocol):
        """A style of predictors."""

        def check(self, target: Any, config: dict[str, Any]) -> None:
            """Raise StartError if a predictor cannot be served."""

        def opened(self, target: Any, config: dict[str, Any], artifacts: Artifacts) -> Served:
            """Create a predictor."""


STYLE = "modelet_style"
"""The attribute with which a stand-in of another server's class names its style."""
SAGEMAKER = ("model_fn", "predict_fn")
HANDLE = "handle"


def style_of(target: Any) -> Style:
    """Return the style of a class or a module. Raises StartError if it is not a predictor."""
    name = getattr(target, STYLE, None) or _name_of(target)
    style: Style = import_module(f"modelet.predictors.{name}")
    return style


def _name_of(target: Any) -> str:
    if isinstance(target, ModuleType):
        if any(hasattr(target, name) for name in SAGEMAKER):
            return "sagemaker"
        if callable(getattr(target, HANDLE, None)):
            return "torchserve"
        raise StartError(
            f"{target.__name__}.py has neither model_fn and predict_fn, nor handle(data, context): "
            "name its class in model.yaml (predictor: {module: …, class: …})"
        )
    return "torchserve" if hasattr(target, "initialize") and hasattr(target, HANDLE) else "plain"


def imported(module: str, name: str | None) -> Any:
    """Return the class or the module that model.yaml names. Raises StartError if there is none."""
    try:
        found = import_module(module)
    except ImportError as error:
        raise StartError(f"model.yaml: predictor: {module} cannot be imported: {error}") from None
    if name is None:
        return found
    target = getattr(found, name, None)
    if target is None:
        raise StartError(f"model.yaml: predictor: {module}.py has no {name}")
    return target
