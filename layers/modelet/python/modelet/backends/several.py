"""Versions with several models: open each with its own backend, and decide on one prediction from their answers."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

from modelet.backends import BACKENDS, resolve
from modelet.errors import ArtifactError, ContractError, RequestError
from modelet.model import InstanceT, Model, PredictionT

if TYPE_CHECKING:
    from modelet.backends.outputs import TabularModel
    from modelet.contract.contract import Contract
    from modelet.store.artifacts import Artifacts
    from modelet.store.manifest import Manifest

__all__ = ["GenericModel", "OpenedModel", "open_models"]

BACKEND = "backend"


class OpenedModel:
    """One of a version's models, opened. manifest: its own description. model: the backend's model."""

    def __init__(self, model: TabularModel[Any, Any], manifest: Manifest) -> None:
        self.model = model
        self.manifest = manifest

    def predict(self, instances: list[Any]) -> list[Any]:
        """Return the default prediction of each instance.

        Instances are mappings from the model's columns to values; other members are ignored. Raises ContractError that
        names the instances with a value that the model does not take.
        """
        model = self.model
        return model.postprocess(model.infer(model.preprocess(instances)), instances)


def open_models(artifacts: Artifacts) -> dict[str, OpenedModel]:
    """Open all models of a version, by their names in `Trained(estimator={name: …})`.

    Raises ArtifactError if the version has one model only, or if a backend cannot open its file.
    """
    manifest = artifacts.manifest
    if not manifest.models:
        raise ArtifactError(
            f"{manifest.name} version {manifest.version} has one model, not several by name: publish it with "
            "Trained(estimator={name: estimator, …}), or use its backend's class"
        )
    return {name: _opened(artifacts, part) for name, part in manifest.models.items()}


def _opened(artifacts: Artifacts, part: Manifest) -> OpenedModel:
    model: TabularModel[Any, Any] = resolve(BACKENDS[part.model_info[BACKEND]].model)()
    view = copy(artifacts)  # it shares the files that are downloaded ahead
    view.manifest = part
    model.load(view)
    artifacts.waited_s = view.waited_s
    return OpenedModel(model, part)


class GenericModel(Model[InstanceT, PredictionT]):
    """Serve a version with several models over the same instances, and one decision about their answers.

    Write `decide`. Without it, and without a class, a prediction has the answer of each model by its name:

        class PriceModel(GenericModel[House, Price]):
            def decide(self, instance: House, answers: dict[str, Any]) -> Price:
                low, high = answers["low"], answers["high"]
                return {"price": (low + high) / 2, "is_sure": high - low < 0.1 * low}

    models: the opened models by name; `load` sets it.
    """

    _names_rows = True
    models: dict[str, OpenedModel]
    _asked: tuple[str, ...] = ()

    def load(self, artifacts: Artifacts) -> None:
        """Open the models. Raises ArtifactError like `open_models`."""
        self.models = open_models(artifacts)

    def preprocess(self, instances: list[InstanceT]) -> dict[str, Any]:
        """Return the inputs of each model. Raises ContractError with the bad values of all of them."""
        inputs, errors = {}, []
        for name, opened in self.models.items():
            try:
                inputs[name] = opened.model.preprocess(instances)
            except ContractError as error:
                errors.append(error)
        if errors:
            raise _merged(errors)
        return inputs

    def infer(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Return the outputs of each model."""
        return {name: opened.model.infer(inputs[name]) for name, opened in self.models.items()}

    def postprocess(self, outputs: dict[str, Any], instances: list[InstanceT]) -> list[PredictionT]:
        """Return the decision on each instance. Raises ContractError with the instances that `decide` rejected."""
        answers = {name: opened.model.postprocess(outputs[name], instances) for name, opened in self.models.items()}
        names = list(answers)
        predictions, rejected = [], []
        for place, row in enumerate(zip(*answers.values(), strict=True)):
            try:
                predictions.append(self.decide(instances[place], dict(zip(names, row, strict=True))))
            except RequestError as error:
                rejected.append((place, str(error)))
        if rejected:
            from modelet.backends.python import REJECTED  # noqa: PLC0415 - few requests are rejected
            from modelet.violation import Violation  # noqa: PLC0415 - the same

            raise ContractError([Violation(place, "", said, REJECTED) for place, said in rejected])
        return predictions

    def decide(self, instance: InstanceT, answers: dict[str, Any]) -> PredictionT:  # noqa: ARG002 - for authors
        """Return the prediction of one instance. Raise RequestError, with a text for the caller, to reject it.

        answers: the default prediction of each model, by its name.

        By default, these are the answers of the models that the prediction's type names.
        """
        prediction: Any = {name: answers[name] for name in self._asked or answers}
        return prediction  # type: ignore[no-any-return]

    def _adapt_contract(self, contract: Contract) -> Contract:
        """Return the contract. Without `decide`, each model's answer has the members that the contract names."""
        if type(self).decide is GenericModel.decide:
            from modelet.backends.answers import fields_of  # noqa: PLC0415 - it is imported for such answers anyway

            fields = fields_of(contract.prediction) or {}
            self._asked = tuple([name for name in self.models if name in fields])
            for name in self._asked:
                self.models[name].model._prediction = fields[name]["schema"]
        return contract

    def _select_rows(self, inputs: dict[str, Any], rows: list[int], cause: Exception) -> dict[str, Any] | None:
        selected = {name: opened.model._select_rows(inputs[name], rows, cause) for name, opened in self.models.items()}
        return None if None in selected.values() else selected


def _merged(errors: list[ContractError]) -> ContractError:
    """Return one error with the violations of all models; two models that reject a value say so once."""
    from modelet.backends.grid import merged  # noqa: PLC0415 - few requests are rejected

    whole = merged(errors)
    different = dict.fromkeys(whole.violations)
    return ContractError(list(different), max(error.count for error in errors), rows=whole.rows, is_complete=False)
