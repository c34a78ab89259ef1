"""Objects by URL: in folders, in S3's emulator, and from servers that answer as the test says."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from modelet.errors import StoreError
from modelet.store.errors import ChangedInputError, InputError
from modelet.store.objects import AHEAD, RETRIES, Found, Objects
from modelet.store.store import ATTEMPTS
from support.threads import served

DATA = os.urandom(50_000)


@pytest.fixture(params=["file", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty folder, once on disk and once in S3."""
    if request.param == "s3":
        found: str = request.getfixturevalue("s3_url")
        return found
    return tmp_path.as_uri()


def names(found: list[Found], place: str) -> list[str]:
    return [each.url.removeprefix(f"{place}/") for each in found]


# every place


def test_what_was_put_is_read_back_whole_and_in_ranges(place: str) -> None:
    objects, url = Objects(), f"{place}/a/x.bin"
    objects.put(url, b"old")
    objects.put(url, DATA)
    found = objects.head(url)
    assert found.url == url
    assert found.size == len(DATA)
    assert objects.read(url) == objects.read(found) == DATA
    assert objects.read(found, 7, 19) == DATA[7:19]
    assert objects.read(found, 49_990, 60_000) == DATA[49_990:]
    assert objects.read(found, 5, 5) == b""


@pytest.mark.parametrize(
    ("start", "end"), [(7, 19), (0, 1), (49_990, 60_000), (49_990, None), (5, 5), (50_000, 50_001), (60_000, None)]
)
def test_a_range_by_url_is_what_a_slice_is(place: str, start: int, end: int | None) -> None:
    objects, url = Objects(), f"{place}/x.bin"
    objects.put(url, DATA)
    assert objects.read(url, start, end) == DATA[start:end]


def test_a_url_without_an_object_is_not_read(place: str) -> None:
    for range_ in ((None, None), (0, 10), (3, None)):
        with pytest.raises(FileNotFoundError, match="does not exist"):
            Objects().read(f"{place}/x.bin", *range_)


def test_a_stream_is_a_range_in_blocks(place: str) -> None:
    objects, url = Objects(), f"{place}/x.bin"
    objects.put(url, DATA)
    blocks = list(objects.stream(objects.head(url), 100, 49_000, 4_096))
    assert b"".join(blocks) == DATA[100:49_000]
    assert max(map(len, blocks)) == 4_096
    assert list(objects.stream(objects.head(url), 5, 5)) == []


def test_an_empty_object_has_no_blocks(place: str) -> None:
    objects, url = Objects(), f"{place}/x"
    objects.put(url, b"")
    assert objects.read(url) == b""
    assert list(objects.stream(objects.head(url), 0, 0)) == []


def test_an_object_that_changed_is_not_read(place: str) -> None:
    objects, url = Objects(), f"{place}/x"
    objects.put(url, b"one")
    found = objects.head(url)
    objects.put(url, b"other")
    for read in (lambda: objects.read(found), lambda: list(objects.stream(found, 0, 3))):
        with pytest.raises(ChangedInputError, match=f"^{re.escape(url)} has changed since the batch was planned"):
            read()


def test_an_object_that_was_deleted_is_a_changed_one(place: str) -> None:
    objects, url = Objects(), f"{place}/x"
    objects.put(url, b"one")
    found = objects.head(url)
    objects.delete(url)
    objects.delete(url)
    with pytest.raises(ChangedInputError, match="was deleted after the batch was planned"):
        objects.read(found)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        objects.head(url)


TREE = ("a.csv", "b.csv", "b.json", "_SUCCESS", ".c.csv", "day=1/x.csv", "day=1/y.csv", "day=2/x.csv", "day=2/u/x.csv")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", ["a.csv", "b.csv", "b.json"]),
        ("*.csv", ["a.csv", "b.csv"]),
        ("?.csv", ["a.csv", "b.csv"]),
        ("[b-z].*", ["b.csv", "b.json"]),
        ("[!b].csv", ["a.csv"]),
        ("day=*/x.csv", ["day=1/x.csv", "day=2/x.csv"]),
        ("day=1/*", ["day=1/x.csv", "day=1/y.csv"]),
        ("**/x.csv", ["day=1/x.csv", "day=2/u/x.csv", "day=2/x.csv"]),
        ("day=2/**", ["day=2/u/x.csv", "day=2/x.csv"]),
        ("_*", ["_SUCCESS"]),
        ("a.csv", ["a.csv"]),
        ("none.csv", []),
        ("none/*", []),
    ],
)
def test_wildcards_match_within_a_folder(place: str, pattern: str, expected: list[str]) -> None:
    objects = Objects()
    for name in TREE:
        objects.put(f"{place}/{name}", b"1")
    assert [name.replace("%3D", "=") for name in names(objects.find(f"{place}/{pattern}"), place)] == expected


def test_a_folder_is_listed_with_all_below_it(place: str) -> None:
    objects = Objects()
    for name in ("r/1", "r/2/3", "other"):
        objects.put(f"{place}/{name}", b"1")
    assert names(objects.below(f"{place}/r"), place) == ["r/1", "r/2/3"]
    assert objects.below(f"{place}/none/") == []


