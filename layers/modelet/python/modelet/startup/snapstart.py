"""SnapStart: what must not be in a snapshot, and what environments that start from one may not share.

Lambda initialises one environment, keeps a snapshot of its memory and starts others from it, so that what the init
drew, opened or noted is the same in all of them. Only functions with `snapstart: true` import this.
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
"""As much as OpenSSL's generator takes at once; the kernel's own generator is another in each environment."""


def register(model: Model[Any, Any], artifacts: Artifacts, log: RequestLog) -> None:
    """Have the runtime client call both hooks below; what they raise is an error of the init, or of the restore."""
    register_before_snapshot(before_snapshot, artifacts)
    register_after_restore(after_restore, model, log)


def before_snapshot(artifacts: Artifacts) -> None:
    """Leave no connection, no key and no thread of ours in the snapshot, and as few pages as can be."""
    artifacts.renew()
    for thread in threading.enumerate():
        if isinstance(thread, Task):  # it fetches what nobody has asked for, and gives up within seconds
            thread.join()
    gc.collect()
    gc.freeze()  # later collections do not look at the loaded model: each page that is touched must be fetched
    release_free_memory()


def after_restore(model: Model[Any, Any], log: RequestLog) -> None:
    """Draw new seeds, let the author's model do the same, and log the next request as this environment's first.

    Its line says what this took as `init_ms`: nobody waited for the init of the snapshot. Raises what the model's
    `restored` raises.
    """
    started = time.perf_counter()
    draw_anew()
    drawn = time.perf_counter()
    model.restored()
    log.restart(Startup(open=drawn - started, fetch=0.0, load=time.perf_counter() - drawn, contract=0.0))


def draw_anew() -> None:
    """Give the process's own generators new seeds, those that are imported: Python's, numpy's, and OpenSSL's."""
    modules = sys.modules
    if "random" in modules:
        modules["random"].seed()
    if "numpy.random" in modules:
        modules["numpy.random"].seed()
    if "ssl" in modules:
        modules["ssl"].RAND_add(os.urandom(SEED_BYTES), SEED_BYTES)
