"""The environment variables of a function: those of Lambda, and none of the laptop's."""

from __future__ import annotations

import os
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelet.dev.local.runtime.function import LocalFunction

LAYER = Path(__file__).resolve().parents[4]
"""The folder of this modelet, which in Lambda is the layer's /opt/python."""


def variables(
    function: LocalFunction, *, address: str, tmp: Path, provisioned: bool, aws: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables of one environment.

    address: of its Runtime API. tmp: its own /tmp, also its home, so that it finds no files of the laptop's user.
    aws: credentials, region and endpoint. A function's own variables cannot override those that Lambda reserves.
    AWS_EXECUTION_ENV is not set, as in container images.
    Source: docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html.
    """
    tools = str(Path(sys.executable).parent)
    starts = "snap-start" if function.snapstart else "provisioned-concurrency" if provisioned else "on-demand"
    return {
        "LANG": "C.UTF-8",
        "PATH": os.pathsep.join([tools, os.defpath]),
        "PYTHONPATH": str(LAYER),
        "TZ": ":UTC",
        "OMP_NUM_THREADS": "1",
        "JOBLIB_MULTIPROCESSING": "0",  # as in the image: Lambda has no /dev/shm, and joblib would warn
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        **aws,
        **function.environment,
        "HOME": str(tmp),
        "TMPDIR": str(tmp),
        "LAMBDA_TASK_ROOT": str(function.folder),
        "_HANDLER": function.handler,
        "AWS_LAMBDA_RUNTIME_API": address,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": starts,
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"{time.strftime('%Y/%m/%d', time.gmtime())}/[$LATEST]{uuid.uuid4().hex}",
    }
