"""What a predictor receives: the payload, the query parameters and the headers of one request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Headers(dict[str, str]):
    """The headers of a request; names in any case find them, as in HTTP."""

    def __init__(self, headers: Mapping[str, Any]) -> None:
        super().__init__({str(name).lower(): str(value) for name, value in headers.items()})

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        """Return a header's value, or the default."""
        return super().get(name.lower(), default)


class Received(NamedTuple):
    """One request, or one row of a batch, which has neither query parameters nor headers.

    payload: the body's value, as its content type says; None if there is no body. body: its bytes.
    """

    payload: Any
    query_params: dict[str, str]
    headers: Headers
    body: bytes

    @classmethod
    def row(cls, payload: Any) -> Received:
        """Return a row of a batch."""
        return cls(payload, {}, Headers({}), b"")
