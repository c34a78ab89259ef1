"""The process of benchmarks.live's Inside: it calls a handler directly, in one block for each input line.

Run it as `python -P called.py module.handler`. The first line is an event, and its output the handler's response. Each
further line is a count, and its output is `[CPU time of the block, [time of each call]]` in µs.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from importlib import import_module

from awslambdaric.lambda_context import LambdaContext

ARN = "arn:aws:lambda:us-east-1:123456789012:function:benchmark"


def main(handler_name: str) -> None:
    """Process lines until the input ends."""
    replies = os.fdopen(os.dup(1), "w")
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 1)  # the function's output goes to a file, as with a Runtime API
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    module, _, name = handler_name.rpartition(".")
    handler = getattr(import_module(module), name)
    event = json.loads(sys.stdin.readline())
    replies.write(f"{json.dumps(handler(event, context(0)))}\n")
    replies.flush()
    for line in sys.stdin:
        times = []
        began = time.process_time()
        for turn in range(int(line)):
            now = context(turn)
            asked = time.perf_counter()
            handler(event, now)
            times.append((time.perf_counter() - asked) * 1e6)
        spent = (time.process_time() - began) * 1e6
        replies.write(f"{json.dumps([spent, times])}\n")
        replies.flush()


def context(turn: int) -> LambdaContext:
    """Return the context that the runtime client would pass."""
    return LambdaContext(f"request-{turn}", None, None, int((time.time() + 30) * 1000), ARN)


if __name__ == "__main__":
    main(sys.argv[1])
