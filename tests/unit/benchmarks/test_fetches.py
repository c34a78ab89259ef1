from __future__ import annotations

import json
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from benchmarks.objects import serving
from benchmarks.store import HOWS, fetch, make


def test_a_server_of_objects_hands_out_ranges_with_what_s3_says_of_them(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(bytes(range(100)))
    with serving(tmp_path) as url:
        with urlopen(Request(f"{url}/models/x.onnx", headers={"range": "bytes=10-19"})) as answer:
            assert answer.status == 206
            assert answer.read() == bytes(range(10, 20))
            assert answer.headers["content-range"] == "bytes 10-19/100"
        with urlopen(Request(f"{url}/models/x.onnx", method="HEAD")) as answer:
            assert answer.headers["content-length"] == "100"
            assert answer.headers["etag"]
            assert answer.headers["last-modified"]
        with pytest.raises(HTTPError, match="404"):
            urlopen(f"{url}/models/other")


def test_it_is_as_slow_as_it_is_told_to_be(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(bytes(3_000_000))
    with serving(tmp_path, 25, 20) as url:
        began = time.perf_counter()
        with urlopen(f"{url}/models/x.onnx") as answer:
            assert len(answer.read()) == 3_000_000
        assert time.perf_counter() - began >= 3 / 20


@pytest.mark.parametrize("how", HOWS.values())
def test_every_way_fetches_the_object_and_says_what_it_took(how: str, tmp_path: Path) -> None:
    objects, folder = tmp_path / "objects", tmp_path / "fetched"
    objects.mkdir()
    folder.mkdir()
    (folder / "small.json").write_text(json.dumps(make(objects, 1_000)._asdict()))
    with serving(objects) as url:
        figures = fetch(how, make(objects, 9_000_000), url, folder)
    assert set(figures) == {"wall_ms", "cpu_ms", "extra_peak_mb", "mb_a_second"}
    assert all(value >= 0 for value in figures.values())
    assert [file.name for file in folder.iterdir()] == ["small.json"]
