"""S3's own troubles: each over a real socket, from a server that answers as the test says."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from modelet.errors import ArtifactError, StoreError
from modelet.store.download import PART, WINDOW
from modelet.store.store import Store
from support.threads import served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LAST_MODIFIED = "Fri, 20 Nov 2026 10:00:00 GMT"


class Request(BaseHTTPRequestHandler):
    """One request, numbered from 1, given to the test's answer."""

    protocol_version = "HTTP/1.1"
    server: Scripted

    def answer(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        sent = {"Content-Length": str(len(body)), "ETag": '"1"', "Last-Modified": LAST_MODIFIED}
        for name, value in {**sent, **{name.replace("_", "-"): value for name, value in headers.items()}}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, status: int, code: str, message: str) -> None:
        self.answer(status, f"<Error><Code>{code}</Code>\n<Message>{message}</Message></Error>".encode())

    def hang_up(self) -> None:
        self.close_connection = True

    def do_GET(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        with self.server.lock:
            self.server.seen.append(self.command)
            number = len(self.server.seen)
        self.server.script(self, number)

    do_PUT = do_HEAD = do_GET  # noqa: N815  http.server's own names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  http.server's own name
        """Say nothing."""


class Scripted(ThreadingHTTPServer):
    """A server whose answers are a function of the request and its number."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, script: Callable[[Request, int], None]) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.script = script
        self.seen: list[str] = []
        self.lock = threading.Lock()
        self.stopped = threading.Event()


@contextmanager
def s3_that(
    script: Callable[[Request, int], None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Store, list[str]]]:
    with served(Scripted(script)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        try:
            yield Store("s3://models/prefix"), server.seen
        finally:
            server.stopped.set()


@pytest.fixture
def dead_endpoint(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A port on which nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    return s3_url


METHODS: dict[str, Callable[[Store, Path], object]] = {
    "read": lambda store, _: store.read("sentiment/1/x"),
    "write_once": lambda store, _: store.write_once("sentiment/1/x", b"x"),
    "overwrite": lambda store, _: store.overwrite("sentiment/1/x", b"x"),
    "children": lambda store, _: store.children("sentiment/1/x"),
    "paths": lambda store, _: store.paths("sentiment/1/x"),
    "fetch": lambda store, _: store.fetch("sentiment/1/x", 5, "0" * 64),
    "fetch in ranges": lambda store, _: store.fetch("sentiment/1/x", 5 * PART, "0" * 64),
    "fetch_to": lambda store, folder: store.fetch_to("sentiment/1/x", folder / "x", 5, "0" * 64),
}


@pytest.mark.parametrize("method", METHODS)
def test_a_dead_endpoint_is_a_store_error_within_two_seconds(dead_endpoint: str, tmp_path: Path, method: str) -> None:
    store = Store(dead_endpoint)
    began = time.monotonic()
    with pytest.raises(StoreError) as caught:
        METHODS[method](store, tmp_path)
    assert time.monotonic() - began < 2
    assert str(caught.value).startswith(f"{dead_endpoint}/sentiment/1/x: ")
    assert "\n" not in str(caught.value)
    assert caught.value.status == 503
    assert caught.value.retryable
    assert list(tmp_path.iterdir()) == []


def test_an_endpoint_that_never_answers_is_given_up_before_lambdas_ten_seconds(
    s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(request: Request, _number: int) -> None:
        request.server.stopped.wait()
        request.hang_up()

    with s3_that(silent, monkeypatch) as (store, _):
        began = time.monotonic()
        with pytest.raises(StoreError, match=r"^s3://models/prefix/sentiment/1/model\.json: "):
            store.read("sentiment/1/model.json")
        assert time.monotonic() - began < 8


def test_a_large_file_may_come_as_slowly_as_it_does(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"x" * (PART + 10)

    def slow(request: Request, _number: int) -> None:
        if request.command == "HEAD":
            return request.answer(200, data)
        start, end = (int(place) for place in request.headers["Range"].removeprefix("bytes=").split("-"))
        wanted = data[start : end + 1]
        span = f"bytes {start}-{end}/{len(data)}"
        request.answer(206, wanted[:5], Content_Length=str(len(wanted)), Content_Range=span)
        time.sleep(6.5)  # longer than what shows that S3 is there
        request.wfile.write(wanted[5:])
        return None

    with s3_that(slow, monkeypatch) as (store, _):
        assert store.fetch("sentiment/1/x", len(data), hashlib.sha256(data).hexdigest()) == data


def test_an_answer_that_stops_halfway_is_a_store_error(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def stops(request: Request, _number: int) -> None:
        request.answer(200, b"half of", Content_Length="1000")
        request.hang_up()

    with s3_that(stops, monkeypatch) as (store, _), pytest.raises(StoreError):
        store.fetch("sentiment/1/x", 1000, "0" * 64)


def test_what_fails_twice_and_then_answers_is_read(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def third_time(request: Request, number: int) -> None:
        request.answer(503) if number < 3 else request.answer(200, b"at last")

    with s3_that(third_time, monkeypatch) as (store, seen):
        assert store.read("sentiment/1/x") == b"at last"
        assert seen == ["GET"] * 3


def test_what_fails_twice_and_then_answers_is_written(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def third_time(request: Request, number: int) -> None:
        request.answer(503) if number < 3 else request.answer(200)

    with s3_that(third_time, monkeypatch) as (store, seen):
        store.write_once("sentiment/1/x", b"1")
        assert seen == ["PUT"] * 3


@pytest.mark.parametrize("method", METHODS)
def test_a_refusal_is_told_in_s3s_own_words(
    s3_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, method: str
) -> None:
    def forbidden(request: Request, _number: int) -> None:
        request.refuse(403, "AccessDenied", "Access Denied")

    with s3_that(forbidden, monkeypatch) as (store, _), pytest.raises(StoreError) as caught:
        METHODS[method](store, tmp_path)
    said = str(caught.value)
    assert said.startswith("s3://models/prefix/sentiment/1/x: ")
    assert "AccessDenied: Access Denied" in said or "403 Forbidden" in said
    assert "\n" not in said


# A fetch in ranges begins with HEAD, whose answer has no body to tell the bucket from the file.
@pytest.mark.parametrize("method", [method for method in METHODS if method != "fetch in ranges"])
def test_a_missing_bucket_is_a_store_error_and_no_missing_file(s3_url: str, tmp_path: Path, method: str) -> None:
    with pytest.raises(StoreError, match=r"^s3://no-such-bucket/x/sentiment/1/x: NoSuchBucket: "):
        METHODS[method](Store("s3://no-such-bucket/x"), tmp_path)


# whose file it is when the answer to a write is lost


def lost_answer(there: bytes) -> Callable[[Request, int], None]:
    """S3 writes the file and the connection drops; from then on the file is there."""

    def script(request: Request, number: int) -> None:
        if number == 1:
            request.hang_up()
        elif request.command == "PUT":
            request.refuse(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
        else:
            request.answer(200, there)

    return script


def test_a_write_whose_answer_was_lost_is_known_as_our_own(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with s3_that(lost_answer(b"ours"), monkeypatch) as (store, seen):
        store.write_once("sentiment/1/claim.json", b"ours")
        assert seen == ["PUT", "PUT", "GET"]


def test_a_file_on_disk_whose_answer_was_lost_is_known_as_our_own(
    s3_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "model.onnx").write_bytes(b"ours")
    with s3_that(lost_answer(b"ours"), monkeypatch) as (store, _):
        store.write_once("sentiment/1/model.onnx", tmp_path / "model.onnx")


def test_a_write_whose_answer_was_lost_is_not_taken_for_anothers(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with s3_that(lost_answer(b"another's"), monkeypatch) as (store, _), pytest.raises(FileExistsError):
        store.write_once("sentiment/1/claim.json", b"ours")


# ranges


class Ranges:
    """Serves one object by ranges, and notes how large they were and how many at once."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.sizes: list[int] = []
        self.most = self._now = 0
        self._lock = threading.Lock()

    def __call__(self, request: Request, _number: int) -> None:
        if request.command == "HEAD":
            request.answer(200, self.data)
            return
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers["Range"])
        assert asked
        first, last = int(asked[1]), int(asked[2])
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            self.sizes.append(last + 1 - first)
        time.sleep(0.05)
        with self._lock:
            self._now -= 1
        content_range = f"bytes {first}-{last}/{len(self.data)}"
        request.answer(206, self.data[first : last + 1], Content_Range=content_range)


