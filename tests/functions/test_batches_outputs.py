"""GET /models/{name}/batches/{id}/predictions and …/rejected: what a batch wrote, page by page."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from modelet.batch.files import BatchFiles
from modelet.batch.record import BatchRecord
from modelet.batch.request import BatchRequest
from modelet.batch.table import new_id
from support.batches_api import Api
from support.events import http_event

Event = Callable[..., dict[str, Any]]
OBJECT = "s3://inputs/rows.csv"


def batch(api: Api, generation: str | None = None, *, state: str = "DONE", rejected: int = 0, **request: Any) -> str:
    """A batch that has ended in the control table; returns its path."""
    records = api.services.batches
    wanted = BatchRequest.from_json({"inputs": [OBJECT], "key": "id", **request})
    record: BatchRecord = records.create(
        "tiny", generation or new_id(), version="1", function="f", request=wanted, tolerated=1.0, load="write"
    )
    records.plan_done(record, 1, 1, 100, "write")
    records.chunk_done(record, 0, 1, rows=1, failed=rejected, seconds=1.0)
    if state != "RUNNING":
        records.set_state(record, ("RUNNING",), state)
    return f"/models/tiny/batches/{record.id}"


def row(number: int, **members: Any) -> dict[str, Any]:
    return {
        "object": OBJECT,
        "row": number,
        "key": f"é-{number}",
        "field": "x",
        "reason": "is bad",
        "rule": "r",
    } | members


def put_rejected(api: Api, path: str, chunk: int, rows: list[dict[str, Any]]) -> None:
    """Write the object of a chunk's rejected rows, as its worker does."""
    url = BatchFiles.of(f"s3://{api.stage.bucket}", "tiny", path.rpartition("/")[2]).rejected(chunk)
    key = url.removeprefix(f"s3://{api.stage.bucket}/")
    data = b"".join(json.dumps(each, ensure_ascii=False).encode() + b"\n" for each in rows)
    api.stage.client("s3").put_object(Bucket=api.stage.bucket, Key=key, Body=data)


def pages(api: Api, path: str, member: str, limit: int) -> Iterator[list[Any]]:
    """The entries of each page."""
    following: str | None = f"{path}/{member}?limit={limit}"
    while following:
        answer = api(http_event("GET", following))
        assert answer.status == 200, answer.body
        yield answer.body[member]
        following = answer.body["next"]


def test_a_batch_with_rejected_rows_says_where_they_are(api: Api) -> None:
    path = batch(api, rejected=2)
    found = api(http_event("GET", path)).body
    assert found["rejected"] == f"s3://{api.stage.bucket}/tiny/{found['id']}/rejected/"
    [listed] = [
        each
        for each in api(http_event("GET", "/models/tiny/batches?limit=100")).body["batches"]
        if each["id"] == found["id"]
    ]
    assert listed["rejected"] == found["rejected"]
    assert api(http_event("GET", batch(api))).body["rejected"] is None


def test_a_batch_with_result_files_says_where_they_are(api: Api) -> None:
    path = batch(api, results="s3://lake/out/")
    found = api(http_event("GET", path)).body
    assert found["results"] == f"s3://lake/out/{found['id']}/"
    assert api(http_event("GET", batch(api))).body["results"] is None


def test_the_reason_of_the_load_is_shown(api: Api) -> None:
    path = batch(api, state="RUNNING")
    record = api.services.batches.get("tiny", path.rpartition("/")[2])
    assert api(http_event("GET", path)).body["load_reason"] is None
    fresh = api.services.batches.create(
        "tiny", new_id(), version="1", function="f", request=record.request, tolerated=0.1, load="auto"
    )
    api.services.batches.plan_done(fresh, 1, 1, 100, "import", load_reason="import: many rows")
    shown = api(http_event("GET", f"/models/tiny/batches/{fresh.id}")).body
    assert (shown["load"], shown["load_reason"]) == ("import", "import: many rows")


