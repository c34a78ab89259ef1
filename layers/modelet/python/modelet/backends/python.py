"""The backend for classes without a framework: rules, and classes that open their files themselves."""

from __future__ import annotations

from modelet.errors import ContractError, RequestError
from modelet.model import InstanceT, Model, PredictionT
from modelet.violation import Violation

REJECTED = "rejected"
"""The rule of a violation that an author's own rule found."""


class RuleModel(Model[InstanceT, PredictionT]):
    """A model that is rules in Python, with the same contract, events and batches as a trained one.

    Write `decide`. With `version: code` in model.yaml, the function's code is the version:

        class CreditRules(RuleModel[Applicant, Decision]):
            def decide(self, instance: Applicant) -> Decision:
                return {"approved": instance["income"] >= 3 * instance["rate"]}
    """

    _names_rows = True

    def decide(self, instance: InstanceT) -> PredictionT:
        """Return the prediction of one instance. Raise RequestError, with a text for the caller, to reject it."""
        raise NotImplementedError(f"{type(self).__name__} has no decide: write it")

    def infer(self, inputs: list[InstanceT]) -> list[PredictionT]:
        """Return the prediction of each instance; override this to decide on all of them at once.

        Raises ContractError with the instances that `decide` rejected.
        """
        predictions, rejected = [], []
        for place, instance in enumerate(inputs):
            try:
                predictions.append(self.decide(instance))
            except RequestError as error:
                rejected.append(Violation(place, "", str(error), REJECTED))
        if rejected:
            raise ContractError(rejected)
        return predictions
