"""The performance targets of Modelet, and whether a run meets them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from benchmarks import batch, batch_writing, lookup
from benchmarks.kinds import ATTENTIVE
from benchmarks.lineup import NAIVE
from benchmarks.tables import number
from benchmarks.warm import CLIENT, DIRECT

Results = Mapping[str, dict[str, Any]]
"""The results of benchmarks, by name."""

OURS = "modelet"
FASTAPI = "FastAPI + Mangum + onnxruntime"
ONE_ROW, NAMED_ROWS = "1 row of 4", "1,000 named rows of 30"
PEERS = ("MLServer", "LitServe", "BentoML", "mlflow models serve")


class Verdict(NamedTuple):
    """The measured value as text, and whether it meets the target."""

    measured: str
    kept: bool


class Mark(NamedTuple):
    """A target: its subject, its limit, and a function for the verdict on results.

    The function raises KeyError if the run did not measure it.
    """

    what: str
    mark: str
    verdict: Callable[[Results], Verdict]


def row(results: Results, benchmark: str, **names: Any) -> dict[str, Any]:
    """Return the row with these names. Raises KeyError if there is none."""
    for found in results[benchmark]["rows"]:
        if all(found.get(name) == value for name, value in names.items()):
            return dict(found)
    raise KeyError(f"{benchmark} has no row {names}")


def at_most(bound: float, benchmark: str, figure: str, unit: str = "", **names: str) -> Callable[[Results], Verdict]:
    """Return the verdict function for one figure of one row."""

    def verdict(results: Results) -> Verdict:
        value = row(results, benchmark, **names)[figure]
        return Verdict(f"{number(value)}{unit}", value <= bound)

    return verdict


def _against_naive(figure: str, bound: float, *, times_less: bool) -> Callable[[Results], Verdict]:
    def verdict(results: Results) -> Verdict:
        ours, naive = (row(results, "cold_start", subject=name)[figure] for name in ("modelet, S3", NAIVE))
        found = naive / ours if times_less else ours / naive
        return Verdict(f"{number(found)} ×", found >= bound if times_less else found <= bound)

    return verdict


def _warm_row(way: str, bound: float) -> Callable[[Results], Verdict]:
    def verdict(results: Results) -> Verdict:
        ours, bare = (row(results, "warm", request=ONE_ROW, way=way, subject=name) for name in (OURS, ATTENTIVE))
        found = ours["cpu_us"] / bare["cpu_us"]
        return Verdict(f"{number(found)} ×", found <= bound)

    return verdict


def _named_rows(results: Results) -> Verdict:
    times = {}
    for way in (DIRECT, CLIENT):
        ours, theirs = (
            row(results, "warm", request=NAMED_ROWS, way=way, subject=name) for name in ("modelet", FASTAPI)
        )
        times[way] = theirs["cpu_us"] / ours["cpu_us"]
    return Verdict(", ".join(f"{number(found)} × {way}" for way, found in times.items()), times[DIRECT] >= 3)


def _fetch_time(server: str) -> Callable[[Results], Verdict]:
    def verdict(results: Results) -> Verdict:
        names = ("modelet to disk, hashed", "boto3 download_file", "boto3 download_file, then SHA-256")
        found = [row(results, "store", server=server, size_mb=300, subject=name)["wall_ms"] for name in names]
        plain, hashed = (theirs / found[0] for theirs in found[1:])
        return Verdict(f"{number(plain)} ×; {number(hashed)} × where boto3's is hashed too", plain >= 1.5)

    return verdict


def _fetch_memory(results: Results) -> Verdict:
    rows = results["store"]["rows"]
    most = max(each["extra_peak_mb_max"] for each in rows if each["subject"] == "modelet to disk, hashed")
    return Verdict(f"{number(most)} MB", most <= 128)


def _http_latency(results: Results) -> Verdict:
    ours = row(results, "servers", subject="Modelet")["p50_1_ms"]
    best = min(row(results, "servers", subject=peer)["p50_1_ms"] for peer in PEERS)
    return Verdict(f"{number(ours)} ms; the best of the four {number(best)} ms", ours <= 1.5 and ours < best)


def _http_rate(results: Results) -> Verdict:
    ours = row(results, "servers", subject="Modelet")["rps_8"]
    best = max(row(results, "servers", subject=peer)["rps_8"] for peer in (*PEERS, "FastAPI + uvicorn"))
    return Verdict(f"{number(ours)}; the best of the others {number(best)}", ours > best)


def _each(figure: str, bound: float) -> Callable[[Results], Verdict]:
    def verdict(results: Results) -> Verdict:
        found = sorted(results["publish"]["rows"], key=lambda each: float(each[figure]))
        said = ", ".join(f"{number(each[figure])} s {each['subject']}" for each in found)
        return Verdict(said, found[-1][figure] <= bound)

    return verdict


def at_least(bound: float, benchmark: str, figure: str, unit: str, **names: str) -> Callable[[Results], Verdict]:
    """Return the verdict function for one figure of one row, of which more is better."""

    def verdict(results: Results) -> Verdict:
        value = row(results, benchmark, **names)[figure]
        return Verdict(f"{number(value)}{unit}", value >= bound)

    return verdict


def _lookup(results: Results) -> Verdict:
    whole, frame = (row(results, "lookup", subject=name)["cpu_us"] for name in (lookup.WHOLE, lookup.FRAME))
    return Verdict(
        f"{number(whole / 1000)} ms; without FastAPI, Mangum and the log {number((whole - frame) / 1000)} ms",
        whole <= 2000,
    )


IN_S3, BAKED = "modelet, S3", "modelet, baked"
MARKS = (
    Mark(
        "cold start, model in S3: CPU", "≤ 1.3 × floor", at_most(1.3, "cold_start", "cpu_ms_ratio", " ×", subject=IN_S3)
    ),
    Mark(f"… against {NAIVE}", "≥ 10 × less", _against_naive("cpu_ms", 10, times_less=True)),
    Mark(
        "cold start, model in the image: CPU",
        "≤ 1.15 × floor",
        at_most(1.15, "cold_start", "cpu_ms_ratio", " ×", subject=BAKED),
    ),
    Mark(
        "cold start, contract that needs pydantic: CPU",
        "≤ 1.9 × floor",
        at_most(1.9, "cold_start", "cpu_ms_ratio", " ×", subject=f"{IN_S3}, pydantic"),
    ),
    Mark(
        "cold start, 40 ms of S3 latency: wall",
        "≤ 1.3 × floor",
        at_most(1.3, "cold_start", "wall_ms_ratio", " ×", subject=f"{IN_S3} + 40 ms"),
    ),
    Mark(
        "memory after it",
        "≤ 1.24 × floor (aim 1.15)",
        at_most(1.24, "cold_start", "resident_mb_ratio", " ×", subject=IN_S3),
    ),
    Mark(f"… against {NAIVE}", "≤ 0.45 ×", _against_naive("resident_mb", 0.45, times_less=False)),
    Mark(
        "packages and code of an online ONNX image", "≤ 120 MB", at_most(120, "images", "task_mb", " MB", subject=BAKED)
    ),
    Mark(
        f"a warm row against {ATTENTIVE}: CPU, through the runtime client",
        "≤ 1.35 × (aim 1.15)",
        _warm_row(CLIENT, 1.35),
    ),
    Mark("… in process", "≤ 2.6 × (aim 1.6)", _warm_row(DIRECT, 2.6)),
    Mark(f"{NAMED_ROWS} against FastAPI + Mangum: CPU, in process", "≥ 3 × less", _named_rows),
    Mark("300 MB to disk, from a server as S3, against boto3 `download_file`", "≥ 1.5 × faster", _fetch_time("as S3")),
    Mark("… from one that sends all at once", "≥ 1.5 × faster", _fetch_time("at once")),
    Mark("extra peak memory of a fetch to disk", "≤ 128 MB", _fetch_memory),
    Mark("`modelet up`, p50 at one connection", f"≤ 1.5 ms, below {', '.join(PEERS)}", _http_latency),
    Mark("`modelet up`, answers a second at 8 connections", "ahead of all five", _http_rate),
    Mark("start of `modelet up` to the first prediction", "≤ 1 s", _each("start_s", 1)),
    Mark("publish to served", "≤ 10 s", _each("total_s", 10)),
    Mark(
        "a batch from S3 into a table, `load: write`, against pandas, `predict` and `batch_writer`: rows/s of CPU",
        "≥ 3 ×",
        at_least(3, "batch", "rows_s_ratio", " ×", subject=batch.SUBJECTS["write"]),
    ),
    Mark("… `load: import`", "≥ 8 ×", at_least(8, "batch", "rows_s_ratio", " ×", subject=batch.SUBJECTS["import"])),
    Mark(
        "writing predictions, `load: write`, against boto3 `batch_writer`: rows/s of CPU",
        "≥ 3 ×",
        at_least(3, "batch_writing", "rows_s_ratio", " ×", subject=batch_writing.WRITE),
    ),
    Mark(
        "… `load: import`", "≥ 15 ×", at_least(15, "batch_writing", "rows_s_ratio", " ×", subject=batch_writing.IMPORT)
    ),
    Mark("a warm look-up of a prediction: CPU", "≤ 2 ms", _lookup),
)


def table(results: Results) -> str:
    """Return all targets as Markdown: the measured values, and whether they meet the targets."""
    lines = ["| what | mark | measured | kept |", "|---|---|---|---|"]
    for each in MARKS:
        try:
            measured, kept = each.verdict(results)
            said = "yes" if kept else "**no**"
        except KeyError:
            measured, said = "not in this run", "–"
        lines.append(f"| {each.what} | {each.mark} | {measured} | {said} |")
    return "\n".join(lines)
