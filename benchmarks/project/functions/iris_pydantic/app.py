from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel

from modelet import ModelHandler
from modelet.backends.onnx import Feeds, OnnxModel, Outputs
from modelet.typing import Gt

Centimetres = Annotated[float, Gt(0)]


class Flower(BaseModel):
    sepal_length: Centimetres
    sepal_width: Centimetres
    petal_length: Centimetres
    petal_width: Centimetres


class Species(BaseModel):
    label: Literal["setosa", "versicolor", "virginica"]
    probability: float


class IrisModel(OnnxModel[Flower, Species]):
    def preprocess(self, instances: list[Flower]) -> Feeds:
        rows = [[getattr(flower, name) for name in self.manifest.features] for flower in instances]
        return dict.fromkeys(self.inputs, np.array(rows, np.float32))

    def postprocess(self, outputs: Outputs, instances: list[Flower]) -> list[Any]:
        return super().postprocess(outputs, instances)


handler = ModelHandler(IrisModel)
