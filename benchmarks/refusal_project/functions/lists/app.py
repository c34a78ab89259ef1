from typing import Any

from modelet import Model, ModelHandler
from modelet.typing import TypedDict


class Item(TypedDict):
    price: float
    count: int


class Row(TypedDict):
    x: list[float]
    items: list[Item]


class Count(Model[Row, int]):
    def preprocess(self, instances: list[Row]) -> Any:
        return instances

    def infer(self, inputs: Any) -> list[int]:
        return [1] * len(inputs)


handler = ModelHandler(Count)
