from typing import Annotated, Literal

from modelet import ModelHandler
from modelet.backends.onnx import OnnxModel
from modelet.typing import Gt, TypedDict

Centimetres = Annotated[float, Gt(0)]


class Flower(TypedDict):
    sepal_length: Centimetres
    sepal_width: Centimetres
    petal_length: Centimetres
    petal_width: Centimetres


class Species(TypedDict):
    label: Literal["setosa", "versicolor", "virginica"]
    probability: float


class IrisModel(OnnxModel[Flower, Species]):
    pass


handler = ModelHandler(IrisModel)
