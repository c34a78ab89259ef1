"""call: signed over a real wire as botocore would check it, or by a key or a token, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from conftest import NOT_OURS, SIGNED_IN
from modelet.dev.cli.remote import AMAZON
from modelet.dev.local.prepare import local_function
from support.commands import failure
from support.projects import BAD, GOOD, make_tiny
from support.servers import serving
from support.signatures import is_signed
from support.threads import served

Run = Callable[..., Result]


class Request(BaseHTTPRequestHandler):
    """One call, kept, and answered as the test says."""

    server: Api

    def do_GET(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append(self)
        body = self.server.says if isinstance(self.server.says, bytes) else json.dumps(self.server.says).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - http.server's own name

    def is_signed(self, **expected: str) -> bool:
        """Whether botocore would have signed this very request so."""
        given = {"secret_key": "test", "service": "execute-api", "region": "us-east-1", **expected}
        return is_signed(self.command, self.path, dict(self.headers.items()), self.body, **given)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
        """Say nothing."""


class Api(ThreadingHTTPServer):
    """An API of one answer."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.status = 200
        self.says: Any = {"label": "좋음"}
        self.seen: list[Request] = []
        self.url = f"http://127.0.0.1:{self.server_port}"

    def asked(self) -> Request:
        [request] = self.seen
        return request


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """The API, and the variables of somebody who is signed in to AWS."""
    for name in NOT_OURS:
        monkeypatch.delenv(name, raising=False)
    for name, value in SIGNED_IN.items():
        monkeypatch.setenv(name, value)
    with served(Api()) as server:
        yield server


@pytest.fixture
def nobody(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A laptop that is not signed in."""
    for name in SIGNED_IN.keys() - {"AWS_EC2_METADATA_DISABLED"}:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))


@pytest.mark.parametrize(
    "path",
    ["/models/tiny/infer", "/prod/models/tiny/infer?partial=true", "/models/a%20b/~x?b=2&a=1&a=%2F", "/"],
)
def test_a_body_is_posted_with_a_signature(run: Run, api: Api, path: str) -> None:
    result = run("call", f"{api.url}{path}", '{"text": "정말"}')
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout) == {"label": "좋음"}
    assert "좋음" in result.stdout
    asked = api.asked()
    assert (asked.command, asked.path) == ("POST", path)
    assert json.loads(asked.body) == {"text": "정말"}
    assert asked.headers["Content-Type"] == "application/json"
    assert asked.is_signed()
    assert not asked.is_signed(secret_key="another")


def test_without_a_body_it_gets(run: Run, api: Api) -> None:
    assert run("call", f"{api.url}/models").exit_code == 0
    assert (api.asked().command, api.asked().body) == ("GET", b"")
    assert api.asked().is_signed()


def test_a_session_s_token_is_part_of_the_signature(run: Run, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a-session")
    run("call", api.url, "1")
    assert api.asked().is_signed()
    assert "x-amz-security-token" in api.asked().headers["Authorization"]


def test_region_and_service_are_given_or_known(run: Run, api: Api) -> None:
    run("call", api.url, "--region", "ap-northeast-2", "--service", "lambda")
    assert api.asked().is_signed(region="ap-northeast-2", service="lambda")


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("abc123.execute-api.ap-northeast-2.amazonaws.com", "ap-northeast-2"),
        ("abc123.execute-api.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("abc123.execute-api.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("abc123.lambda-url.eu-west-1.on.aws", "eu-west-1"),
        ("api.example.com", None),
        ("127.0.0.1:8000", None),
    ],
)
def test_aws_s_own_hosts_name_their_region(host: str, region: str | None) -> None:
    found = AMAZON.search(host)
    assert (found and found[1]) == region


def test_an_event_may_come_from_a_file_or_from_stdin(run: Run, api: Api, project: Path) -> None:
    (project / "instance.json").write_text('{"a": 1}')
    run("call", api.url, "@instance.json")
    run("call", api.url, "-", stdin='{"a": 2}')
    assert [json.loads(request.body) for request in api.seen] == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    ("option", "header", "value"),
    [
        (["--api-key", "k"], "X-Api-Key", "k"),
        (["--token", "t"], "Authorization", "Bearer t"),
        (["--no-sign"], "Authorization", None),
    ],
)
def test_another_way_to_sign_in_asks_nobody_for_aws_keys(
    run: Run, api: Api, nobody: None, option: list[str], header: str, value: str | None
) -> None:
    assert run("call", api.url, "1", *option).exit_code == 0
    assert api.asked().headers[header] == value
    assert "X-Amz-Date" not in api.asked().headers


def test_who_is_not_signed_in_is_told_how(run: Run, api: Api, nobody: None) -> None:
    said = failure(run("call", "https://abc.execute-api.eu-west-1.amazonaws.com/models", "1"))
    assert said.startswith("no AWS credentials found: run `aws sso login`")
    assert api.seen == []


def test_a_local_api_is_called_without_a_signature_where_nobody_is_signed_in(run: Run, api: Api, nobody: None) -> None:
    assert run("call", api.url, "1").exit_code == 0
    assert "X-Amz-Date" not in api.asked().headers


def test_a_profile_that_is_not_there_is_told(run: Run, api: Api, nobody: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert "nobody" in failure(run("call", api.url, "1"))


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (301, "redirects"),
        (401, "--token"),
        (403, "execute-api:Invoke"),
        (422, "validation"),
        (500, "see the function's log"),
    ],
)
def test_an_error_prints_the_answer_and_a_remedy_and_exits_with_1(run: Run, api: Api, status: int, remedy: str) -> None:
    api.status, api.says = status, {"message": "no"}
    result = run("call", api.url, "1")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"message": "no"}
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith(f"error: {status}: ")
    assert remedy in result.stderr
    assert len(api.seen) == 1


def test_an_answer_that_is_no_json_is_printed_as_it_is(run: Run, api: Api) -> None:
    api.says = b"<html>"
    assert run("call", api.url).stdout == "<html>\n"


@pytest.mark.parametrize("url", ["api.example.com/models", "ftp://example.com", "http://", "file:///etc/hosts"])
def test_what_is_no_url_of_an_api_is_one_line(run: Run, api: Api, url: str) -> None:
    assert failure(run("call", url, "1")).startswith(f"{url!r} is not the URL of an API: give https://")


@pytest.mark.parametrize("words", [["http://127.0.0.1:1/a b"], ["http://127.0.0.1:1/정"], ["--token", "a\nb"]])
def test_what_http_cannot_send_is_one_line(run: Run, api: Api, words: list[str]) -> None:
    assert "invalid characters" in failure(run("call", *words, *([api.url] if "--token" in words else []), "1"))


def test_an_api_that_is_not_there_is_one_line(run: Run, api: Api) -> None:
    assert "127.0.0.1:1 does not respond" in failure(run("call", "http://127.0.0.1:1/models", "1"))


def test_a_local_gateway_answers_an_unsigned_call(run: Run, project: Path) -> None:
    (project / "functions").rmdir()
    tiny = make_tiny(project)
    with serving([local_function(tiny.function, tiny.store)]) as url:
        answer = json.loads(
            run("call", f"{url}/models/tiny/infer", json.dumps({"instances": [GOOD]}), "--no-sign").stdout
        )
        assert (answer["predictions"][0]["label"], answer["version"]) == ("high", "1")
        refused = run("call", f"{url}/models/tiny/infer", json.dumps(BAD), "--no-sign")
    assert refused.exit_code == 1
    assert json.loads(refused.stdout)["status"] == 422
