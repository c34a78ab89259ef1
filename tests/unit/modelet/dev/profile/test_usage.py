"""What another process has used is what it says itself."""

from __future__ import annotations

import subprocess
import sys
import time

from modelet.dev.profile.usage import usage

BUSY = """
import sys, time
data = bytearray(80_000_000)
for place in range(0, len(data), 4096):
    data[place] = 1
del data
while time.process_time() < 0.3:
    pass
print(time.process_time() * 1000, flush=True)
sys.stdin.read()
"""


def test_cpu_time_and_memory_are_those_of_the_process() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = float(process.stdout.readline())
        time.sleep(0.05)  # it waits now, and that costs it nothing
        found = usage(process.pid)
        process.kill()
    assert said <= found.cpu_ms < said + 50
    assert found.peak_mb > found.resident_mb + 70
    assert 5 < found.resident_mb < 60
