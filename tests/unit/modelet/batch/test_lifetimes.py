"""What a batch needs lasts as long as somebody may need it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modelet.batch.lifetimes import (
    ATTEMPT_DAYS,
    DAY_S,
    FILES_DAYS,
    RECORD_DAYS,
    RESUMABLE_DAYS,
    SPARE_DAYS,
    resumable_until,
)
from support.repository import ROOT


def test_files_outlive_the_time_in_which_a_batch_may_be_resumed_and_records_outlive_files() -> None:
    assert RESUMABLE_DAYS + ATTEMPT_DAYS <= FILES_DAYS < RECORD_DAYS


@given(took=st.floats(0, 60 * DAY_S))
def test_a_batch_is_resumable_only_while_all_of_its_files_outlive_another_attempt(took: float) -> None:
    until = resumable_until(0, took)
    assert until <= took + RESUMABLE_DAYS * DAY_S
    assert until + ATTEMPT_DAYS * DAY_S <= FILES_DAYS * DAY_S
    assert took > RESUMABLE_DAYS * DAY_S or until == took + RESUMABLE_DAYS * DAY_S


def test_the_documents_promise_these_days() -> None:
    section = (ROOT / "docs" / "batch.md").read_text().partition("## Lifetimes")[2].partition("\n## ")[0]
    rows = dict(line.strip("| ").split(" | ")[:2] for line in section.splitlines() if line.startswith("| "))
    stays = {what.split(" ")[1]: text for what, text in rows.items() if text.endswith(" days")}
    assert stays["record"] == f"{RECORD_DAYS} days"
    assert stays["in"] == f"{FILES_DAYS} days"
    assert stays["batch"] == f"{RESUMABLE_DAYS} days"
    assert stays["version"] == f"{RESUMABLE_DAYS + SPARE_DAYS} days"
    assert f"at most {FILES_DAYS - ATTEMPT_DAYS} days from its beginning" in section
