"""What an author can change to start sooner: rules, functions of what was found that name a place and a remedy."""

from __future__ import annotations

import ast
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from modelet.backends import BACKENDS
from modelet.dev.profile.owners import MODELET, NEEDED, YOURS, imported_by
from modelet.dev.profile.remedies import INSTEAD, OTHERWISE, PYDANTIC
from modelet.store.artifacts import MEMORY_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from modelet.dev.profile.findings import Findings
    from modelet.dev.profile.importtime import Import
    from modelet.dev.profile.owners import Ownership

WORTH_MS = 5.0
"""What less than this would save is not worth a change."""
APP_MS = 30.0
"""What is left of the imports is known less well: -X importtime tells of import statements only."""
WAIT_MS = 10.0
"""A shorter wait for files may be this machine's own."""


class Advice(NamedTuple):
    """One thing to change.

    where: a file of the project, with its line where there is one. saves_ms: of CPU time; None where nobody knows.
    """

    rule: str
    where: str
    what: str
    instead: str
    saves_ms: float | None = None


def costly_imports(found: Findings) -> Iterator[Advice]:
    """Libraries that the author's modules import and that modelet does not."""
    libraries: Counter[str] = Counter()
    where: dict[str, str] = {}
    for each in _libraries(found.imports[YOURS], found.owners):
        package = "pydantic" if each.package == "pydantic_core" else each.package
        libraries[package] += each.cumulative_us
        where[package] = where.get(package) or each.where
    for package, cost_us in libraries.items():
        if cost_us >= WORTH_MS * 1000 and not (package in PYDANTIC and found.needs_pydantic):
            instead = INSTEAD.get(package, OTHERWISE)
            yield Advice("import", where[package] or found.folder, f"imports {package}", instead, cost_us / 1000)


def _libraries(imports: Sequence[Import], owners: Ownership) -> Iterator[Import]:
    for each in imports:
        if owners.is_authors(each.module):
            yield from _libraries(each.children, owners)
        else:
            yield each


def own_work(found: Findings) -> Iterator[Advice]:
    """Modules of the author's that take long themselves; not that which makes pydantic's classes for the contract."""
    modules = [each for root in found.imports[YOURS] for each in root.walk() if found.owners.is_authors(each.module)]
    works = {found.file(each): each.self_us / 1000 for each in modules if each.self_us >= WORTH_MS * 1000}
    if found.function.has_app and found.app_ms >= APP_MS:
        works[f"{found.folder}/app.py"] = found.app_ms
    for file, took_ms in works.items():
        if not (found.needs_pydantic and found.owners.where("pydantic").startswith(file)):
            instead = "do it in load, from a file of the version, or where the model is trained"
            yield Advice("work", file, "works while it is imported", instead, took_ms)


def pydantic_contract(found: Findings) -> Iterator[Advice]:
    """A contract that pydantic itself has to serve."""
    if found.needs_pydantic:
        cost = found.cost_ms(YOURS, PYDANTIC)
        where = found.owners.where("pydantic") or f"{found.folder}/app.py"
        # What pydantic makes of a class, it makes while the class's module is imported.
        models = [each for root in found.imports[YOURS] for each in root.walk() if where.startswith(found.file(each))]
        cost += sum(each.self_us for each in models) / 1000
        what = f"the contract needs pydantic: {found.needs_pydantic}"
        yield Advice("contract", where, what, "a TypedDict of modelet.typing with its constraints is compiled", cost)


def heavy_backend(found: Findings) -> Iterator[Advice]:
    """A model that is served by a heavy library, where a lighter one may do."""
    backend = BACKENDS[found.function.spec.backend]
    if backend.instead:
        # numpy and the like are imported whatever the backend is.
        cost = found.cost_ms(MODELET, (imported_by(backend.name) | {"pandas"}) - NEEDED)
        where = f"{found.folder}/model.yaml"
        what = f"backend: {backend.name} imports {', '.join(sorted(imported_by(backend.name) - NEEDED))}"
        yield Advice("backend", where, what, f"{backend.instead}: modelet publish {found.function.name}", cost)


def slow_fetch(found: Findings) -> Iterator[Advice]:
    """Files that are waited for."""
    if found.function.spec.artifact != "baked" and found.fetch_ms >= WAIT_MS:
        megabytes = sum(file.bytes for file in found.manifest.files) / 1_048_576
        what = f"waits for {megabytes:.1f} MB of the store"
        instead = "artifact: baked has the files in the image"
        yield Advice("fetch", f"{found.folder}/model.yaml", what, instead, found.fetch_ms)


def large_file(found: Findings) -> Iterator[Advice]:
    """Large files that the author's code reads whole."""
    large = {file.path: file.bytes for file in found.manifest.files if file.bytes > MEMORY_LIMIT}
    for path in sorted(found.function.folder.glob("*.py")) if large else ():
        for node in ast.walk(ast.parse(path.read_bytes())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                continue
            name = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
            if node.func.attr in {"read", "text", "json"} and isinstance(name, str) and name in large:
                where = f"{found.folder}/{path.name}:{node.lineno}"
                what = f"reads the {large[name] / 1_048_576:.0f} MB of {name} into memory"
                yield Advice("file", where, what, f'artifacts.path("{name}") is on disk: open, or map, it there')


def older_graph(found: Findings) -> Iterator[Advice]:
    """A graph of which publishing makes more by now."""
    if found.graph_ms >= WORTH_MS:
        what = f"version {found.manifest.version} has a graph that publishing makes quicker to open by now"
        instead = f"modelet publish {found.function.name}"
        yield Advice("graph", f"{found.folder}/model.yaml", what, instead, found.graph_ms)


def bytecode(found: Findings) -> Iterator[Advice]:
    """Modules that Python compiles at every start."""
    if found.compiled:
        many = f"{len(found.compiled)} modules have" if len(found.compiled) > 1 else "a module has"
        instead = "python -m compileall, where the folder can be written"
        yield Advice("bytecode", found.compiled[0], f"{many} no bytecode: every start compiles again", instead)


RULES: tuple[Callable[[Findings], Iterator[Advice]], ...] = (
    costly_imports,
    own_work,
    pydantic_contract,
    heavy_backend,
    slow_fetch,
    large_file,
    older_graph,
    bytecode,
)


def advise(found: Findings) -> list[Advice]:
    """All that the rules say, what saves the most first."""
    said = [advice for rule in RULES for advice in rule(found)]
    return sorted(said, key=lambda advice: advice.saves_ms or 0.0, reverse=True)
