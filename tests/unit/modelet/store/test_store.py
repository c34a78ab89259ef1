from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelet.errors import ArtifactError, SettingsError, StoreError
from modelet.store.download import PART, WINDOW
from modelet.store.keys import is_path
from modelet.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

LARGE = os.urandom(4096) * ((WINDOW + 2) * PART // 4096) + b"the odd end"


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# what every store does


def test_what_was_written_is_read_back(store: Store) -> None:
    store.write_once("sentiment/1/model.onnx", b"graph")
    assert store.read("sentiment/1/model.onnx") == b"graph"


def test_an_empty_file_is_a_file(store: Store) -> None:
    store.write_once("sentiment/1/empty", b"")
    assert store.read("sentiment/1/empty") == b""
    assert store.fetch("sentiment/1/empty", 0, digest(b"")) == b""


def test_a_file_on_disk_is_written_from_its_path(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "large"
    source.write_bytes(LARGE[: PART + 9])
    store.write_once("sentiment/1/large", source)
    assert store.read("sentiment/1/large") == LARGE[: PART + 9]


def test_a_file_that_is_not_there_to_be_written_is_the_callers_error(store: Store, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        store.write_once("sentiment/1/large", tmp_path / "nothing")
    assert store.paths("") == []


def test_a_missing_file_is_named(store: Store) -> None:
    with pytest.raises(FileNotFoundError, match=r"sentiment/1/model\.json does not exist"):
        store.read("sentiment/1/model.json")


def test_a_folder_is_no_file(store: Store) -> None:
    store.write_once("sentiment/1/model.onnx", b"graph")
    with pytest.raises(FileNotFoundError):
        store.read("sentiment/1")


def test_a_second_write_is_refused_and_changes_nothing(store: Store) -> None:
    store.write_once("sentiment/1/model.onnx", b"first")
    with pytest.raises(FileExistsError, match=r"sentiment/1/model\.onnx exists already"):
        store.write_once("sentiment/1/model.onnx", b"second")
    assert store.read("sentiment/1/model.onnx") == b"first"


def test_the_same_bytes_written_again_are_refused_too(store: Store) -> None:
    store.write_once("sentiment/1/claim.json", b"{}")
    with pytest.raises(FileExistsError):
        store.write_once("sentiment/1/claim.json", b"{}")


def test_of_sixteen_writers_at_once_exactly_one_wins(store: Store) -> None:
    start = threading.Barrier(16)
    won: list[bytes] = []
    refused: list[bytes] = []

    def write(content: bytes) -> None:
        start.wait()
        try:
            store.write_once("sentiment/1/claim.json", content)
            won.append(content)
        except FileExistsError:
            refused.append(content)

    threads = [threading.Thread(target=write, args=(f"writer {number}".encode(),)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(refused)) == (1, 15)
    assert store.read("sentiment/1/claim.json") == won[0]


def test_overwriting_replaces_the_whole_file(store: Store) -> None:
    store.overwrite("sentiment/aliases/prod.json", b'{"version": "10"}')
    store.overwrite("sentiment/aliases/prod.json", b"{}")
    assert store.read("sentiment/aliases/prod.json") == b"{}"


def test_a_reader_never_sees_half_of_an_overwrite(store: Store) -> None:
    contents = [bytes([65 + number]) * 200_000 for number in range(4)]
    store.overwrite("sentiment/aliases/prod.json", contents[0])
    done = threading.Event()

    def write() -> None:
        for _ in range(5):
            for content in contents:
                store.overwrite("sentiment/aliases/prod.json", content)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not done.is_set():
        seen.add(store.read("sentiment/aliases/prod.json"))
    writer.join()
    assert seen <= set(contents)


def test_children_are_the_sorted_names_directly_below(store: Store) -> None:
    for path in ("b/10/x", "b/9/x", "b/9/y/z", "a/1/x", "b/aliases/prod.json", "top"):
        store.write_once(path, b"")
    assert store.children("") == ["a", "b", "top"]
    assert store.children("b") == ["10", "9", "aliases"]
    assert store.children("b/9") == ["x", "y"]


def test_paths_are_sorted_and_all_the_way_down(store: Store) -> None:
    names = ["b/2/x", "b/10/x", "b/1/y/z", "a/1/x", "b/1/a", "b/1-1/a"]
    for path in names:
        store.write_once(path, b"")
    assert store.paths("") == sorted(names)
    assert store.paths("b") == sorted(name for name in names if name.startswith("b/"))
    assert store.paths("b/1") == ["b/1/a", "b/1/y/z"]


def test_what_is_not_there_has_no_children_and_no_paths(store: Store) -> None:
    assert store.children("") == store.paths("") == []
    assert store.children("sentiment") == store.paths("sentiment/1") == []


PATHS_OUT = ["..", "../secret", "a/../../secret", "a/..", "/etc/passwd", "a/.hidden", "./a", "a/./b", ".", "a\\..\\b"]
PATHS_ODD = ["", "a//b", "a/", "a\0b", "a\nb", "-rf", "ä", "a b", "a%2e%2e", "a?b", "a#1", "x" * 600]


@pytest.mark.parametrize("path", [*PATHS_OUT, *PATHS_ODD])
def test_a_path_that_is_not_plain_is_refused_by_every_method(store: Store, tmp_path: Path, path: str) -> None:
    for attempt in (
        lambda: store.read(path),
        lambda: store.write_once(path, b"x"),
        lambda: store.overwrite(path, b"x"),
        lambda: store.fetch(path, 1, digest(b"x")),
        lambda: store.fetch_to(path, tmp_path / "out", 1, digest(b"x")),
        *((lambda: store.children(path), lambda: store.paths(path)) if path else ()),
    ):
        with pytest.raises(ValueError, match="is not a valid path in a store"):
            attempt()
    assert store.paths("") == []
    assert not (tmp_path / "out").exists()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.dictionaries(
        st.lists(st.text("abAB01_.-", min_size=1, max_size=6), min_size=2, max_size=3)
        .map("/".join)
        .filter(is_path)
        .map("files/{}".format),
        st.binary(max_size=300),
        max_size=6,
    )
)
def test_any_plain_names_and_bytes_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    folders = {path[:at] for path in files for at in range(len(path)) if path[at] == "/"}
    files = {path: data for path, data in files.items() if path not in folders}
    store = Store(tmp_path_factory.mktemp("store").as_uri())
    for path, data in files.items():
        store.write_once(path, data)
    assert store.paths("") == sorted(files)
    for path, data in files.items():
        assert store.read(path) == store.fetch(path, len(data), digest(data)) == data


# fetching


def test_a_fetch_gives_the_published_bytes(store: Store) -> None:
    store.write_once("sentiment/1/model.onnx", b"graph")
    assert store.fetch("sentiment/1/model.onnx", 5, digest(b"graph")) == b"graph"


@pytest.mark.parametrize("size", [PART - 1, PART, PART + 1, WINDOW * PART, (WINDOW + 1) * PART + 7])
def test_a_fetch_in_several_ranges_gives_the_same_bytes(store: Store, tmp_path: Path, size: int) -> None:
    data = LARGE[:size]
    store.write_once("sentiment/1/large", data)
    assert store.fetch("sentiment/1/large", size, digest(data)) == data
    store.fetch_to("sentiment/1/large", tmp_path / "a" / "large", size, digest(data))
    assert (tmp_path / "a" / "large").read_bytes() == data
    assert names_in(tmp_path / "a") == ["large"]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "flipped": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "truncated": lambda data: data[:-1],
    "longer": lambda data: data + b"x",
    "empty": lambda _data: b"",
}
REASONS = {"flipped": "was altered", "truncated": "bytes in", "longer": "bytes in", "empty": "has 0 bytes in"}


@pytest.mark.parametrize("published", [b"graph", LARGE[: 2 * PART + 9]], ids=["small", "large"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_fails_the_fetch_and_names_the_file_and_the_reason(
    store: Store, tmp_path: Path, published: bytes, damage: str
) -> None:
    store.write_once("sentiment/1/model.onnx", DAMAGES[damage](published))
    target = tmp_path / "out" / "model.onnx"
    with pytest.raises(ArtifactError, match=rf"^sentiment/1/model\.onnx .*{REASONS[damage]}"):
        store.fetch("sentiment/1/model.onnx", len(published), digest(published))
    with pytest.raises(ArtifactError, match=rf"^sentiment/1/model\.onnx .*{REASONS[damage]}"):
        store.fetch_to("sentiment/1/model.onnx", target, len(published), digest(published))
    assert names_in(target.parent) == []


@pytest.mark.parametrize("size", [5, 3 * PART])
def test_a_missing_file_fails_the_fetch_and_is_named(store: Store, tmp_path: Path, size: int) -> None:
    target = tmp_path / "out" / "model.onnx"
    with pytest.raises(ArtifactError, match=r"^sentiment/1/model\.onnx is missing from (file|s3)://"):
        store.fetch("sentiment/1/model.onnx", size, digest(b""))
    with pytest.raises(ArtifactError, match=r"^sentiment/1/model\.onnx is missing"):
        store.fetch_to("sentiment/1/model.onnx", target, size, digest(b""))
    assert names_in(target.parent) == []


def test_a_damaged_file_leaves_no_older_one_at_the_target(store: Store, tmp_path: Path) -> None:
    store.write_once("sentiment/2/model.onnx", b"grapH")
    (tmp_path / "model.onnx").write_bytes(b"of another version")
    with pytest.raises(ArtifactError):
        store.fetch_to("sentiment/2/model.onnx", tmp_path / "model.onnx", 5, digest(b"graph"))
    assert not (tmp_path / "model.onnx").exists()


def test_what_a_killed_fetch_left_does_not_stop_the_next(store: Store, tmp_path: Path) -> None:
    store.write_once("sentiment/1/model.onnx", b"graph")
    (tmp_path / "model.onnx.partial").write_bytes(b"half of")
    store.fetch_to("sentiment/1/model.onnx", tmp_path / "model.onnx", 5, digest(b"graph"))
    assert (tmp_path / "model.onnx").read_bytes() == b"graph"
    assert not (tmp_path / "model.onnx.partial").exists()


def test_a_disk_that_takes_no_file_is_said_with_the_remedy(file_store: Store, tmp_path: Path) -> None:
    file_store.write_once("sentiment/1/model.onnx", b"graph")
    (tmp_path / "a file").write_bytes(b"")
    with pytest.raises(ArtifactError, match=r"sentiment/1/model\.onnx cannot be written to .*resources\.tmp_mb"):
        file_store.fetch_to("sentiment/1/model.onnx", tmp_path / "a file" / "model.onnx", 5, digest(b"graph"))


@pytest.mark.parametrize("taken", ["at once", "by writing"])
def test_a_full_disk_leaves_nothing_and_is_said_with_the_remedy(
    taken: str, file_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    if taken == "by writing":  # as on macOS
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    file_store.write_once("sentiment/1/large", LARGE)
    request.getfixturevalue("small_files")
    with pytest.raises(ArtifactError, match=r"sentiment/1/large cannot be written to .*resources\.tmp_mb"):
        file_store.fetch_to("sentiment/1/large", tmp_path / "out" / "large", len(LARGE), digest(LARGE))
    assert names_in(tmp_path / "out") == []


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak memory is read from Linux's /proc")
def test_a_fetch_to_disk_does_not_hold_the_file_in_memory(file_store: Store, tmp_path: Path) -> None:
    size = 256 * 1024 * 1024
    source = tmp_path / "source"
    hasher = sha256()
    with source.open("wb") as file:
        for number in range(256):
            file.write(bytes([number]) * 1024 * 1024)
            hasher.update(bytes([number]) * 1024 * 1024)
    script = """
        import sys
        from pathlib import Path
        from modelet.store.store import Store

        def peak_kib():
            return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])

        url, target, size, digest = sys.argv[1:]
        store = Store(url)
        before = peak_kib()
        store.fetch_to("source", Path(target), int(size), digest)
        print(peak_kib() - before)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), tmp_path.as_uri()]
    target = tmp_path / "target"
    done = subprocess.run(
        [*command, str(target), str(size), hasher.hexdigest()], check=True, capture_output=True, text=True
    )
    assert target.stat().st_size == size
    assert int(done.stdout) < 100 * 1024, f"{done.stdout.strip()} KiB"


# the file store


def test_reading_from_a_folder_that_is_not_there_does_not_make_it(tmp_path: Path) -> None:
    store = Store((tmp_path / "typing error").as_uri())
    assert store.children("") == []
    with pytest.raises(FileNotFoundError):
        store.read("sentiment/1/model.json")
    assert not (tmp_path / "typing error").exists()


def test_a_folder_that_another_process_made_is_seen(tmp_path: Path) -> None:
    store = Store((tmp_path / "store").as_uri())
    assert store.children("") == []
    Store((tmp_path / "store").as_uri()).write_once("sentiment/1/x", b"1")
    assert store.children("") == ["sentiment"]
    assert store.read("sentiment/1/x") == b"1"


def test_a_folder_that_cannot_be_made_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = Store((tmp_path / "file" / "store").as_uri())
    with pytest.raises(StoreError, match=r"file:///.*/store/sentiment/1/x: "):
        store.write_once("sentiment/1/x", b"1")


def test_a_killed_writer_leaves_no_visible_file(tmp_path: Path) -> None:
    script = """
        import sys
        from modelet.store.store import Store
        store = Store(sys.argv[1])
        data = bytes(64 * 1024 * 1024)
        print("ready", flush=True)
        for number in range(1000):
            store.write_once(f"model/{number}/large", data)
            store.overwrite("model/aliases/prod.json", data)
    """
    store = Store((tmp_path / "store").as_uri())
    command = [sys.executable, "-c", textwrap.dedent(script), store.url]
    for pause in (0.02, 0.05, 0.09):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(pause)
            process.kill()
        for path in store.paths(""):
            assert len(store.read(path)) == 64 * 1024 * 1024, path
            (tmp_path / "store" / path).unlink()


# URLs


URLS_OF_NO_FOLDER = [
    "",
    "models",
    "/srv/models",
    "http://host/x",
    "file://models",
    "file:models",
    "file:///",
    "file:///a?b",
]
URLS_OF_NO_BUCKET = [
    "s3://",
    "s3:///x",
    "s3://user@bucket/x",
    "s3://bucket/../x",
    "s3://bucket/a b",
    "s3://b?x=1",
    "S3://b",
]


@pytest.mark.parametrize("url", [*URLS_OF_NO_FOLDER, *URLS_OF_NO_BUCKET])
def test_what_is_no_store_is_refused_with_the_two_that_are(url: str) -> None:
    with pytest.raises(SettingsError, match=r"is not the URL of a store: use file:///folder or s3://bucket/prefix"):
        Store(url)


@given(url=st.text() | st.text().map("file:///{}".format) | st.text().map("s3://{}".format))
def test_any_text_is_a_store_or_refused(url: str) -> None:
    try:
        store = Store(url)
    except (SettingsError, StoreError):
        return
    assert url.startswith(store.url)


def test_the_folder_of_a_url_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "모델 100% #1?"
    Store(folder.as_uri()).write_once("sentiment/1/x", b"1")
    assert (folder / "sentiment" / "1" / "x").read_bytes() == b"1"


def test_a_last_slash_is_left_out(tmp_path: Path) -> None:
    assert Store(f"{tmp_path.as_uri()}/").url == tmp_path.as_uri()
