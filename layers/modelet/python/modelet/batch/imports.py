"""Load a generation with DynamoDB's ImportTable: a new table from the files that the chunks wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from modelet.batch.plan import place_of
from modelet.batch.table import EXPIRES, PREDICTIONS
from modelet.errors import RequestError, StoreError

if TYPE_CHECKING:
    from modelet.batch.record import BatchRecord
    from modelet.batch.worker import Worker

PENDING = {"IN_PROGRESS", "CANCELLING"}


def import_table(prefix: str, batch: str, attempt: int) -> str:
    """Return the name of the table that an attempt's import creates."""
    return f"{prefix}{batch}-{attempt}"


class Import:
    """The import of one batch. table: the name of the new table."""

    def __init__(self, worker: Worker, record: BatchRecord) -> None:
        self._worker = worker
        self._record = record
        self._client = worker.dynamodb
        self.table = import_table(worker.settings.import_prefix, record.id, record.attempt)

    def is_complete(self) -> bool:
        """Start the import if it has not started; return whether it is complete.

        Raises RequestError if DynamoDB refuses an item, or if there are fewer items than keys or more than rows;
        StoreError if it does not answer.
        """
        try:
            described = self._described()
        except (BotoCoreError, ClientError) as error:
            raise StoreError(f"the import into {self.table} cannot be started or read: {error}") from error
        status = described["ImportStatus"]
        if status in PENDING:
            return False
        if status != "COMPLETED":
            code, message = described.get("FailureCode", status), described.get("FailureMessage", "")
            raise RequestError(
                f"DynamoDB did not import the table ({code}: {message}; {described.get('ErrorCount', 0)} errors): the "
                "log group /aws-dynamodb/imports has them; `modelet batch resume` loads again"
            )
        # Of keys that repeat, DynamoDB may count each item that it writes, or each that stays.
        imported, errors = described["ImportedItemCount"], described.get("ErrorCount", 0)
        most = self._record.rows_done
        least = most - self._record.repeated
        if errors or not least <= imported <= most:
            wanted = f"{most:,}" if least == most else f"{least:,} to {most:,}"
            raise RequestError(
                f"DynamoDB imported {imported:,} items with {errors:,} errors, and {wanted} items were expected: the "
                "log group /aws-dynamodb/imports has the errors; `modelet batch resume` loads again"
            )
        self._expire()
        return True

    def _described(self) -> dict[str, Any]:
        """Return the description of this attempt's import, which is started by the first call."""
        arn = self._record.import_arn
        if arn is None:
            started = self._start()
            self._worker.batches.set_import(self._record, started["ImportArn"])
            return started
        described: dict[str, Any] = self._client.describe_import(ImportArn=arn)["ImportTableDescription"]
        return described

    def _start(self) -> dict[str, Any]:
        """Start the import; the token makes a second call return the same one."""
        place = place_of(self._worker.files(self._record.id).root + "/import/")
        keys = [PREDICTIONS.partition, PREDICTIONS.sort]
        started: dict[str, Any] = self._client.import_table(
            ClientToken=f"{self._record.id}-{self._record.attempt}",
            S3BucketSource={"S3Bucket": place["bucket"], "S3KeyPrefix": place["key"]},
            InputFormat="DYNAMODB_JSON",
            InputCompressionType="GZIP",
            TableCreationParameters={
                "TableName": self.table,
                "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in keys],
                "KeySchema": [
                    {"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=True)
                ],
                "BillingMode": "PAY_PER_REQUEST",
                "SSESpecification": {"Enabled": True},
            },
        )["ImportTableDescription"]
        return started

    def _expire(self) -> None:
        """Let kept online predictions expire in the new table too; a table that already does so is no error."""
        try:
            self._client.update_time_to_live(
                TableName=self.table, TimeToLiveSpecification={"Enabled": True, "AttributeName": EXPIRES}
            )
        except (BotoCoreError, ClientError) as error:
            if "already enabled" not in str(error):
                raise StoreError(f"{self.table}: {error}") from error