@pytest.mark.parametrize("limit", [1, 2, 3, 10_000])
def test_rejected_rows_are_read_page_by_page_in_the_order_of_the_chunks(api: Api, event: Event, limit: int) -> None:
    path = batch(api, rejected=5)
    chunks = {3: [0, 1, 2], 12: [3], 100: [4]}
    for chunk, numbers in chunks.items():
        put_rejected(api, path, chunk, [row(number) for number in numbers])
    put_rejected(api, batch(api, rejected=1), 0, [row(99)])
    found = list(pages(api, path, "rejected", limit))
    assert [each for rows in found for each in rows] == [row(number) for number in range(5)]
    assert all(len(rows) <= limit for rows in found)
    assert api(event("GET", f"{path}/rejected")).body["rejected"][4] == row(4)


def test_a_page_of_rejected_rows_has_at_most_a_megabyte(api: Api) -> None:
    path = batch(api, rejected=60)
    for chunk, count in enumerate((20, 30, 10)):  # the one in the middle alone is larger than a page
        put_rejected(api, path, chunk, [row(number, reason="é" * 20_000) for number in range(count)])
    found = list(pages(api, path, "rejected", 10_000))
    assert [each["row"] for rows in found for each in rows] == [*range(20), *range(30), *range(10)]
    assert all(sum(len(each["reason"].encode()) for each in rows) < 1_000_000 for rows in found)


def test_more_chunks_than_one_list_has_are_read_to_the_end(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.module.outputs_routes, "MOST_OBJECTS", 2)
    path = batch(api, rejected=5)
    for number in range(5):
        put_rejected(api, path, number, [row(number)])
    found = list(pages(api, path, "rejected", 1_000))
    assert [len(rows) for rows in found] == [2, 2, 1]
    assert [each["row"] for rows in found for each in rows] == list(range(5))


def test_a_batch_without_rejected_rows_has_an_empty_page(api: Api, event: Event) -> None:
    answer = api(event("GET", f"{batch(api)}/rejected"))
    assert (answer.status, answer.body) == (200, {"rejected": [], "after": None, "next": None})


def test_rejected_rows_whose_files_expired_are_a_404_that_says_so(api: Api, event: Event) -> None:
    answer = api(event("GET", f"{batch(api, rejected=1)}/rejected"))
    assert answer.status == 404
    assert "are kept for 30 days" in answer.body["detail"]


@pytest.mark.parametrize("part", ["predictions", "rejected"])
def test_an_unknown_batch_is_a_404(api: Api, event: Event, part: str) -> None:
    assert api(event("GET", f"/models/tiny/batches/{new_id()}/{part}")).status == 404
    assert api(event("GET", f"/models/tiny/batches/a%20b/{part}")).status == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("after=x", "after"),
        ("after=1-x", "after"),
        ("after=%C2%B2-0", "after"),
        ("after=123456789-0", "after"),
    ],
)
def test_a_wrong_page_of_rejected_rows_is_a_problem(api: Api, event: Event, query: str, field: str) -> None:
    answer = api(event("GET", f"{batch(api)}/rejected?{query}"))
    assert (answer.status, answer.body["errors"][0]["field"]) == (422, field)


def test_trouble_of_s3_is_a_503(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "SlowDown"}, "ResponseMetadata": {"HTTPStatusCode": 503}}, "ListObjectsV2")

    path = batch(api)
    monkeypatch.setattr(api.module.outputs_routes.aws("s3"), "list_objects_v2", refuse)
    assert api(http_event("GET", f"{path}/rejected")).status == 503


KEYS = ["1", "a b", "a/b", "Zoë", "鍵 🔑", "\n\t", "a" * 2048, "é" * 1024]


