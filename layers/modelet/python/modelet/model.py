"""The class that an author writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args, get_origin

if TYPE_CHECKING:
    from modelet.contract.contract import Contract
    from modelet.store.artifacts import Artifacts

InstanceT = TypeVar("InstanceT")
PredictionT = TypeVar("PredictionT")


class Model(Generic[InstanceT, PredictionT]):
    """A trained model as four methods; override those that your model needs.

    The two type arguments are the contract: the type of one instance and the type of one prediction. `preprocess`
    receives validated instances; the predictions that `postprocess` returns are validated too.

        class Shouting(Model[str, str]):
            def infer(self, inputs: list[str]) -> list[str]:
                return [text.upper() for text in inputs]

    One environment serves one request at a time, so `self` needs no locks. Attributes that `load` sets are available
    in every request.
    """

    _expected_rows: int | None = None
    """The number of instances in the inputs of `infer`; None outside of a pipeline."""
    _pipeline: Any = None
    """The class of the pipeline, if it is not the usual one: for plain predictors."""
    _prediction: dict[str, Any] | None = None
    """The core schema of a prediction; None outside of a pipeline."""
    _names_rows = False
    """Whether a ContractError of `infer` or `postprocess` names instances by place: the others can be predicted."""

    def load(self, artifacts: Artifacts) -> None:
        """Open the version's files, once, when the function starts."""

    def restored(self) -> None:
        """Recreate what environments must not share, such as connections and random generators.

        Called with `snapstart: true`, in each environment that starts from the snapshot of a loaded model. The
        generators of `random` and of numpy's own functions are already reseeded.
        """

    def preprocess(self, instances: list[InstanceT]) -> Any:
        """Turn validated instances into the inputs of `infer`."""
        return instances

    def infer(self, inputs: Any) -> Any:
        """Run the model on all instances of a request at once and return its outputs."""
        raise NotImplementedError(f"{type(self).__name__} has no infer: override it, or inherit from a backend's class")

    def postprocess(self, outputs: Any, instances: list[InstanceT]) -> list[PredictionT]:  # noqa: ARG002 - for authors
        """Turn the outputs of `infer` into one prediction per instance, in their order."""
        predictions: list[PredictionT] = outputs
        return predictions

    def on_batch_complete(self, batch: dict[str, Any]) -> None:
        """React to the end of a batch of this model: in the worker, at least once for each batch.

        batch: its `id`, `model`, `version`, `state` (DONE, FAILED or CANCELLED), `rows`, `failed` and `problem`.
        """

    def _select_rows(self, inputs: Any, rows: list[int], cause: Exception) -> Any:  # noqa: ARG002 - for backends
        """Return some rows of the inputs, to search for those that fail; None if the rows did not cause the error."""
        return None

    def _failing_field(self, instance: InstanceT) -> str:  # noqa: ARG002 - for backends
        """Return the field on which `infer` fails; empty if it cannot be determined."""
        return ""

    def _adapt_contract(self, contract: Contract) -> Contract:
        """Return the contract in the form that is fastest for this model: for backends."""
        return contract


def contract_types(model_class: type[Model[Any, Any]]) -> tuple[Any, Any] | None:
    """Return a model class's types of an instance and a prediction; None if the class does not specify them."""
    for owner in model_class.__mro__:
        for base in getattr(owner, "__orig_bases__", ()):
            origin, arguments = get_origin(base), get_args(base)
            named = not any(isinstance(argument, TypeVar) for argument in arguments)
            if isinstance(origin, type) and issubclass(origin, Model) and len(arguments) == 2 and named:
                return arguments[0], arguments[1]
    return None
