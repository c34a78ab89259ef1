"""The class that an author writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args, get_origin

if TYPE_CHECKING:
    from modelet.contract.contract import Contract
    from modelet.store.artifacts import Artifacts

InstanceT = TypeVar("InstanceT")
PredictionT = TypeVar("PredictionT")


class Model(Generic[InstanceT, PredictionT]):
    """A trained model as four steps; override those that yours needs.

    The two type arguments are the contract: what one instance is, and what one prediction is. Instances reach
    `preprocess` already checked, and predictions are checked before they leave.

        class Shouting(Model[str, str]):
            def infer(self, inputs: list[str]) -> list[str]:
                return [text.upper() for text in inputs]

    One environment serves one request at a time, so `self` needs no locks. What `load` keeps is there for every
    request.
    """

    _asked: int | None = None
    """Instances that `infer` is asked for; None outside of a pipeline."""

    def load(self, artifacts: Artifacts) -> None:
        """Open the version's files, once, when the function starts."""

    def restored(self) -> None:
        """With `snapstart: true`: make anew what environments may not share, as connections and generators are.

        Called in each environment that starts from the snapshot of a loaded model; `random` and numpy's own functions
        draw anew by themselves.
        """

    def preprocess(self, instances: list[InstanceT]) -> Any:
        """Turn checked instances into what `infer` takes."""
        return instances

    def infer(self, inputs: Any) -> Any:
        """Run the model on all instances of a request at once."""
        raise NotImplementedError(f"{type(self).__name__} has no infer: override it, or start from a backend's class")

    def postprocess(self, outputs: Any, instances: list[InstanceT]) -> list[PredictionT]:  # noqa: ARG002 - for authors
        """Turn what `infer` gave into one prediction an instance, in their order."""
        predictions: list[PredictionT] = outputs
        return predictions

    def _part(self, inputs: Any, rows: list[int], cause: Exception) -> Any:  # noqa: ARG002 - for backends
        """Some rows of what `infer` was given, to find those that it cannot take; None where they are not to blame."""
        return None

    def _blamed(self, instance: InstanceT) -> str:  # noqa: ARG002 - for backends
        """The field of an instance that `infer` cannot take; empty where none stands out."""
        return ""

    def _own_contract(self, contract: Contract) -> Contract:
        """The contract as this model's stages read it best: for backends."""
        return contract


def contract_types(model_class: type[Model[Any, Any]]) -> tuple[Any, Any] | None:
    """The instance's and the prediction's type of a model class; None where the class leaves them open."""
    for owner in model_class.__mro__:
        for base in getattr(owner, "__orig_bases__", ()):
            origin, arguments = get_origin(base), get_args(base)
            named = not any(isinstance(argument, TypeVar) for argument in arguments)
            if isinstance(origin, type) and issubclass(origin, Model) and len(arguments) == 2 and named:
                return arguments[0], arguments[1]
    return None
