"""The process of benchmarks.refusals: a loaded handler, forked for each event that a line of its input names.

Run as `python -P forked.py module.handler`. A line is the path of a file with an event; it is answered with
`{"status", "cpu_ms", "extra_peak_mb", "said"}`: of the call alone, in a process that has answered nothing before. Linux
only: the kernel counts the peak anew for each.
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
"""Characters of an answer that are kept."""


def main(handler_name: str) -> None:
    """Answer lines until there are no more."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what the function prints
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
    """What one call costs, and the beginning of its answer."""
    context = LambdaContext("request", None, None, int((time.time() + 300) * 1000), ARN)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
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
