"""An import counts as complete if DynamoDB read every row: no fewer items than keys, no more than rows."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from modelet.batch.imports import Import
from modelet.batch.record import BatchRecord
from modelet.batch.settings import WorkerSettings
from modelet.batch.worker import Worker
from modelet.errors import RequestError, StoreError
from support.doubling import Doubling
from support.services import service
from support.tables import REQUEST

ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/t/import/1"


class Scripted:
    """DynamoDB, which answers with the description of an import or an error."""

    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        self.answer = answer
        self.expiring: list[str] = []

    def describe_import(self, **members: str) -> dict[str, Any]:
        assert members == {"ImportArn": ARN}
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"ImportTableDescription": self.answer}

    def update_time_to_live(self, **members: Any) -> None:
        self.expiring.append(members["TableName"])


def loading(answer: dict[str, Any] | Exception, *, rows: int = 100, repeated: int = 0) -> Import:
    """An import of a batch with so many rows, of which some are repeated."""
    worker = Worker(service(Doubling), WorkerSettings("control", "s3://batches", import_prefix="dev-tiny-worker-"))
    worker.__dict__["dynamodb"] = Scripted(answer)
    record = BatchRecord("tiny", "b1", "3", "arn", REQUEST, 0.1, "import", "LOADING", 2, 0.0, 0.0, 10**10)
    return Import(worker, record._replace(rows_done=rows, repeated=repeated, checked=True, import_arn=ARN))


def completed(imported: int, **members: Any) -> dict[str, Any]:
    return {"ImportStatus": "COMPLETED", "ImportedItemCount": imported, "ErrorCount": 0, **members}


@pytest.mark.parametrize(("repeated", "imported"), [(0, 100), (7, 100), (7, 93), (7, 95)])
def test_a_repeated_key_may_count_as_imported_or_not(repeated: int, imported: int) -> None:
    done = loading(completed(imported), repeated=repeated)
    assert done.is_complete()
    assert done._client.expiring == ["dev-tiny-worker-b1-2"]


@pytest.mark.parametrize(("repeated", "imported", "wanted"), [(0, 99, "100"), (7, 92, "93 to 100"), (7, 101, "93 to")])
def test_an_import_that_lost_or_added_items_fails(repeated: int, imported: int, wanted: str) -> None:
    with pytest.raises(RequestError, match=rf"imported {imported} items with 0 errors, and {wanted}.*resume` loads"):
        loading(completed(imported), repeated=repeated).is_complete()


def test_an_import_with_errors_fails_even_if_the_count_fits() -> None:
    with pytest.raises(RequestError, match="with 3 errors"):
        loading(completed(97, ErrorCount=3), repeated=10).is_complete()


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
def test_an_import_that_failed_says_why(status: str) -> None:
    with pytest.raises(RequestError, match=r"did not import the table \(ItemValidationError: bad item; 1 errors\)"):
        loading(
            {
                "ImportStatus": status,
                "FailureCode": "ItemValidationError",
                "FailureMessage": "bad item",
                "ErrorCount": 1,
            }
        ).is_complete()


@pytest.mark.parametrize("status", ["IN_PROGRESS", "CANCELLING"])
def test_an_import_that_runs_is_not_complete(status: str) -> None:
    assert not loading({"ImportStatus": status}).is_complete()


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "ThrottlingException"}}, "DescribeImport"),
        EndpointConnectionError(endpoint_url="https://dynamodb"),
    ],
    ids=["throttled", "unreachable"],
)
def test_an_import_that_cannot_be_read_is_asked_for_again(error: Exception) -> None:
    with pytest.raises(StoreError, match="cannot be started or read"):
        loading(error).is_complete()
