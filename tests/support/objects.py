"""Objects in a dictionary, which fail when a test says so."""

from __future__ import annotations

from collections.abc import Callable

from modelet.store.objects import Found, Objects


class MemoryObjects(Objects):
    """Objects that no store keeps. before: called with the operation and the URL of each. ranges: what was read."""

    def __init__(self, before: Callable[[str, str], None] = lambda _operation, _url: None) -> None:
        super().__init__()
        self.data: dict[str, bytes] = {}
        self.ranges: list[tuple[str, int | None, int | None]] = []
        self.before = before

    def read(self, found_or_url: Found | str, start: int | None = None, end: int | None = None) -> bytes:
        url = found_or_url if isinstance(found_or_url, str) else found_or_url.url
        self.before("read", url)
        if url not in self.data:
            raise FileNotFoundError(f"{url} does not exist")
        self.ranges.append((url, start, end))
        return self.data[url][start:end]

    def put(self, url: str, data: bytes) -> None:
        self.before("put", url)
        self.data[url] = data

    def below(self, url_prefix: str) -> list[Found]:
        self.before("list", url_prefix)
        return [Found(url, len(data), "1") for url, data in sorted(self.data.items()) if url.startswith(url_prefix)]
