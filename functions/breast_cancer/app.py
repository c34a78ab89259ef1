"""Whether a breast mass is malignant or benign, from 30 measurements of its cell nuclei.

The forest is an ONNX graph; what goes into it is made by `features.to_feeds`, which model.yaml names.
"""

from biopsy import Biopsy, Diagnosis

from modelet import ModelHandler
from modelet.backends.onnx import OnnxModel, Outputs


class BreastCancerModel(OnnxModel[Biopsy, Diagnosis]):
    """Each diagnosis carries the id of its biopsy, so that answers can be joined with what was asked."""

    def postprocess(self, outputs: Outputs, instances: list[Biopsy]) -> list[Diagnosis]:
        """The graph's labels, with the share of the forest that agrees."""
        # In float32 the shares of 201 trees may sum to a hair above one.
        agreement = outputs["probabilities"].max(axis=1).clip(0, 1).tolist()
        return [
            Diagnosis(id=biopsy.id, diagnosis=diagnosis, probability=probability)
            for biopsy, diagnosis, probability in zip(instances, outputs["label"], agreement, strict=True)
        ]


handler = ModelHandler(BreastCancerModel)
