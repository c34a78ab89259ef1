"""What was imported, by whom, and what a budget calls it."""

from __future__ import annotations

import pytest

from benchmarks.imports import Imported, Imports, chain, cost, costliest, label, labels, unexpected

NAMED = (
    ("_json", "json", 0.5),
    ("json", "", 1.0),
    ("pytz", "pandas", 20.0),
    ("pandas._libs", "pandas", 50.0),
    ("pandas.core.frame", "pandas.core", 30.0),
    ("pandas.core", "pandas", 5.0),
    ("csv", "pandas", 2.0),
    ("pandas", "app", 10.0),
    ("app", "", 3.0),
)
FOUND: Imports = {name: Imported(name, importer, cpu, cpu, 100 - cpu) for name, importer, cpu in NAMED}


def test_a_chain_leads_from_the_function_to_the_module() -> None:
    assert chain(FOUND, "pandas.core.frame") == ["app", "pandas", "pandas.core", "pandas.core.frame"]
    assert chain(FOUND, "json") == ["json"]


def test_a_module_costs_what_it_imports_too() -> None:
    assert cost(FOUND, "pandas") == pytest.approx(117)
    assert cost(FOUND, "json") == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("pandas", "pandas"),
        ("numpy.lib.stride_tricks", "numpy.lib"),
        ("modelet.edges.http", "modelet.edges.http"),
        ("urllib.request", "urllib.request"),
        ("importlib.metadata._functools", ""),
        ("_hashlib", ""),
        ("pandas._libs.tslibs", ""),
    ],
)
def test_a_budget_names_packages_and_the_modules_of_the_standard_library(name: str, called: str) -> None:
    assert label(name) == called


def test_private_modules_are_not_listed() -> None:
    assert labels(FOUND).keys() == {"json", "pytz", "pandas.core", "csv", "pandas", "app"}


def test_an_unexpected_import_is_named_with_who_led_to_it_and_what_it_brought_along_is_not() -> None:
    assert list(unexpected(FOUND, {"app", "json"})) == [
        "pandas (app → pandas; 117.0 ms of CPU with all that it imports)"
    ]
    assert list(unexpected(FOUND, {"app", "json", "pandas", "pandas.core", "csv"})) == [
        "pytz (app → pandas → pytz; 20.0 ms of CPU with all that it imports)"
    ]


def test_what_is_known_is_not_unexpected() -> None:
    assert list(unexpected(FOUND, set(labels(FOUND)))) == []


def test_the_costliest_imports_are_those_that_the_floor_lacks() -> None:
    floor = {"pandas._libs": FOUND["pandas._libs"]}
    assert costliest(FOUND, floor, count=2) == "pandas.core.frame 30.0 ms (by pandas.core), pytz 20.0 ms (by pandas)"
    assert costliest(FOUND, floor, "KB", count=1) == "_json 99.5 KB (by json)"
