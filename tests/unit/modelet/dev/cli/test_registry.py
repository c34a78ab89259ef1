"""models, versions, show and alias: what a store holds, for a person and for a pipe."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from modelet.bundle import Lock
from modelet.store.store import Store
from support.commands import failure, lines
from support.versions import write_version

Run = Callable[..., Result]


@pytest.fixture
def locks(store: Store) -> list[Lock]:
    """Three versions of the model tiny and one of other-model."""
    write_version(store, {"model.onnx": b"other"}, name="other-model", version="2026-11")
    return [
        write_version(store, {"model.onnx": b"x" * size}, version=version, performance={"accuracy": accuracy})
        for version, size, accuracy in (("1", 10, 0.5), ("2", 2000, 0.75), ("10", 30, 0.987654))
    ]


def add_function(project: Path, folder: str) -> None:
    (project / "functions" / folder).mkdir()
    (project / "functions" / folder / "model.yaml").write_text("version: 1\n")


def test_models_are_those_of_the_store_and_of_the_project(run: Run, project: Path, locks: list[Lock]) -> None:
    add_function(project, "tiny")
    add_function(project, "fresh_one")
    (project / "functions" / "tiny" / "model.lock").write_bytes(locks[1].to_json("tiny"))
    assert run("alias", "tiny", "prod", "2").exit_code == 0
    assert lines(run("models")) == [
        ["fresh-one", "-", "-", "-"],
        ["other-model", "(2026-11)", "-", "-"],
        ["tiny", "10", "prod = 2", "2"],
    ]


def test_the_latest_is_what_latest_means_and_never_a_name(run: Run, store: Store, locks: list[Lock]) -> None:
    write_version(store, {"model.onnx": b"named"}, version="v11", created_at="2026-12-01T00:00:00Z")
    listed = {row[0]: row[1] for row in lines(run("models"))}
    assert listed["tiny"] == json.loads(run("show", "tiny", "latest", "--json").stdout)["version"] == "10"


def test_without_numbers_the_newest_name_is_in_parentheses(run: Run, store: Store, locks: list[Lock]) -> None:
    write_version(store, {"model.onnx": b"a"}, name="other-model", version="a", created_at="2026-12-01T00:00:00Z")
    write_version(store, {"model.onnx": b"b"}, name="other-model", version="z", created_at="2026-10-01T00:00:00Z")
    store.overwrite("other-model/zz/model.json", b"damaged")
    assert lines(run("models"))[0][:2] == ["other-model", "(a)"]


@pytest.mark.parametrize("data", [b"", b"{", b'{"version": 3}'])
def test_a_damaged_alias_is_named_and_hides_nothing(run: Run, store: Store, locks: list[Lock], data: bytes) -> None:
    run("alias", "tiny", "stable", "2")
    store.overwrite("tiny/aliases/prod.json", data)
    models, versions = run("models"), run("versions", "tiny")
    assert lines(models)[1] == ["tiny", "10", "prod = damaged, stable = 2", "-"]
    assert [row[-1] for row in lines(versions)] == ["-", "stable", "-"]
    remedy = "warning: tiny's alias prod is damaged: set it again with `modelet alias tiny prod VERSION`\n"
    assert models.stderr == versions.stderr == remedy
    assert "aliases: prod = damaged, stable = 2" in failure(run("show", "tiny", "7"))
    assert "prod.json is not a valid alias: set it again" in failure(run("show", "tiny", "prod"))
    assert run("alias", "tiny", "prod", "1").stdout == "tiny: prod is version 1, was damaged\n"
    assert run("models").stderr == ""


def test_a_given_store_is_listed_from_outside_a_project(
    run: Run, store: Store, locks: list[Lock], tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert [row[0] for row in lines(run("models", "--store", store.url))] == ["other-model", "tiny"]
    assert lines(run("versions", "tiny", "--store", store.url))[0][0] == "1"


def test_an_empty_store_is_no_error(run: Run) -> None:
    assert lines(run("models")) == []


def test_versions_are_listed_oldest_first(run: Run, locks: list[Lock]) -> None:
    run("alias", "tiny", "prod", "2")
    run("alias", "tiny", "stable", "2")
    assert lines(run("versions", "tiny")) == [
        ["1", "accuracy 0.5", "10", "2026-11-20T00:00:00Z", "-"],
        ["2", "accuracy 0.75", "2,000", "2026-11-20T00:00:00Z", "prod, stable"],
        ["10", "accuracy 0.9877", "30", "2026-11-20T00:00:00Z", "-"],
    ]


def test_the_name_of_a_folder_is_understood_too(run: Run, locks: list[Lock]) -> None:
    assert lines(run("versions", "other_model"))[0][0] == "2026-11"


@pytest.mark.parametrize("words", [("versions", "tony"), ("show", "tony"), ("alias", "tony", "prod", "1")])
def test_an_unknown_model_is_answered_with_what_there_is(run: Run, locks: list[Lock], words: tuple[str, ...]) -> None:
    said = failure(run(*words))
    assert "has no model 'tony'; its models: other-model, tiny" in said
    assert said.endswith("`modelet publish tony` makes its first version")


def test_show_says_what_a_version_is(run: Run, locks: list[Lock]) -> None:
    said = dict(lines(run("show", "tiny", "2")))
    assert (said["model"], said["version"], said["performance.accuracy"]) == ("tiny", "2", "0.75")
    assert said["file.model.onnx"].startswith("2,000 bytes, sha256 ")
    assert said["manifest_sha256"] == locks[1].manifest_sha256


@pytest.mark.parametrize(("reference", "version"), [((), "10"), (("latest",), "10"), (("prod",), "1"), (("2",), "2")])
def test_show_takes_a_version_an_alias_or_the_latest(
    run: Run, locks: list[Lock], reference: tuple[str, ...], version: str
) -> None:
    run("alias", "tiny", "prod", "1")
    assert json.loads(run("show", "tiny", *reference, "--json").stdout)["version"] == version


def test_show_of_an_unknown_version_lists_what_there_is(run: Run, locks: list[Lock]) -> None:
    assert "no version or alias '7'" in failure(run("show", "tiny", "7"))


def test_an_alias_keeps_what_a_reference_means_now(run: Run, locks: list[Lock]) -> None:
    assert run("alias", "tiny", "prod", "1").stdout == "tiny: prod is version 1\n"
    assert run("alias", "tiny", "prod", "latest").stdout == "tiny: prod is version 10, was 1\n"
    assert run("alias", "tiny", "stable", "prod").stdout == "tiny: stable is version 10\n"


@pytest.mark.parametrize("name", ["7", "latest", "a/b"])
def test_a_name_that_could_be_a_version_is_no_alias(run: Run, locks: list[Lock], name: str) -> None:
    assert "cannot be an alias" in failure(run("alias", "tiny", name, "1"))


def test_a_terminal_gets_a_table_with_headings_and_colour(show: Callable[..., str], locks: list[Lock]) -> None:
    seen = show("versions", "tiny")
    assert "Version" in seen
    assert "Metric" in seen
    assert "\x1b[36m10\x1b[0m" in seen.replace(" ", "")
    assert "\t" not in seen


def test_a_terminal_gets_coloured_json(show: Callable[..., str], locks: list[Lock]) -> None:
    assert '\x1b[1;34m"name"' in show("show", "tiny", "--json")


def test_an_empty_store_tells_a_person_how_to_begin(show: Callable[..., str]) -> None:
    assert "run `modelet new NAME`, then `modelet publish NAME`" in show("models")


EVIL = "\x1b]0;owned\x07\x9b31m\u202e[red]x[/red]\r\n\ttwo"
"""What a terminal would obey, what rich would take for markup, and what would break a line."""
OBEYED = re.compile("[\x00-\x08\x0b-\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u202e]|\x1b(?!\\[[0-9;]*m)")
"""Control characters, but the colours that are ours and the ends of lines."""


@pytest.fixture
def evil(store: Store) -> Store:
    """A store with one version whose every text is meant to be obeyed."""
    write_version(store, {"model.onnx": b"x"}, version="1")
    manifest = json.loads(store.read("tiny/1/model.json"))
    manifest |= {
        "model_lib": EVIL,
        "model_lib_version": EVIL,
        "features": [EVIL],
        "class": EVIL,
        "metric": EVIL,
        "performance": {EVIL: 0.5},
        "feature_importance": {EVIL: 1.0},
        "model_info": {"task": EVIL, "labels": [EVIL], EVIL: EVIL},
        "runtime": {EVIL: EVIL},
    }
    store.overwrite("tiny/1/model.json", json.dumps(manifest).encode())
    return store


@pytest.mark.parametrize("words", [("versions", "tiny"), ("show", "tiny"), ("show", "tiny", "--json"), ("models",)])
def test_a_terminal_and_a_pipe_obey_nothing_that_a_store_says(
    run: Run, show: Callable[..., str], evil: Store, words: tuple[str, ...]
) -> None:
    piped, seen = run(*words), show(*words)
    assert piped.exit_code == 0, piped.output
    for shown in (piped.output.replace("\n", ""), seen):
        assert not OBEYED.search(shown.replace("\t", "")), shown
    assert "\x1b" not in piped.output
    assert "\r" not in seen.replace("\r\n", "")
    if words != ("models",):
        assert "[red]x[/red]" in piped.output
        assert "[red]x" in seen.replace("\x1b[0m", "")
    if words == ("show", "tiny", "--json"):
        assert json.loads(piped.output)["class"] == EVIL
    else:
        assert all(len(row) in {2, 4, 5} for row in lines(piped)), "a text of the store breaks no line"


def test_an_error_that_quotes_a_store_is_one_line_and_obeyed_by_nobody(run: Run, store: Store) -> None:
    store.overwrite("tiny/1/model.json", json.dumps({"name": EVIL, EVIL: EVIL}).encode())
    assert not OBEYED.search(failure(run("show", "tiny")))
