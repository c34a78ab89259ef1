"""Whole batches while DynamoDB and S3 fail again and again: no row is lost, none is doubled, and the record is true."""

from __future__ import annotations

import boto3
import pytest

from modelet.batch import clients
from modelet.batch.lookup import Lookup
from modelet.dev.local.emulator.emulator import Emulator
from support.batches import Stage, csv_text
from support.faulty import FILES, TABLES, WRITES, faulty
from support.services import service

from .test_worker import Doubling, expected, rows


@pytest.mark.parametrize("load", ["write", "import"])
@pytest.mark.parametrize("seed", range(3))
def test_a_batch_survives_every_fault_that_passes(
    place: str, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, load: str, seed: int
) -> None:
    straight = Stage.create(service(Doubling), place)
    given = rows(200)
    url = straight.put("a.csv", csv_text(given))
    with faulty(emulator.endpoint, seed) as proxy, monkeypatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", proxy.url)
        clients.client.cache_clear()
        stage = Stage(straight.service, straight.url, straight.settings)
        batch = stage.create_batch(url, chunk_rows=10, load=load)
        stage.run(batch)
        lookup = Lookup(boto3.client("dynamodb"), stage.settings.control_table)
        looked = [lookup.get("tiny", [row["id"] for row in given[first : first + 5]]) for first in range(0, 200, 5)]
    clients.client.cache_clear()
    record = straight.record(batch)
    assert (record.state, record.rows_done, record.rows_failed, record.chunks_done) == ("DONE", 200, 0, 20), record
    assert straight.predictions(batch) == expected(given)
    assert {key: each.value for found in looked for key, each in found.predictions.items()} == expected(given)
    assert {found.generation.generation for found in looked if found.generation} == {batch.id}
    wanted = {f"S3: {kind}" for kind in FILES} | {f"DynamoDB: {kind}" for kind in TABLES}
    assert set(proxy.seen) >= wanted | ({f"write: {kind}" for kind in WRITES} if load == "write" else set())
    assert sum(proxy.seen.values()) > 20
