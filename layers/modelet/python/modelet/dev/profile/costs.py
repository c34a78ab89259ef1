"""The imports to show: those above a minimum cost, the most expensive first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from modelet.dev.profile.importtime import Import

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Cost(NamedTuple):
    """An import: times in ms, alone and with everything that it imported. `imports` has those worth showing.

    where: the author's line that caused it, empty if unknown.
    """

    module: str
    where: str
    cumulative_ms: float
    self_ms: float
    imports: list[Cost]

    def document(self) -> dict[str, Any]:
        """Return the import as JSON."""
        return {**self._asdict(), "imports": [each.document() for each in self.imports]}

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Cost]]:
        """Yield this import and those below it, each with its depth."""
        yield depth, self
        for each in self.imports:
            yield from each.walk(depth + 1)


def costs(imports: Iterable[Import], least_ms: float) -> list[Cost]:
    """Return the imports that cost at least `least_ms`, the most expensive first."""
    found = [
        Cost(each.module, each.where, each.cumulative_us / 1000, each.self_us / 1000, costs(each.children, least_ms))
        for each in imports
        if each.cumulative_us >= least_ms * 1000
    ]
    return sorted(found, key=lambda cost: cost.cumulative_ms, reverse=True)


def by_package(imports: Iterable[Import]) -> list[Import]:
    """Return the imports with the modules of a package merged where they import each other."""
    packages: dict[str, Import] = {}
    others: dict[str, list[Import]] = {}
    for each in imports:
        whole = packages.setdefault(each.package, Import(each.package, 0, where=each.where))
        waiting = [each]
        while waiting:
            part = waiting.pop()
            whole.self_us += part.self_us
            waiting += [child for child in part.children if child.package == whole.module]
            beyond = [child for child in part.children if child.package != whole.module]
            others.setdefault(whole.module, []).extend(beyond)
    for package, whole in packages.items():
        whole.children = by_package(others[package])
    return list(packages.values())