@pytest.mark.parametrize("name", ["a b.csv", "ä#1.csv", "100%.csv", "k=1,2/[x].csv", "what?.csv"])
def test_a_name_of_any_letters_is_found_and_read(place: str, name: str) -> None:
    objects = Objects()
    url = f"{place}/{name}" if place.startswith("s3:") else f"{place}/".rstrip("/") + Path("/", name).as_uri()[7:]
    objects.put(url, b"1")
    (found,) = objects.below(place)
    assert objects.read(found) == b"1"
    assert objects.head(found.url) == objects.head(url) == found


@pytest.mark.parametrize("url", ["s3://bucket", "s3:///key", "file://host/x", "file:///a//b", "s3://b/../x", "x.csv"])
def test_what_is_no_url_of_an_object_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="is not the URL of an object: use s3://bucket/key"):
        Objects().head(url)


def test_a_folder_s_marker_of_s3_s_console_is_no_input(s3_url: str) -> None:
    import boto3

    bucket, _, prefix = s3_url.removeprefix("s3://").partition("/")
    client = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    client.put_object(Bucket=bucket, Key=f"{prefix}/in/", Body=b"")
    objects = Objects()
    objects.put(f"{s3_url}/in/x.csv", b"1")
    for pattern in ("in/*", "in/**"):
        assert names(objects.find(f"{s3_url}/{pattern}"), s3_url) == ["in/x.csv"]


def test_a_missing_bucket_is_said(s3_url: str) -> None:
    with pytest.raises(StoreError, match=r"^s3://no-such-bucket/x: NoSuchBucket: "):
        Objects().find("s3://no-such-bucket/x/*")


# what S3 does on bad days


class Answer(BaseHTTPRequestHandler):
    """One request of S3's for DATA, given to the test's script."""

    protocol_version = "HTTP/1.1"
    server: Server

    def send(self, status: int, body: bytes, *, cut: int | None = None, etag: str = '"1"') -> None:
        self.send_response(status)
        for name, value in (
            ("Content-Length", str(len(body))),
            ("ETag", etag),
            ("Last-Modified", "Fri, 20 Nov 2026 10:00:00 GMT"),
        ):
            self.send_header(name, value)
        if status == 206:
            start, end = self.range
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(DATA)}")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:cut])
        self.close_connection = cut is not None

    @property
    def range(self) -> tuple[int, int]:
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
        assert asked
        return int(asked[1]), int(asked[2]) + 1

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.seen.append(self.range)
            number = len(self.server.seen)
        self.server.script(self, number)

    def do_HEAD(self) -> None:
        raise AssertionError("the size is asked for, which is a request more")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  http.server's own name
        """Say nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, script: Callable[[Answer, int], None]) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.script = script
        self.seen: list[tuple[int, int]] = []
        self.lock = threading.Lock()


@contextmanager
def s3_that(script: Callable[[Answer, int], None], monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with served(Server(script)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        yield server


FOUND = Found("s3://models/x", len(DATA), '"1"')


def test_a_read_that_is_cut_is_resumed_where_it_broke(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_once(answer: Answer, number: int) -> None:
        start, end = answer.range
        answer.send(206, DATA[start:end], cut=1_000 if number == 1 else None)

    with s3_that(cut_once, monkeypatch) as server:
        assert b"".join(Objects().stream(FOUND, 0, 10_000, 10_000)) == DATA[:10_000]
    assert server.seen == [(0, 10_000), (1_000, 10_000)]


def test_a_read_that_is_always_cut_ends(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(answer: Answer, _number: int) -> None:
        start, end = answer.range
        answer.send(206, DATA[start:end], cut=100)

    with s3_that(cut, monkeypatch) as server, pytest.raises(StoreError, match=r"^s3://models/x: "):
        Objects().read(FOUND, 0, 10_000)
    assert RETRIES < len(server.seen) <= ATTEMPTS * (RETRIES + 1)


def test_a_range_by_url_is_one_request(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def ranged(answer: Answer, _number: int) -> None:
        start, end = answer.range
        answer.send(206, DATA[start:end])

    with s3_that(ranged, monkeypatch) as server:
        assert Objects().read("s3://models/x", 100, 200) == DATA[100:200]
    assert server.seen == [(100, 200)]


def test_a_slow_reader_holds_a_few_blocks_and_no_more(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def whole(answer: Answer, _number: int) -> None:
        start, end = answer.range
        answer.send(206, DATA[start:end])

    with s3_that(whole, monkeypatch) as server:
        stream = Objects().stream(FOUND, 0, len(DATA), 1_000)
        for read in range(1, 11):
            assert next(stream)
            assert len(server.seen) <= read + AHEAD
        assert b"".join(stream) == DATA[10_000:]
    assert len(server.seen) == 50


def test_a_service_that_ignores_if_match_is_found_out(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def other(answer: Answer, _number: int) -> None:
        start, end = answer.range
        answer.send(206, DATA[start:end], etag='"2"')

    with s3_that(other, monkeypatch), pytest.raises(ChangedInputError):
        Objects().read(FOUND)


def test_an_object_that_may_not_be_read_says_where_that_is_allowed(
    s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(answer: Answer, _number: int) -> None:
        answer.send(403, b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")

    with s3_that(denied, monkeypatch), pytest.raises(InputError, match="may not be read: allow it in the model's"):
        Objects().read(FOUND)
