"""SnapStart: prepare an environment for its snapshot, and make the environments that start from it independent.

Lambda initialises one environment, takes a snapshot of its memory and starts others from it, so that random seeds,
connections and log state of the init would be the same in all of them. Only functions with `snapstart: true` import
this.
Sources, in AWS's guide: "Handling uniqueness with Lambda SnapStart", "Lambda SnapStart runtime hooks for Python".
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from snapshot_restore_py import register_after_restore, register_before_snapshot

from modelet.memory import release_free_memory
from modelet.observability import Startup
from modelet.threads import Task

if TYPE_CHECKING:
    from modelet.model import Model
    from modelet.observability import RequestLog
    from modelet.store.artifacts import Artifacts

SEED_BYTES = 64
"""The bytes that OpenSSL's generator mixes in at once; they come from the kernel, so each environment gets others."""


def register(model: Model[Any, Any], artifacts: Artifacts, log: RequestLog) -> None:
    """Register both hooks with the runtime client; their exceptions are errors of the init or of the restore."""
    register_before_snapshot(before_snapshot, artifacts)
    register_after_restore(after_restore, model, log)


def before_snapshot(artifacts: Artifacts) -> None:
    """Remove connections, keys and our threads from the snapshot, and keep it small."""
    artifacts.disconnect()
    for thread in threading.enumerate():
        if isinstance(thread, Task):  # it downloads a file that was not read, and ends within seconds
            thread.join()
    gc.collect()
    gc.freeze()  # later collections skip the loaded model: Lambda must load each page of the snapshot that is touched
    release_free_memory()


def after_restore(model: Model[Any, Any], log: RequestLog) -> None:
    """Reseed the random generators, call the model's `restored`, and log the next request as a cold start.

    The `init_ms` of that request is the time of this hook, not of the init before the snapshot, for which no caller
    waited. Raises what `restored` raises.
    """
    started = time.perf_counter()
    reseed()
    seeded = time.perf_counter()
    model.restored()
    log.restart(Startup(open=seeded - started, fetch=0.0, load=time.perf_counter() - seeded, contract=0.0))


def reseed() -> None:
    """Reseed the process's random generators that are imported: Python's, numpy's, and OpenSSL's."""
    modules = sys.modules
    if "random" in modules:
        modules["random"].seed()
    if "numpy.random" in modules:
        modules["numpy.random"].seed()
    if "ssl" in modules:
        modules["ssl"].RAND_add(os.urandom(SEED_BYTES), SEED_BYTES)
