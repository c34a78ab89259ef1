"""An endpoint that answers each GetItem and BatchGetItem over TLS: `python -m benchmarks.items CERTIFICATE KEY`.

It prints its port. The control table has the pointer to a generation, any other table the prediction of every key.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from typing import Any

from benchmarks.endpoint import serve

CONTROL, PREDICTIONS, GENERATION = "control", "predictions", "20261129T000000000Z-12345678"
POINTER = {"generation": GENERATION, "table": PREDICTIONS, "rows": 1_000_000, "since": 1, "newest": GENERATION}
PREDICTION = {
    "id": "k",
    "generation": GENERATION,
    "source": "batch",
    "prediction": json.dumps({"label": "high", "probability": 0.9}),
}
# The headers that DynamoDB sends.
HEADERS = (
    b"Server: Server\r\nDate: Sun, 29 Nov 2026 12:00:00 GMT\r\nContent-Type: application/x-amz-json-1.0\r\n"
    b"Connection: keep-alive\r\nx-amzn-RequestId: 0BKCKQ3KVC5L1I5BTU2C8V7IGFVV4KQNSO5AEMVJF66Q9ASUAAJG\r\n"
)


def reply(_head: bytes, body: bytes) -> tuple[bytes, bytes]:
    """Return the pointer, the prediction, or the predictions of all keys."""
    if b'"RequestItems"' in body:
        keys = json.loads(body)["RequestItems"][PREDICTIONS]["Keys"]
        items = [{**_item(PREDICTION), "id": key["id"]} for key in keys]
        return HEADERS, json.dumps({"Responses": {PREDICTIONS: items}, "UnprocessedKeys": {}}).encode()
    if b'"control"' in body:
        return HEADERS, json.dumps({"Item": _item(POINTER | {"revision": 1})}).encode()
    key = json.loads(body)["Key"]
    return HEADERS, json.dumps({"Item": {**_item(PREDICTION), "id": key["id"]}}).encode()


def _item(found: dict[str, Any]) -> dict[str, Any]:
    return {name: {"S": value} if isinstance(value, str) else {"N": str(value)} for name, value in found.items()}


if __name__ == "__main__":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*sys.argv[1:])
    asyncio.run(serve(reply, context))
