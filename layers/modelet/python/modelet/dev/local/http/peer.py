"""Find the user of the program at the other end of a local connection, on Linux.

Source: proc_net_tcp in the kernel's documentation (Documentation/networking/proc_net_tcp.rst) and proc_pid_net(5).
"""

from __future__ import annotations

import ipaddress
import os
import sys
from pathlib import Path

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
"""Both tables, because a program may use an IPv6 socket for IPv4, with an address such as ::ffff:127.0.0.1."""
LOOKS = 3
"""How often a connection is looked up, because a table that changes while it is read may skip a line."""
LOCAL, REMOTE, OWNER, INODE = 1, 2, 7, 9
"""Columns of a table. The inode of a closed socket is 0, and its owner is then unknown."""


def is_own(peer: tuple[str, int] | None, here: tuple[str, int]) -> bool:
    """Return whether the program at the other end of a connection to `here` runs as this process's user.

    It is always true on systems without these tables: only Linux shows the owner of a connection.
    """
    if not sys.platform.startswith("linux") or not os.access(TABLES[0], os.R_OK):
        return True
    return peer is not None and any(_owner(peer, here) == os.geteuid() for _ in range(LOOKS))


def _owner(peer: tuple[str, int], here: tuple[str, int]) -> int | None:
    """Return the user of the socket at `peer` that is connected to `here`, or None if it is missing or closed."""
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
    """Return an address in the format of the tables: 32-bit words in this machine's byte order, in hex."""
    packed = ipaddress.ip_address(address).packed
    words = [packed[start : start + 4] for start in range(0, len(packed), 4)]
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words) + f":{port:04X}"
