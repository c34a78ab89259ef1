"""The Host headers that a gateway accepts, as a protection against DNS rebinding.

If a web page's own domain resolves to 127.0.0.1, a browser considers the page and this gateway to be the same site.
Only the Host header of its requests shows the domain.
"""

from __future__ import annotations

import ipaddress
import re
import socket

LOOPBACK = "127.0.0.1"
OWN = frozenset({"localhost", LOOPBACK, "::1"})
EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104  # a user may ask for it
NAMED = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9A-Za-z._~!$&'()*+,;=%-]*))(?::[0-9]*)?")
"""A Host header: a name or an address in brackets, with an optional port. Source: RFC 9110, 7.2; RFC 3986, 3.2.2."""


def is_host(value: str) -> bool:
    """Return whether the value is a valid Host header."""
    return NAMED.fullmatch(value) is not None


class Hosts:
    """The accepted hosts, with any port: localhost, 127.0.0.1, [::1] and the host that the gateway is bound to.

    If it is bound to all addresses, it accepts every IP address, because no page can have one, and this machine's name.
    """

    def __init__(self, bound: str = LOOPBACK) -> None:
        self._any_address = bound in EVERYWHERE
        self._names = {*OWN, _plain(bound)}
        if self._any_address:
            self._names.add(socket.gethostname().lower())

    def accepts(self, host: str) -> bool:
        """Return whether this gateway accepts a Host header."""
        found = NAMED.fullmatch(host)
        if found is None:
            return False
        name = _plain(found[1] or found[2])
        return name in self._names or (self._any_address and _is_address(name))


def _plain(name: str) -> str:
    return str(ipaddress.ip_address(name)) if _is_address(name) else name.lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
