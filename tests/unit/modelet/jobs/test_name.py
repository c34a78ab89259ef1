"""The name of a job carries its model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.batch.table import new_id
from modelet.errors import UnknownJobError
from modelet.jobs.name import job_name, parse_job_name

MODELS = st.from_regex(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", fullmatch=True).filter(lambda name: len(name) <= 64)


@given(model=MODELS)
def test_a_name_gives_its_model_and_its_id_back(model: str) -> None:
    job = new_id()
    assert parse_job_name(job_name(model, job)) == (model, job)


@pytest.mark.parametrize("name", ["", ".", "sentiment", "sentiment.", ".x", "a.b.c", "a b.c", "a.b\n", "ä.b", "a#b.c"])
def test_what_is_no_name_of_a_job_names_no_job(name: str) -> None:
    with pytest.raises(UnknownJobError, match="there is no job"):
        parse_job_name(name)


@given(name=st.text())
def test_any_text_is_a_name_or_no_job(name: str) -> None:
    try:
        found = parse_job_name(name)
    except UnknownJobError:
        return
    assert job_name(*found) == name
