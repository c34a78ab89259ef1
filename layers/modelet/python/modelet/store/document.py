"""Typed reading of model.json: every value is checked where it is taken, and the key that is wrong is named."""

from __future__ import annotations

from sys import float_info
from typing import TYPE_CHECKING, Any, TypeVar

from modelet.errors import ManifestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import NoReturn

T = TypeVar("T")
SHOWN = 60
"""How much of a wrong value a message shows."""


class Document:
    """One JSON object of the manifest.

    place: where it is (`files[2]`), empty for the whole. All readings raise ManifestError for a missing key and for a
    value that is not what was asked for.
    """

    __slots__ = ("_members", "_place")

    def __init__(self, value: object, place: str = "") -> None:
        self._place = place
        if not isinstance(value, dict):
            raise ManifestError(f"model.json: {place or 'it'} is {_shown(value)}, not an object")
        self._members: dict[str, Any] = value

    def has(self, key: str) -> bool:
        """Whether an optional key is there and not null."""
        return self._members.get(key) is not None

    def text(self, key: str, fits: Callable[[str], object] | None = None, rule: str = "") -> str:
        """A text; `fits` refuses what it answers falsely, and `rule` then says what would fit."""
        value = self._taken(key, str, "a text")
        if fits is not None and not fits(value):
            self.refuse(key, rule)
        return value

    def count(self, key: str) -> int:
        """A whole number from 0."""
        value = self._taken(key, int, "a whole number")
        if isinstance(value, bool) or value < 0:
            self.refuse(key, "a whole number from 0")
        return value

    def flag(self, key: str) -> bool:
        """True or false."""
        return self._taken(key, bool, "true or false")

    def number(self, key: str) -> float:
        """A number that a float can hold."""
        return self._float(key, self._taken(key, object, "a number"))

    def mapping(self, key: str) -> dict[str, Any]:
        """An object of any values."""
        return self._taken(key, dict, "an object")

    def nested(self, key: str) -> Document:
        """An object, to be read in its turn."""
        return Document(self._taken(key, dict, "an object"), self._at(key))

    def numbers(self, key: str) -> dict[str, float]:
        """An object of numbers."""
        return {name: self._float(f"{key}.{name}", value) for name, value in self.mapping(key).items()}

    def named_texts(self, key: str) -> dict[str, str]:
        """An object of texts."""
        named = self.mapping(key)
        for name, value in named.items():
            if not isinstance(value, str):
                self._refuse_value(f"{key}.{name}", value, "a text")
        return named

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        listed = self._taken(key, list, "a list")
        for index, value in enumerate(listed):
            if not isinstance(value, str):
                self._refuse_value(f"{key}[{index}]", value, "a text")
        return tuple(listed)

    def scalars(self, key: str) -> tuple[str | int | float | bool, ...]:
        """A list of at least one text, number or boolean."""
        listed = self._taken(key, list, "a list")
        if not listed:
            self.refuse(key, "a list of at least one value")
        for index, value in enumerate(listed):
            if not isinstance(value, str | int | float):
                self._refuse_value(f"{key}[{index}]", value, "a text, a number or a boolean")
        return tuple(listed)

    def objects(self, key: str) -> Iterator[Document]:
        """A list of objects, each to be read in its turn."""
        for index, value in enumerate(self._taken(key, list, "a list")):
            yield Document(value, self._at(f"{key}[{index}]"))

    def refuse(self, key: str, rule: str) -> NoReturn:
        """Say that a key's value breaks a rule."""
        self._refuse_value(key, self._members[key], rule)

    def _taken(self, key: str, kind: type[T], rule: str) -> T:
        if key not in self._members:
            raise ManifestError(f"model.json: {self._at(key)} is missing")
        value = self._members[key]
        if not isinstance(value, kind):
            self._refuse_value(key, value, rule)
        return value

    def _float(self, key: str, value: object) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > float_info.max:
            self._refuse_value(key, value, "a number")
        return float(value)

    def _refuse_value(self, key: str, value: object, rule: str) -> NoReturn:
        raise ManifestError(f"model.json: {self._at(key)} is {_shown(value)}, not {rule}")

    def _at(self, key: str) -> str:
        place = f"{self._place}.{key}" if self._place else key
        return place if place.isprintable() and len(place) <= SHOWN else f"{ascii(place)[1 : SHOWN + 1]}…"


def _shown(value: object) -> str:
    """A value short enough for one line; what is deep or huge by its kind."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and abs(value) >= 10**SHOWN:
        return "a huge number"
    text = "null" if value is None else ascii(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
