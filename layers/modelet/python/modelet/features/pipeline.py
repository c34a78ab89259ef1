"""The pipeline of a model with `features:` or `id:`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from modelet.contract.ids import Identified
from modelet.features.contract import Joined, JoinedContract
from modelet.features.join import Join
from modelet.pipeline import InferencePipeline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelet.contract.contract import Checked
    from modelet.contract.ids import RowIds
    from modelet.observability import Timings
    from modelet.pipeline import Inference
    from modelet.violation import Violation


class IdentifiedInference(NamedTuple):
    """The result of a request whose rows have ids: as `Inference`, with the ids of all rows."""

    predictions: list[Any]
    failed: dict[int, list[Violation]]
    total: int
    ids: RowIds


class JoinedPipeline(InferencePipeline):
    """Joins features to rows before they are validated, and puts the rows' ids into their predictions."""

    contract: JoinedContract
    _own: InferencePipeline

    @classmethod
    def around(cls, pipeline: InferencePipeline, spec: Mapping[str, Any], join: Join | None = None) -> JoinedPipeline:
        """Return the same pipeline with what a spec's `features:` and `id:` say. join: by default the spec's."""
        features = spec.get("features")
        same = object.__new__(cls)
        vars(same).update(vars(pipeline))
        same._own = pipeline
        join = join or (Join(features) if features else None)
        same.contract = JoinedContract(pipeline.contract, join, spec.get("id"))
        return same

    def infer(self, checked: Checked, timings: Timings, *, partial: bool = False) -> Inference:
        """Run the model. The join's time is a stage of its own, not a part of validate's."""
        ids = None
        if isinstance(checked, Joined):
            ids = checked.ids
            timings.features = checked.seconds
            timings.validate -= checked.seconds
        result = self._own.infer(checked, timings, partial=partial)
        if ids is None:
            return result
        good = (row_id for row, row_id in enumerate(ids.values) if row not in result.failed)
        predictions = [Identified(row_id, each) for row_id, each in zip(good, result.predictions, strict=True)]
        return IdentifiedInference(predictions, result.failed, result.total, ids)  # type: ignore[return-value] # wider
