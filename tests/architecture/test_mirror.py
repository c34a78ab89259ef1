"""Tests mirror the package: each module has a test file of its name, or stands in tests/support/mirror.py."""

from __future__ import annotations

from support.mirror import PACKAGE, TESTED_BY, TESTS, UNIT, mirror


def modules() -> set[str]:
    found = (path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))
    return {str(path) for path in found if path.name != "__init__.py" and "templates" not in path.parts}


def test_each_module_has_a_test_file() -> None:
    homeless = {module for module in modules() if not (TESTS / mirror(module)).is_file()}
    assert homeless == TESTED_BY.keys()


def test_each_file_that_tests_another_module_is_there() -> None:
    assert [name for name in TESTED_BY.values() if not (TESTS / name).is_file()] == []


def test_each_test_file_in_the_mirror_stands_where_its_module_does() -> None:
    rooms = {"."} | {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*") if path.is_dir()}
    placed = {str(path.parent.relative_to(UNIT)) for path in UNIT.rglob("test_*.py")}
    assert placed <= rooms