@pytest.mark.parametrize("limit", [1, 3, 10_000])
def test_all_predictions_of_a_batch_are_read_page_by_page_and_no_others(api: Api, limit: int) -> None:
    api.stage.load({"old": {"place": -1}})
    generation = api.stage.load({key: {"place": place} for place, key in enumerate(KEYS)})
    table, client = api.stage.predictions, api.stage.client("dynamodb")
    for key, source, expires in (("kept", "online", "9999999999"), ("expired", "batch", "1")):
        item = {"id": key, "generation": generation, "prediction": "{}", "source": source}
        client.put_item(
            TableName=table, Item={name: {"S": text} for name, text in item.items()} | {"expires_at": {"N": expires}}
        )
    found = [each for rows in pages(api, batch(api, generation), "predictions", limit) for each in rows]
    assert {each["key"]: each["prediction"]["place"] for each in found} == dict(
        zip(KEYS, range(len(KEYS)), strict=True)
    )
    assert len(found) == len(KEYS)


def test_a_prediction_has_its_passed_columns(api: Api, event: Event) -> None:
    generation = api.stage.load({"1": 2.5}, passed={"S": '{"town": "Ulm"}'})
    answer = api(event("GET", f"{batch(api, generation)}/predictions?limit=10000"))
    assert answer.body == {
        "predictions": [{"key": "1", "prediction": 2.5, "passed": {"town": "Ulm"}}],
        "after": None,
        "next": None,
    }


def test_a_page_above_lambda_s_limit_is_a_413_with_the_remedy(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    path = batch(api, api.stage.load({"1": "x" * 2000}), rejected=1)
    put_rejected(api, path, 0, [row(1, reason="x" * 2000)])
    api(http_event("POST", "/models/tiny/jobs", {"instance": {}}))
    for name, size in (("ENVELOPE", 0), ("RESPONSE_LIMIT", 100)):
        monkeypatch.setattr(sys.modules["bodies"], name, size)
    for page in (f"{path}/predictions", f"{path}/rejected", "/models/tiny/batches", "/models/tiny/jobs"):
        refused = api(http_event("GET", page))
        assert (refused.status, "ask with a lower limit" in refused.body["detail"]) == (413, True), page


def test_the_generation_before_is_read_too_and_an_older_one_is_gone(api: Api, event: Event) -> None:
    oldest, before = (batch(api, api.stage.load({"1": {"place": 1}})) for _ in range(2))
    api.stage.load({"1": {"place": 2}})
    assert [rows for rows in pages(api, before, "predictions", 10_000) if rows] == [
        [{"key": "1", "prediction": {"place": 1}}]
    ]
    answer = api(event("GET", f"{oldest}/predictions"))
    assert answer.status == 404
    assert "were deleted: those of the active generation and of the one before are kept" in answer.body["detail"]


@pytest.mark.parametrize(
    ("state", "request_members", "said"),
    [
        ("RUNNING", {}, "is RUNNING, its predictions are not complete: wait for its end"),
        ("FAILED", {}, "is FAILED, its predictions are not complete: resume it first"),
        ("DONE", {"table": False, "results": "s3://lake/out"}, "its results are files in s3://lake/out"),
    ],
)
def test_predictions_that_are_not_in_a_table_are_a_409_with_the_remedy(
    api: Api, event: Event, state: str, request_members: dict[str, Any], said: str
) -> None:
    answer = api(event("GET", f"{batch(api, state=state, **request_members)}/predictions"))
    assert answer.status == 409
    assert said in answer.body["detail"]


@pytest.mark.parametrize("after", ["x", "AAAA", "%C3%A9", "_w==", "CmE=", "YQo="])
def test_a_wrong_place_of_predictions_is_a_problem(api: Api, event: Event, after: str) -> None:
    path = batch(api, api.stage.load({"1": {"place": 1}}))
    answer = api(event("GET", f"{path}/predictions?after={after}"))
    assert (answer.status, answer.body["errors"][0]["field"]) == (422, "after")


@pytest.mark.parametrize(("part", "allow"), [("predictions", "GET, HEAD"), ("rejected", "GET, HEAD")])
def test_another_method_is_told_which_ones_there_are(api: Api, event: Event, part: str, allow: str) -> None:
    answer = api(event("DELETE", f"{batch(api)}/{part}"))
    assert (answer.status, answer.headers["allow"]) == (405, allow)
