from typing import Any, Literal

from modelet import Model, ModelHandler
from modelet.typing import TypedDict


class A(TypedDict):
    kind: Literal["a"]
    x: float


class B(TypedDict):
    kind: Literal["b"]
    x: int
    y: float


class C(TypedDict):
    x: list[float] | list[str] | str


class D(TypedDict):
    x: dict[str, int] | dict[str, str]
    z: int | bool | float


Row = A | B | C | D


class Count(Model[Row, int]):
    def preprocess(self, instances: list[Row]) -> Any:
        return instances

    def infer(self, inputs: Any) -> list[int]:
        return [1] * len(inputs)


handler = ModelHandler(Count)
