"""Classify a breast mass as malignant or benign, from 30 measurements of its cell nuclei.

The forest is an ONNX graph; `features.to_feeds`, which model.yaml names, makes its inputs.
"""

from biopsy import Biopsy, Diagnosis

from modelet import ModelHandler
from modelet.backends.onnx import OnnxModel, Outputs


class BreastCancerModel(OnnxModel[Biopsy, Diagnosis]):
    """Return each diagnosis with the id of its biopsy, so that answers can be joined with requests."""

    def postprocess(self, outputs: Outputs, instances: list[Biopsy]) -> list[Diagnosis]:
        """Return the graph's labels, with the share of trees that agree."""
        # In float32, the shares of 201 trees may sum to slightly more than one.
        agreement = outputs["probabilities"].max(axis=1).clip(0, 1).tolist()
        return [
            Diagnosis(id=biopsy.id, diagnosis=diagnosis, probability=probability)
            for biopsy, diagnosis, probability in zip(instances, outputs["label"], agreement, strict=True)
        ]


handler = ModelHandler(BreastCancerModel)
