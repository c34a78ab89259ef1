"""Plain classes: `__init__(self, config)` and `predict(self, payload)`, in the style of Cortex."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelet.errors import StartError
from modelet.predictors.signature import accepted, check_takes_one, check_takes_some, taken

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelet.predictors.received import Received
    from modelet.store.artifacts import Artifacts

INIT = ("config", "artifacts")
PREDICT = ("payload", "query_params", "headers")


def check(target: Any, config: dict[str, Any]) -> None:
    """Raise StartError if a class cannot be served: without a predict, or with arguments that there are not."""
    name = target.__name__
    if not callable(getattr(target, "predict", None)):
        raise StartError(f"{name} has no predict: write `def predict(self, payload)`")
    init = () if target.__init__ is object.__init__ else accepted(_bound(target, "__init__"), INIT, f"{name}.__init__")
    if config and "config" not in init:
        raise StartError(f"{name}.__init__ does not take config, but model.yaml has one: add it, or remove `config:`")
    if getattr(target, "predict_batch", None) is not None:
        check_takes_one(_bound(target, "predict_batch"), f"{name}.predict_batch")
    check_takes_some(_bound(target, "predict"), PREDICT, f"{name}.predict")
    if abstract := sorted(getattr(target, "__abstractmethods__", ())):
        raise StartError(f"{name} is abstract: write {abstract[0]}, or name the class that has it")


def opened(target: Any, config: dict[str, Any], artifacts: Artifacts) -> PlainPredictor:
    """Create a predictor that `check` accepts. Raises the errors of its `__init__`."""
    offered = {"config": config, "artifacts": artifacts}
    init = () if target.__init__ is object.__init__ else taken(target.__init__, INIT)
    instance = target(**{name: offered[name] for name in init})
    return PlainPredictor(instance, taken(instance.predict, PREDICT))


class PlainPredictor:
    """A plain predictor. predict_batch: its own method for many payloads; None if it has none."""

    def __init__(self, instance: Any, names: tuple[str, ...]) -> None:
        self._predict = instance.predict
        self._names = names
        self._batch: Callable[[list[Any]], Any] | None = getattr(instance, "predict_batch", None)
        self.restored = getattr(instance, "restored", None)
        self.predict_batch = None if self._batch is None else self._predict_batch

    def predict(self, received: Received) -> Any:
        """Answer one request."""
        return self._predict(**{name: getattr(received, name) for name in self._names})

    def _predict_batch(self, rows: list[Received]) -> Any:
        assert self._batch is not None  # noqa: S101 - only called if there is one
        return self._batch([row.payload for row in rows])


def _bound(target: Any, name: str) -> Any:
    """Return a method as it is called on an instance, without `self`. Raises StartError if it is not Python's."""
    import inspect  # noqa: PLC0415 - not needed by a start

    function = inspect.getattr_static(target, name)
    try:
        return function.__get__(object(), target) if hasattr(function, "__get__") else function
    except TypeError:  # of a class such as dict, which has no instances but its own
        raise StartError(f"{target.__name__}.{name} is not a method in Python: write one") from None
