from typing import Any, Literal

from modelet import Model, ModelHandler
from modelet.typing import TypedDict


class Row(TypedDict):
    x: Literal["a", "b", "c"]
    y: Literal[1, 2, 3]
    z: bool


class Count(Model[Row, int]):
    def preprocess(self, instances: list[Row]) -> Any:
        return instances

    def infer(self, inputs: Any) -> list[int]:
        return [1] * len(inputs)


handler = ModelHandler(Count)
