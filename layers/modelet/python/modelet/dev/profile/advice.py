"""Rules that find what an author can change for a faster start. Each gives a place and a remedy."""

from __future__ import annotations

import ast
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from modelet.backends import BACKENDS
from modelet.dev.bundle.opens import backend_of
from modelet.dev.profile.owners import MODELET, NEEDED, YOURS, imported_by
from modelet.dev.profile.remedies import INSTEAD, OTHERWISE, PYDANTIC
from modelet.store.artifacts import MEMORY_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from modelet.dev.profile.findings import Findings
    from modelet.dev.profile.importtime import Import
    from modelet.dev.profile.owners import Ownership

WORTH_MS = 5.0
"""A change that saves less than this is not worth the effort."""
APP_MS = 30.0
"""A higher limit for the rest of the imports, because -X importtime reports only import statements."""
WAIT_MS = 10.0
"""A shorter wait for files may depend on this machine only."""


class Advice(NamedTuple):
    """One thing to change.

    where: a file of the project, with a line if known. saves_ms: the CPU time that the change saves, None if unknown.
    """

    rule: str
    where: str
    what: str
    instead: str
    saves_ms: float | None = None


def costly_imports(found: Findings) -> Iterator[Advice]:
    """Find libraries that the author's modules import and modelet does not."""
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
    """Find the author's modules that are slow themselves, except one that defines pydantic classes for the contract."""
    modules = [each for root in found.imports[YOURS] for each in root.walk() if found.owners.is_authors(each.module)]
    works = {found.file(each): each.self_us / 1000 for each in modules if each.self_us >= WORTH_MS * 1000}
    if found.function.has_app and found.app_ms >= APP_MS:
        works[f"{found.folder}/app.py"] = found.app_ms
    for file, took_ms in works.items():
        if not (found.needs_pydantic and found.owners.where("pydantic").startswith(file)):
            instead = "do the work in load, from a file of the version, or during training"
            yield Advice("work", file, "does slow work during its import", instead, took_ms)


def pydantic_contract(found: Findings) -> Iterator[Advice]:
    """Find a contract that needs pydantic."""
    if found.needs_pydantic:
        cost = found.cost_ms(YOURS, PYDANTIC)
        where = found.owners.where("pydantic") or f"{found.folder}/app.py"
        # pydantic builds its validators while the module of the class is imported.
        models = [each for root in found.imports[YOURS] for each in root.walk() if where.startswith(found.file(each))]
        cost += sum(each.self_us for each in models) / 1000
        what = f"the contract needs pydantic: {found.needs_pydantic}"
        yield Advice("contract", where, what, "use a TypedDict of modelet.typing, which needs no pydantic", cost)


def heavy_backend(found: Findings) -> Iterator[Advice]:
    """Find a backend with a heavy library that a lighter backend can replace."""
    backend = BACKENDS[backend_of(found.function, found.manifest)]
    if backend.instead:
        # Every backend imports numpy and the other libraries in NEEDED.
        cost = found.cost_ms(MODELET, (imported_by(backend.name) | {"pandas"}) - NEEDED)
        where = f"{found.folder}/model.yaml"
        what = f"backend: {backend.name} imports {', '.join(sorted(imported_by(backend.name) - NEEDED))}"
        yield Advice("backend", where, what, f"{backend.instead}: modelet publish {found.function.name}", cost)


def slow_fetch(found: Findings) -> Iterator[Advice]:
    """Find files that the start waits for."""
    if found.function.spec.artifact != "baked" and found.fetch_ms >= WAIT_MS:
        megabytes = sum(file.bytes for file in found.manifest.files) / 1_048_576
        what = f"waits for {megabytes:.1f} MB from the store"
        instead = "use artifact: baked, which puts the files in the image"
        yield Advice("fetch", f"{found.folder}/model.yaml", what, instead, found.fetch_ms)


def large_file(found: Findings) -> Iterator[Advice]:
    """Find large files that the author's code reads completely."""
    large = {file.path: file.bytes for file in found.manifest.files if file.bytes > MEMORY_LIMIT}
    for path in sorted(found.function.folder.glob("*.py")) if large else ():
        for node in ast.walk(ast.parse(path.read_bytes())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                continue
            name = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
            if node.func.attr in {"read", "text", "json"} and isinstance(name, str) and name in large:
                where = f"{found.folder}/{path.name}:{node.lineno}"
                what = f"reads the {large[name] / 1_048_576:.0f} MB of {name} into memory"
                yield Advice("file", where, what, f'open or map artifacts.path("{name}"), which is a file on disk')


def older_graph(found: Findings) -> Iterator[Advice]:
    """Find a graph that today's publish would write in a faster form."""
    if found.graph_ms >= WORTH_MS:
        what = f"publishing version {found.manifest.version} again would make its graph faster to open"
        instead = f"modelet publish {found.function.name}"
        yield Advice("graph", f"{found.folder}/model.yaml", what, instead, found.graph_ms)


def bytecode(found: Findings) -> Iterator[Advice]:
    """Find modules that Python compiles at every start."""
    if found.compiled:
        many = f"{len(found.compiled)} modules have" if len(found.compiled) > 1 else "a module has"
        instead = "run python -m compileall while the folder is writable"
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
    """Return the advice of all rules, the largest savings first."""
    said = [advice for rule in RULES for advice in rule(found)]
    return sorted(said, key=lambda advice: advice.saves_ms or 0.0, reverse=True)
