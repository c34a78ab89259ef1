from __future__ import annotations

import datetime
import http.client
import ssl
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import RefreshableCredentials
from botocore.httpsession import get_cert_path
from urllib3.util.wait import wait_for_read

from benchmarks.tls import certificates
from modelet.batch.connection import SignedConnection
from modelet.batch.signed import Endpoint
from modelet.errors import ServingError
from support.aws import Request, running_service
from support.dynamodb_endpoint import dynamodb
from support.tables import dynamodb_client

BODY = b'{"RequestItems":{"t":[{"PutRequest":{"Item":{"id":{"S":"a"}}}}]}}'


def test_a_request_is_signed_as_botocore_signs_it() -> None:
    with dynamodb() as table:
        client = table.client(aws_session_token="token")
        connection = SignedConnection(Endpoint(client), 10)
        assert connection.post("BatchWriteItem", BODY) == (200, b'{"UnprocessedItems": {}}')
        connection.close()
        (sent,) = table.headers
        signer = SigV4Auth(client._get_credentials(), "dynamodb", "us-east-1")
        given, _, signature = sent["Authorization"].rpartition("Signature=")
        names = given.partition("SignedHeaders=")[2].rstrip(", ").split(";")
        signed = {name: value for name, value in sent.items() if name.lower() in names}
        request = AWSRequest("POST", f"{table.url}/", data=BODY, headers=signed)
        request.context["timestamp"] = sent["X-Amz-Date"]
        text = signer.string_to_sign(request, signer.canonical_request(request))
        assert signer.signature(text, request) == signature
        assert sent["X-Amz-Security-Token"] == "token"
        assert {"host", "x-amz-date", "x-amz-security-token", "x-amz-target"} <= set(names)


def test_one_connection_serves_many_requests_and_a_new_one_follows_an_error() -> None:
    with dynamodb([None, None, "reset"]) as table:
        connection = SignedConnection(Endpoint(table.client()), 10)
        assert [connection.post("BatchWriteItem", BODY)[0] for _ in range(2)] == [200, 200]
        with pytest.raises((OSError, http.client.HTTPException)):
            connection.post("BatchWriteItem", BODY)
        assert connection.post("BatchWriteItem", BODY)[0] == 200
        connection.close()


def test_a_connection_that_was_closed_while_it_was_idle_costs_no_attempt() -> None:
    def hang_up_afterwards(request: Request, _: int) -> tuple[int, Any]:
        request.close_connection = True  # it says nothing of it
        return 200, {}

    with running_service() as service:
        service.script = hang_up_afterwards
        connection = SignedConnection(Endpoint(dynamodb_client(service.url)), 10)
        for _ in range(3):
            assert connection.post("GetItem", b"{}") == (200, b"{}")
            assert wait_for_read(connection._connection.sock, timeout=10), "the end of the connection arrives"
        connection.close()
        assert len({request.client_address for request in service.seen}) == 3


def test_requests_over_tls_go_only_to_whom_boto3_trusts(tmp_path: Path) -> None:
    certificate, key, authorities = certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with running_service(context) as service:
        trusting = Endpoint(dynamodb_client(service.url, verify=str(authorities)))
        connection = SignedConnection(trusting, 10)
        assert [connection.post("GetItem", b"{}") for _ in range(2)] == [(200, b"{}")] * 2
        connection.close()
        assert len({request.client_address for request in service.seen}) == 1
        with pytest.raises(ssl.SSLCertVerificationError):
            SignedConnection(Endpoint(dynamodb_client(service.url)), 10).post("GetItem", b"{}")


def test_keys_are_refreshed_as_the_client_refreshes_them() -> None:
    made: list[None] = []

    def refresh() -> dict[str, Any]:
        made.append(None)
        expires = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=60 if len(made) < 3 else 7_200)
        return {
            "access_key": f"key{len(made)}",
            "secret_key": "secret",
            "token": f"token{len(made)}",
            "expiry_time": expires.isoformat(),
        }

    session = botocore.session.get_session()
    session._credentials = RefreshableCredentials.create_from_metadata(refresh(), refresh, "test")
    client = boto3.Session(botocore_session=session, region_name="eu-west-1").client("dynamodb")
    endpoint = Endpoint(client)
    assert endpoint.region == "eu-west-1"
    assert endpoint.url.startswith("https://dynamodb.eu-west-1.")
    last = [endpoint.keys() for _ in range(4)][-1]
    assert (last.access_key, last.token) == ("key3", "token3")


def test_a_client_without_credentials_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    client = boto3.session.Session().client("dynamodb", region_name="us-east-1")
    with pytest.raises(ServingError, match="no AWS credentials"):
        Endpoint(client)


def test_https_trusts_the_certificates_of_boto3() -> None:
    with dynamodb() as table:
        endpoint = Endpoint(table.client())
    assert endpoint.tls.check_hostname
    assert endpoint.tls.cert_store_stats()["x509_ca"] > 50


def test_https_trusts_the_bundle_that_boto3_is_told_to_trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    end = "-----END CERTIFICATE-----\n"
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(Path(get_cert_path(True)).read_text().partition(end)[0] + end)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    with dynamodb() as table:
        assert Endpoint(table.client()).tls.cert_store_stats()["x509"] == 1
