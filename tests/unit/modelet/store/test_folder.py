"""A folder is read as a store is, and imports nothing for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.digest import digest
from modelet.errors import ArtifactError, SettingsError, StoreError
from modelet.store.folder import PART, Folder, folder_of
from modelet.store.store import Store

PATH = "tiny/1/model.onnx"


@pytest.fixture
def both(tmp_path: Path) -> list[Folder | Store]:
    """The two who read the same folder."""
    url = (tmp_path / "a store").as_uri()
    Store(url).write_once(PATH, b"graph")
    return [Folder(url), Store(url)]


def test_a_folder_reads_what_a_store_wrote(both: list[Folder | Store], tmp_path: Path) -> None:
    for each in both:
        assert each.fetch(PATH, 5, digest(b"graph")) == b"graph"
        assert each.fetch_to(PATH, tmp_path / "tmp" / "model.onnx", 5, digest(b"graph")).read_bytes() == b"graph"


def test_a_file_on_disk_needs_no_copy(both: list[Folder | Store], tmp_path: Path) -> None:
    place = both[0].fetch_to(PATH, tmp_path / "tmp" / "model.onnx", 5, digest(b"graph"))
    assert place == tmp_path / "a store" / PATH
    assert not (tmp_path / "tmp").exists()


@pytest.mark.parametrize(
    ("path", "size", "data", "said"),
    [
        (PATH, 4, b"grap", "has 5 bytes in .*, but 4 were published"),
        (PATH, 5, b"grapf", "was altered"),
        ("tiny/1/other", 5, b"graph", "is missing"),
    ],
)
def test_what_differs_is_refused_in_the_words_of_the_store(
    both: list[Folder | Store], tmp_path: Path, path: str, size: int, data: bytes, said: str
) -> None:
    for each in both:
        with pytest.raises(ArtifactError, match=f"{path} {said}"):
            each.fetch(path, size, digest(data))
        with pytest.raises(ArtifactError, match=f"{path} {said}"):
            each.fetch_to(path, tmp_path / "copy", size, digest(data))


def test_a_folder_in_the_place_of_a_file_is_the_store_s_trouble(both: list[Folder | Store]) -> None:
    with pytest.raises(StoreError, match="tiny/1: "):
        both[0].fetch("tiny/1", 5, digest(b"graph"))


def test_a_path_that_leaves_the_store_is_refused(both: list[Folder | Store]) -> None:
    with pytest.raises(ValueError, match="not a valid path in a store"):
        both[0].fetch("../secret", 5, digest(b"graph"))


@pytest.mark.parametrize(
    "url", ["file://host/store", "file:///store?x=1", "file:///store#x", "file:///a\nb", "file:///a%00b"]
)
def test_a_url_that_names_no_folder_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="is not the URL of a store: use file:///folder"):
        Folder(url)


def test_a_bucket_is_no_folder() -> None:
    assert folder_of("s3://bucket/models") is None
    with pytest.raises(SettingsError, match="is not the URL of a folder"):
        Folder("s3://bucket/models")


@given(st.lists(st.text(st.characters(categories=["L", "N", "Zs", "P"]), min_size=1), min_size=1, max_size=3))
def test_a_folder_s_url_names_it_whatever_its_letters(segments: list[str]) -> None:
    path = Path("/", *segments)
    assert Path(folder_of(path.as_uri()) or "") == path


def test_files_of_several_parts_are_whole(tmp_path: Path) -> None:
    data = b"x" * (2 * PART + 1)
    url = (tmp_path / "store").as_uri()
    Store(url).write_once(PATH, data)
    assert Folder(url).fetch(PATH, len(data), digest(data)) == data


def test_reading_a_folder_imports_neither_obstore_nor_openssl_nor_pathlib(both: list[Folder | Store]) -> None:
    code = (
        "import sys; from modelet.store.artifacts import source;"
        f"source({both[0].url!r}).fetch({PATH!r}, 5, {digest(b'graph')!r});"
        "sys.exit(' '.join({'obstore', 'hashlib', 'pathlib'} & sys.modules.keys()))"
    )
    url_without_quotes = both[0].url.replace("%20", "\u0020")
    done = subprocess.run(
        [sys.executable, "-S", "-c", code.replace(both[0].url, url_without_quotes)],
        env={"PYTHONPATH": str(Path(module_root()))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.strip() == ""


def module_root() -> Path:
    import modelet

    return Path(modelet.__path__[0]).parent
