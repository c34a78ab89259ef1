"""Which names a gateway answers to: a page of the web must not reach it by a name of its own that leads here.

A browser takes such a page and this gateway for one site as soon as the page's name resolves to 127.0.0.1 (DNS
rebinding), and only the Host of its requests says which name it was.
"""

from __future__ import annotations

import ipaddress
import re
import socket

LOOPBACK = "127.0.0.1"
OWN = frozenset({"localhost", LOOPBACK, "::1"})
EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104  # what a person may ask for
NAMED = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9A-Za-z._~!$&'()*+,;=%-]*))(?::[0-9]*)?")
"""A Host: an address in brackets or a name, and a port or none. Source: RFC 9110, 7.2, and RFC 3986, 3.2.2."""


def is_host(value: str) -> bool:
    """Whether this may stand in a Host header."""
    return NAMED.fullmatch(value) is not None


class Hosts:
    """What is accepted as Host, with any port: localhost, 127.0.0.1, [::1] and the host that the gateway is bound to.

    Bound to all addresses, it accepts every address, which no page can make its own, and this machine's name.
    """

    def __init__(self, bound: str = LOOPBACK) -> None:
        self._any_address = bound in EVERYWHERE
        self._names = {*OWN, _plain(bound)}
        if self._any_address:
            self._names.add(socket.gethostname().lower())

    def accepts(self, host: str) -> bool:
        """Whether a request for this host, as its header has it, is meant for this gateway."""
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
