"""Whose the other end of a local connection is, as Linux knows it.

Source: proc_net_tcp in the kernel's documentation (Documentation/networking/proc_net_tcp.rst) and proc_pid_net(5).
"""

from __future__ import annotations

import ipaddress
import os
import sys
from pathlib import Path

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
"""Both: a program may speak IPv4 by a socket of IPv6, which has an address such as ::ffff:127.0.0.1."""
LOOKS = 3
"""How often a connection is looked for: a table that changes while it is read may skip a line."""
LOCAL, REMOTE, OWNER, INODE = 1, 2, 7, 9
"""Columns of a table; the inode of a socket that its program has closed is 0, and its owner is then not known."""


def is_own(peer: tuple[str, int] | None, here: tuple[str, int]) -> bool:
    """Whether the program at the other end of a connection to `here` runs as this process's user.

    Always, where the system has no such tables: only Linux says whose a connection is.
    """
    if not sys.platform.startswith("linux") or not os.access(TABLES[0], os.R_OK):
        return True
    return peer is not None and any(_owner(peer, here) == os.geteuid() for _ in range(LOOKS))


def _owner(peer: tuple[str, int], here: tuple[str, int]) -> int | None:
    """The user of the socket at `peer` that is connected to `here`; None where there is none, or it is closed."""
    for table, mapped in zip(TABLES, ("", "::ffff:"), strict=True):
        ends = [_written(mapped + address, port) for address, port in (peer, here)]
        try:
            lines = table.read_text().splitlines()
        except OSError:  # a kernel without IPv6
            continue
        for line in lines:
            fields = line.split()
            if fields[LOCAL : REMOTE + 1] == ends:
                return int(fields[OWNER]) if fields[INODE] != "0" else None
    return None


def _written(address: str, port: int) -> str:
    """An address as the tables have it: words of 32 bits in this machine's order, in hex."""
    packed = ipaddress.ip_address(address).packed
    words = [packed[start : start + 4] for start in range(0, len(packed), 4)]
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words) + f":{port:04X}"
