from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modelet.store import keys as layout


def test_every_thing_has_its_place() -> None:
    assert layout.manifest_path("breast-cancer", "3") == "breast-cancer/3/model.json"
    assert layout.claim_path("breast-cancer", "3") == "breast-cancer/3/claim.json"
    assert layout.artifact_path("breast-cancer", "3", "a/model.onnx") == "breast-cancer/3/a/model.onnx"
    assert layout.alias_path("breast-cancer", "prod") == "breast-cancer/aliases/prod.json"


@pytest.mark.parametrize("name", ["a", "sentiment", "breast-cancer", "model2", "x" * 63])
def test_names_of_models(name: str) -> None:
    assert layout.is_model(name)


@pytest.mark.parametrize("name", ["", "A", "2x", "-a", "a_b", "a.b", "a/b", "ä", "x" * 64, "a\n", "..", "aé", "a٣"])
def test_what_is_no_name_of_a_model(name: str) -> None:
    assert not layout.is_model(name)


@pytest.mark.parametrize("name", ["1", "10", "007", "2026-11-20", "v1.2_rc", "A", "x" * 63])
def test_names_of_versions(name: str) -> None:
    assert layout.is_version(name)


@pytest.mark.parametrize("name", ["", "latest", "aliases", ".1", "-1", "_1", "1/2", "1 2", "..", "x" * 64, "1\n", "²"])
def test_what_is_no_name_of_a_version(name: str) -> None:
    assert not layout.is_version(name)


@pytest.mark.parametrize("name", ["prod", "stage-2", "2x", "v1.0", "aliases"])
def test_names_of_aliases(name: str) -> None:
    assert layout.is_alias(name)


@pytest.mark.parametrize("name", ["", "1", "10", "007", "latest", "a/b", "..", ".a", "x" * 64])
def test_an_alias_is_no_number_and_not_latest(name: str) -> None:
    assert not layout.is_alias(name)


@pytest.mark.parametrize(
    ("name", "number"), [("0", True), ("10", True), ("07", False), ("00", False), ("", False), ("v1", False)]
)
def test_numbers_are_the_integers_that_publish_counts(name: str, number: bool) -> None:
    assert layout.is_number(name) == number


@given(name=st.text() | st.integers(0).map(str))
@example("٣")
@example("9" * 5000)
def test_every_number_is_an_integer_and_a_version(name: str) -> None:
    if layout.is_number(name):
        assert str(int(name)) == name
        assert layout.is_version(name)
        assert not layout.is_alias(name)


@pytest.mark.parametrize("path", ["a", "model.onnx", "_a/9/B.c-d", "a./b-", "x" * 512, "a/" * 255 + "bc"])
def test_paths_in_a_store(path: str) -> None:
    assert layout.is_path(path)
    assert layout.valid_path(path) == path


@pytest.mark.parametrize("path", ["", "/a", "a/", "a//b", ".a", "-a", "a/.b", "a/-b", "a/b c", "a\n", "ä", "x" * 513])
def test_what_is_no_path_in_a_store(path: str) -> None:
    assert not layout.is_path(path)
    with pytest.raises(ValueError, match="is not a valid path in a store: letters, digits"):
        layout.valid_path(path)


@given(path=st.text() | st.lists(st.sampled_from(["..", ".", "", "a", "b.c", "~", "C:", "a\\b"])).map("/".join))
def test_a_plain_path_never_leaves_its_folder(path: str) -> None:
    if layout.is_path(path):
        segments = path.split("/")
        assert all(segments)
        assert not {".", ".."} & set(segments)
        assert path.isascii()
        assert not set(path) & set("\\:~%?# \n\0")


@pytest.mark.parametrize("path", ["model.json", "claim.json"])
def test_our_own_files_are_no_artifacts(path: str) -> None:
    assert not layout.is_artifact(path)
    assert layout.is_artifact(f"of-the-author/{path}")


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (layout.manifest_path, ("Bad", "1")),
        (layout.manifest_path, ("sentiment", "latest")),
        (layout.claim_path, ("sentiment", "../1")),
        (layout.artifact_path, ("sentiment", "1", "model.json")),
        (layout.artifact_path, ("sentiment", "1", "../x")),
        (layout.alias_path, ("sentiment", "3")),
        (layout.aliases_folder, ("..",)),
    ],
)
def test_a_path_is_never_made_of_what_is_no_name(make: object, names: tuple[str, ...]) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=r"is not a valid .* name"):
        make(*names)
