"""Write one line per request, which is log and metrics, with the field names of Powertools for AWS Lambda.

The line is in CloudWatch's embedded metric format (EMF): the log keys of Powertools' Logger and an `_aws` block that
turns the numbers beside it into metrics. It is made from a template, because a logger and a metrics object cost forty
times as much. It never contains a payload.
"""

from __future__ import annotations

import json
import os
import time
import traceback
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelet.settings import Settings

STAGES = ("validate", "preprocess", "infer", "postprocess")
FEATURES, LOGIC = "features", "logic"
"""The stages of models with `features` or `logic` in model.yaml; their times are logged for these models only."""
EXECUTED_VERSION = "ExecutedVersion"
"""The dimension of Lambda's own metrics for the function version; of our metrics, `faults` has it too."""

STDOUT = 1
MARK = ',"more":0'
"""The place in a line's template for the times of the stages that few models have."""
INIT = ("init", "fetch", "load")
"""The whole init, and two parts of it: waiting for files, and the model's own `load`."""


class Timings:
    """The seconds that each stage of one request took, and its number of instances.

    features, logic: unset unless a request had these stages.
    """

    __slots__ = ("features", "infer", "instances", "logic", "postprocess", "preprocess", "validate")
    features: float
    logic: float

    def __init__(self) -> None:
        self.validate = self.preprocess = self.infer = self.postprocess = 0.0
        self.instances = 0


class Startup(NamedTuple):
    """The parts of an init, in seconds.

    open: read the bundle and the secrets, and request the files. fetch: wait for the files. load: the rest of the
    model's own `load`. contract: build the validators of instances and predictions.
    """

    open: float
    fetch: float
    load: float
    contract: float


def _write(line: str) -> None:
    # Not through the runtime client's stdout, which flushes each piece: that is a third of a line's cost.
    left = f"{line}\n".encode("utf-8", "backslashreplace")
    while left:
        left = left[os.write(STDOUT, left) :]


def _times(stages: tuple[str, ...], timings: Timings) -> str:
    return "".join([f',"{stage}_ms":{getattr(timings, stage, 0.0) * 1000:.3f}' for stage in stages])


class RequestLog:
    """Write one line per request, and the cause of each failure. The first line also has the times of the init.

    more: the stages that this model has besides the usual ones; set before the first line.
    """

    more: tuple[str, ...] = ()

    def __init__(
        self, settings: Settings, model: str, version: str, startup: Startup, write: Callable[[str], None] = _write
    ) -> None:
        self._write = write
        self._startup = startup
        self._namespace = settings.namespace
        self._static = {
            "service": model,
            "function_name": settings.function_name,
            "function_memory_size": str(settings.memory_mb),
            "model": model,
            "version": version,
            EXECUTED_VERSION: settings.function_version,
        }
        self._cold = True
        self._arn = self._arn_text = ""
        self._second, self._time = 0, ""
        self._lines: dict[tuple[bool, bool], str] = {}

    def restart(self, startup: Startup) -> None:
        """Report another start on the next line, because this environment was restored from a snapshot."""
        self._cold, self._startup = True, startup
        self._lines.clear()

    def request(self, arn: str, request_id: str, status: int, timings: Timings, total: float) -> None:
        """Write the line of one request. total: in seconds."""
        now = time.time()
        cold, self._cold = self._cold, False
        kind = (cold, timings.infer > 0)
        if (second := int(now)) != self._second:
            self._second, self._time = second, time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(second))
        if arn != self._arn:
            self._arn, self._arn_text = arn, json.dumps(arn)
        line = self._lines.get(kind) or self._lines.setdefault(kind, self._template(*kind))
        if self.more:
            line = line.replace(MARK, _times(self.more, timings), 1)
        self._write(
            line
            % (
                "ERROR" if status >= 500 else "WARNING" if status >= 400 else "INFO",
                self._time,
                now * 1000 % 1000,
                self._arn_text,
                json.dumps(request_id),
                "true" if cold else "false",
                cold,
                status,
                400 <= status < 500,
                status >= 500,
                timings.instances,
                total * 1000,
                timings.validate * 1000,
                timings.preprocess * 1000,
                timings.infer * 1000,
                timings.postprocess * 1000,
                now * 1000,
            )
        )

    def _template(self, cold: bool, inferred: bool) -> str:
        """Return the format string of a line. Times of 0 are not metrics, because they would distort the averages."""
        times = ["total", *((*STAGES, *self.more) if inferred else ()), *(["init"] if cold else ())]
        metrics = [{"Name": f"{name}_ms", "Unit": "Milliseconds"} for name in times]
        metrics += [{"Name": name, "Unit": "Count"} for name in ("ColdStart", "instances", "errors", "faults")]
        block = [
            {"Namespace": self._namespace, "Dimensions": [["service"]], "Metrics": metrics},
            # The alarm that stops a release needs the faults of one Lambda version; each metric costs money.
            {
                "Namespace": self._namespace,
                "Dimensions": [["service", EXECUTED_VERSION]],
                "Metrics": [{"Name": "faults", "Unit": "Count"}],
            },
        ]
        static = json.dumps(self._static)[1:-1].replace("%", "%%")
        directive = json.dumps(block).replace("%", "%%")
        stages = ",".join(f'"{stage}_ms":%.3f' for stage in STAGES)
        took = (sum(self._startup), self._startup.fetch, self._startup.load) if cold else (0.0, 0.0, 0.0)
        init = ",".join(f'"{name}_ms":{seconds * 1000:.3f}' for name, seconds in zip(INIT, took, strict=True))
        return (
            '{"level":"%s","location":"handler","message":"infer","timestamp":"%s,%03d+0000",'
            + static
            + ',"function_arn":%s,"function_request_id":%s,"cold_start":%s,"ColdStart":%d,"status":%d,"errors":%d,'
            '"faults":%d,"instances":%d,"total_ms":%.3f,'
            + f"{init},{stages}{MARK if self.more else ''}"
            + ',"_aws":{"Timestamp":%d,"CloudWatchMetrics":'
            + directive
            + "}}"
        )

    def failure(self, request_id: str, error: BaseException) -> None:
        """Write why a request failed, with the stack of the cause, which never goes into an answer."""
        cause = error.__cause__ or error
        # An explicit limit, because the handler may have set sys.tracebacklimit to 0.
        stack = traceback.format_exception(type(cause), cause, cause.__traceback__, limit=50)
        line = {
            "level": "ERROR",
            "message": str(error),
            **self._static,
            "function_request_id": request_id,
            "exception_name": type(cause).__name__,
            "exception": traceback.format_exception_only(cause)[-1].strip(),
            "stack_trace": "".join(stack),
        }
        self._write(json.dumps(line, default=str))
