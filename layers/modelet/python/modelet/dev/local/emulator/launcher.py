"""The emulator's own program: MiniStack, whose functions are invoked by `modelet up`.

It runs in the emulator's Python environment, which has no modelet: this file imports only MiniStack. It replaces a
private part of the version that requirements/ministack.txt pins. It ends when its standard input ends, so that it saves
its tables even if `modelet up` is killed.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from ministack import app
from ministack.core import iam_evaluator
from ministack.services import lambda_svc, sqs

INVOKER = "MODELET_INVOKER"
"""The variable with the URL that answers invocations."""
HEALTH = "/_ministack/health"
PRIVATE = ("/_ministack", "/_localstack", "/_aws")
"""Paths of the emulator's own operations, which ask for no signature; the reset is one of them."""
HOSTS = (b"127.0.0.1", b"localhost")
QUEUES_PORT = "4566"
"""The port in the addresses by which queues are kept; callers see the one they called."""


def main() -> None:
    """Serve until SIGTERM, or until standard input ends."""
    invoker = os.environ.pop(INVOKER)

    def execute(function: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        return invoke(invoker, function.get("config") or function, event, request_id)

    lambda_svc._execute_function_docker = execute
    # Kept queues are found by their addresses, but each start has another port.
    sqs.DEFAULT_PORT, sqs._CANONICAL_NETLOC = QUEUES_PORT, f"{sqs.DEFAULT_HOST}:{QUEUES_PORT}"
    # It believes whoever names the account's own key; then only the keys' owner is answered.
    iam_evaluator._is_root_key = lambda _: False
    app.app = guarded(app.app)
    threading.Thread(target=_end_with_input, daemon=True).start()
    app.main()


def invoke(invoker: str, config: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
    """Return the result of one invocation, as MiniStack's own functions return theirs: with the type of an error."""
    question = {"function": config["FunctionName"], "event": event, "request_id": request_id}
    request = Request(invoker, json.dumps(question, ensure_ascii=False).encode(), method="POST")  # noqa: S310 - ours
    try:
        # There is no time limit: an invocation may wait for its turn, and its function's timeout ends it.
        with urlopen(request) as reply:  # noqa: S310
            answer = json.load(reply)
    except (URLError, OSError, ValueError) as error:
        body = {"errorType": "Emulator.InvokerError", "errorMessage": str(error)}
        return {"body": body, "error": True, "function_error": "Unhandled", "log": ""}
    if answer["throttled"]:
        throttled: dict[str, Any] = lambda_svc._throttle_response("ConcurrentInvocationLimitExceeded", "Rate Exceeded.")
        return throttled
    failed = answer["error"] is not None
    return {
        "body": answer["payload"],
        "error": failed,
        "function_error": "Unhandled" if failed else None,
        "log": "",
    }


def guarded(served: Any) -> Any:
    """Refuse requests for other hosts (a web page's, by DNS rebinding) and the operations without a signature.

    After the shutdown, when everything is saved, end at once: threads that wait for an invocation would hold it up, and
    its failure would count as the chunk's.
    """

    async def answer(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":

            async def sent(message: dict[str, Any]) -> None:
                if message["type"] == "lifespan.shutdown.complete":
                    logging.shutdown()
                    os._exit(0)
                await send(message)

            await served(scope, receive, sent)
        elif scope["type"] != "http" or is_allowed(scope["path"], dict(scope["headers"]).get(b"host", b"")):
            await served(scope, receive, send)
        else:
            await send({"type": "http.response.start", "status": 403, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})

    return answer


def is_allowed(path: str, host: bytes) -> bool:
    """Return whether a request is for AWS's services on this machine, or asks for the emulator's health."""
    return host.rpartition(b":")[0] in HOSTS and (path == HEALTH or not path.startswith(PRIVATE))


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
