"""The members of an object in model.json, each read with its type; errors name the key."""

from __future__ import annotations

from sys import float_info
from typing import TYPE_CHECKING, Any, TypeVar

from modelet.errors import ManifestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import NoReturn

T = TypeVar("T")

SHOWN = 60
"""Characters of a wrong value that a message shows."""


class Document:
    """One JSON object of the manifest.

    place: its path (`files[2]`), empty for the whole. All readers raise ManifestError if the key is missing or its
    value has another type.
    """

    __slots__ = ("_members", "_place")

    def __init__(self, value: object, place: str = "") -> None:
        self._place = place
        if not isinstance(value, dict):
            raise ManifestError(f"model.json: {place or 'the document'} is {_shown(value)}, not an object")
        self._members: dict[str, Any] = value

    def has(self, key: str) -> bool:
        """Return whether an optional key is present and not null."""
        return self._members.get(key) is not None

    def text(self, key: str, fits: Callable[[str], object] | None = None, rule: str = "") -> str:
        """Return a string; `fits` validates it, and `rule` describes the valid ones."""
        value = self._get(key, str, "a string")
        if fits is not None and not fits(value):
            self.fail(key, rule)
        return value

    def count(self, key: str) -> int:
        """Return an integer from 0."""
        value = self._get(key, int, "an integer")
        if isinstance(value, bool) or value < 0:
            self.fail(key, "an integer from 0")
        return value

    def flag(self, key: str) -> bool:
        """Return true or false."""
        return self._get(key, bool, "true or false")

    def number(self, key: str) -> float:
        """Return a number that a float can represent."""
        return self._float(key, self._get(key, object, "a number"))

    def mapping(self, key: str) -> dict[str, Any]:
        """Return an object with any values."""
        return self._get(key, dict, "an object")

    def nested(self, key: str) -> Document:
        """Return an object as a Document."""
        return Document(self._get(key, dict, "an object"), self._at(key))

    def numbers(self, key: str) -> dict[str, float]:
        """Return an object of numbers."""
        return {name: self._float(f"{key}.{name}", value) for name, value in self.mapping(key).items()}

    def named_texts(self, key: str) -> dict[str, str]:
        """Return an object of strings."""
        named = self.mapping(key)
        for name, value in named.items():
            if not isinstance(value, str):
                self._fail(f"{key}.{name}", value, "a string")
        return named

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of strings."""
        listed = self._get(key, list, "a list")
        for index, value in enumerate(listed):
            if not isinstance(value, str):
                self._fail(f"{key}[{index}]", value, "a string")
        return tuple(listed)

    def scalars(self, key: str) -> tuple[str | int | float | bool, ...]:
        """Return a list of at least one string, number or boolean."""
        listed = self._get(key, list, "a list")
        if not listed:
            self.fail(key, "a list of at least one value")
        for index, value in enumerate(listed):
            if not isinstance(value, str | int | float):
                self._fail(f"{key}[{index}]", value, "a string, a number or a boolean")
        return tuple(listed)

    def objects(self, key: str) -> Iterator[Document]:
        """Yield the objects of a list as Documents."""
        for index, value in enumerate(self._get(key, list, "a list")):
            yield Document(value, self._at(f"{key}[{index}]"))

    def fail(self, key: str, rule: str) -> NoReturn:
        """Raise ManifestError, because the value of a key violates a rule."""
        self._fail(key, self._members[key], rule)

    def _get(self, key: str, kind: type[T], rule: str) -> T:
        if key not in self._members:
            raise ManifestError(f"model.json: {self._at(key)} is missing")
        value = self._members[key]
        if not isinstance(value, kind):
            self._fail(key, value, rule)
        return value

    def _float(self, key: str, value: object) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > float_info.max:
            self._fail(key, value, "a number")
        return float(value)

    def _fail(self, key: str, value: object, rule: str) -> NoReturn:
        raise ManifestError(f"model.json: {self._at(key)} is {_shown(value)}, not {rule}")

    def _at(self, key: str) -> str:
        place = f"{self._place}.{key}" if self._place else key
        return place if place.isprintable() and len(place) <= SHOWN else f"{ascii(place)[1 : SHOWN + 1]}…"


def _shown(value: object) -> str:
    """Return a value as text that fits on one line; only the type if it is nested or huge."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and abs(value) >= 10**SHOWN:
        return "a huge number"
    text = "null" if value is None else ascii(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
