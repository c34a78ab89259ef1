"""The process of benchmarks.refusals: it loads a handler, and forks for each event.

Run it as `python -P forked.py module.handler`. An input line is the path of a file with an event. Its output is
`{"status", "cpu_ms", "extra_peak_mb", "said"}` of the call alone, in a process without earlier requests. Linux only,
because the kernel must reset the memory peak for each call.
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from awslambdaric.lambda_context import LambdaContext

ARN = "arn:aws:lambda:us-east-1:123456789012:function:benchmark"
SHOWN = 600
"""The number of characters of a response that are kept."""


def main(handler_name: str) -> None:
    """Process lines until the input ends."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # drop the function's output
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    module, _, name = handler_name.rpartition(".")
    handler = getattr(import_module(module), name)
    for line in sys.stdin:
        if child := os.fork():
            os.waitpid(child, 0)
            continue
        event = json.loads(Path(line.strip()).read_bytes())
        replies.write(f"{json.dumps(asked(handler, event))}\n")
        replies.flush()
        os._exit(0)


def asked(handler: Any, event: Any) -> dict[str, Any]:
    """Return the cost of one call, and the start of its response."""
    context = LambdaContext("request", None, None, int((time.time() + 300) * 1000), ARN)
    Path("/proc/self/clear_refs").write_text("5")  # reset the peak
    before, began = _kilobytes("VmRSS"), time.process_time()
    response = handler(event, context)
    spent, peak = time.process_time() - began, _kilobytes("VmHWM")
    return {
        "status": response["statusCode"],
        "cpu_ms": spent * 1000,
        "extra_peak_mb": max(0, peak - before) / 1024,
        "said": response["body"][:SHOWN],
    }


def _kilobytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(f"{name}:")).split()[1])


if __name__ == "__main__":
    main(sys.argv[1])
