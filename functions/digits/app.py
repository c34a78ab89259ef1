"""Read a handwritten digit in a picture: a PNG or JPEG file, as the body itself, as base64 in JSON, or in a form.

The model is a small convolutional network of torch, trained on scikit-learn's digits (`training/`). It reads one digit
that fills the picture, dark on light or light on dark.
"""

from typing import Annotated

import numpy as np
from annotated_types import Interval
from typing_extensions import TypedDict

from modelet import ModelHandler
from modelet.backends.images import Image, pictures
from modelet.backends.onnx import Feeds, OnnxModel, Outputs

SIZE = (28, 28)


class Picture(TypedDict):
    image: Image


class Digit(TypedDict):
    digit: Annotated[int, Interval(ge=0, le=9)]
    probability: Annotated[float, Interval(ge=0, le=1)]


class DigitsModel(OnnxModel[Picture, Digit]):
    """Feeds grey pictures of 28 × 28 pixels, and returns the most probable digit."""

    def preprocess(self, instances: list[Picture]) -> Feeds:
        return {"image": pictures(instances, size=SIZE)[:, np.newaxis].astype(np.float32)}

    def postprocess(self, outputs: Outputs, instances: list[Picture]) -> list[Digit]:
        shares = outputs["probabilities"]
        digits = shares.argmax(axis=1).tolist()
        tops = shares.max(axis=1).clip(max=1).tolist()
        return [{"digit": digit, "probability": top} for digit, top in zip(digits, tops, strict=True)]


handler = ModelHandler(DigitsModel)