def test_a_large_file_comes_in_parallel_ranges_of_bounded_number_and_size(
    s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytes(range(256)) * ((2 * WINDOW * PART + PART // 2) // 256)
    ranges = Ranges(data)
    with s3_that(ranges, monkeypatch) as (store, _):
        assert store.fetch("sentiment/1/x", len(data), sha256(data).hexdigest()) == data
    assert 2 <= ranges.most <= WINDOW
    assert len(ranges.sizes) == 2 * WINDOW + 1
    assert max(ranges.sizes) == PART
    assert sum(ranges.sizes) == len(data)


def test_a_file_of_another_size_is_refused_before_a_byte_of_it_is_asked_for(
    s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranges = Ranges(bytes(3 * PART))
    with s3_that(ranges, monkeypatch) as (store, _), pytest.raises(ArtifactError, match="bytes in"):
        store.fetch("sentiment/1/x", 2 * PART, "0" * 64)
    assert ranges.sizes == []


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="without it a disk is found to be full by writing")
@pytest.mark.usefixtures("small_files")
def test_a_disk_that_is_too_small_says_so_before_a_byte_is_asked_for(
    s3_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ranges = Ranges(bytes(3 * PART))
    with s3_that(ranges, monkeypatch) as (store, _), pytest.raises(ArtifactError, match=r"resources\.tmp_mb"):
        store.fetch_to("sentiment/1/x", tmp_path / "x", 3 * PART, sha256(ranges.data).hexdigest())
    assert ranges.sizes == []
    assert list(tmp_path.iterdir()) == []


def test_a_listing_of_more_than_one_page_is_whole_and_sorted(s3_store: Store) -> None:
    names = [f"{number:04}" for number in range(1002)]

    def write(some: list[str]) -> None:
        for name in some:
            s3_store.write_once(f"sentiment/1/{name}", b"")

    threads = [threading.Thread(target=write, args=(names[part::4],)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert s3_store.children("sentiment/1") == names
    assert s3_store.paths("") == [f"sentiment/1/{name}" for name in names]


# signing in


def test_the_environment_without_credentials_is_said_at_once(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    began = time.monotonic()
    with pytest.raises(StoreError, match="the environment has no AWS credentials"):
        Store(s3_url)
    assert time.monotonic() - began < 5  # the instance metadata service is asked for longer


def test_the_services_own_endpoint_goes_before_the_general_one(
    dead_endpoint: str, s3_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_server)
    assert Store(dead_endpoint).children("") == []


@pytest.fixture
def a_laptop(s3_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home without AWS variables; the file that it gives is boto3's configuration."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    config = tmp_path / "config"
    config.touch()
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return config


def test_a_laptop_signs_in_by_its_profile(s3_url: str, a_laptop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_laptop.write_text("[profile team]\naws_access_key_id = a\naws_secret_access_key = b\nregion = eu-central-1\n")
    monkeypatch.setenv("AWS_PROFILE", "team")
    store = Store(s3_url, sign_in_as_boto3=True)
    store.write_once("sentiment/1/x", b"1")
    assert store.read("sentiment/1/x") == b"1"


def test_a_laptop_by_a_credential_process_that_fails_later_gets_a_store_error(
    s3_url: str, a_laptop: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    issued = {"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b", "SessionToken": "c"}
    expired = {**issued, "Expiration": "2001-01-01T00:00:00Z"}
    (tmp_path / "issued.json").write_text(json.dumps(expired))
    a_laptop.write_text(f"[default]\nregion = us-east-1\ncredential_process = cat {tmp_path / 'issued.json'}\n")
    with pytest.raises(StoreError):
        Store(s3_url, sign_in_as_boto3=True).read("sentiment/1/x")


@pytest.mark.parametrize("config", ["", "[default]\nregion = us-east-1\n", "[default]\ncredential_process = false\n"])
def test_a_laptop_that_cannot_sign_in_is_told_how(s3_url: str, a_laptop: Path, config: str) -> None:
    a_laptop.write_text(config)
    with pytest.raises(StoreError, match=r"aws sso login.*AWS_PROFILE"):
        Store(s3_url, sign_in_as_boto3=True)


def test_a_profile_that_does_not_exist_is_told_how(
    s3_url: str, a_laptop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(StoreError, match=r"nobody.*aws sso login"):
        Store(s3_url, sign_in_as_boto3=True)


# the cold path


def test_a_model_function_reads_s3_with_obstore_and_the_standard_library_alone(s3_store: Store) -> None:
    s3_store.write_once("sentiment/1/x", b"graph")
    script = """
import sys
before = set(sys.modules)
from modelet.store.manifest import Manifest
from modelet.store.store import Store
assert Store(sys.argv[1]).fetch("sentiment/1/x", 5, sys.argv[2]) == b"graph"
loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*sorted(loaded - sys.stdlib_module_names), *sorted(loaded & {"asyncio", "concurrent", "http", "ssl", "logging"}))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, s3_store.url, sha256(b"graph").hexdigest()],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["modelet", "obstore"]
