"""Each cell of a CSV file is read into its own column, or the line that cannot be is refused."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

from modelet.dev.publish.source.examples import fitted_to, read_for
from modelet.dev.publish.source.lines import read_cells
from modelet.errors import PublishError

TEXTS = st.text(st.sampled_from("ab,\"'; \t0\u00e9\x00") | st.characters(codec="utf-8"), max_size=6)
CELLS = TEXTS | st.sampled_from(["", "\n", "a\r\nb", "\r", "NA", " ", '"', "02139", "\ufeff"])
NAMES = TEXTS.filter(str.strip)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    width = len(names)
    return names, draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=5))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cells") / "rows.csv"


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def read(path: Path) -> tuple[list[str], list[list[str]]]:
    cells = read_cells(path)
    return list(cells.columns), cells.astype(object).where(cells.notna(), "").to_numpy().tolist()


def written(rows: list[list[str]], ending: str, quoting: Any) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator=ending, quoting=quoting).writerows(rows)
    return file.getvalue()


@given(
    tables(),
    st.sampled_from(
        [("\r\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_ALL), ("\n", csv.QUOTE_ALL), ("\r", csv.QUOTE_ALL)]
    ),
    st.sampled_from(["utf-8", "utf-8-sig"]),
    st.integers(0, 2),
)
def test_a_table_that_a_program_wrote_is_read_cell_by_cell(
    path: Path, table: Any, style: Any, encoding: str, blank: int
) -> None:
    names, rows = table
    assume(encoding == "utf-8-sig" or not names[0].startswith("\ufeff"))
    text = written([names, *rows], *style)
    assert read(write(path, text + style[0] * blank, encoding)) == (names, rows)


@given(tables(), st.booleans())
def test_a_table_that_pandas_wrote_is_read_cell_by_cell_and_refused_with_its_index(
    path: Path, table: Any, index: bool
) -> None:
    names, rows = table
    assume(not names[0].startswith("\ufeff"))
    pd.DataFrame(rows, columns=names).to_csv(path, index=index, quoting=csv.QUOTE_ALL)
    if index:
        with pytest.raises(PublishError, match=r"column 1 of rows.csv has no name: .*index=False"):
            read(path)
    else:
        assert read(path) == (names, rows)


@given(tables(), st.data(), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_a_line_of_another_width_is_refused_by_its_number(path: Path, table: Any, data: Any, quoting: Any) -> None:
    names, rows = table
    place = data.draw(st.integers(0, len(rows) - 1))
    assume(not names[0].startswith("\ufeff"))
    is_longer = len(names) == 1 or data.draw(st.booleans())
    rows[place] = [*rows[place], "one more"] if is_longer else rows[place][:-1]
    text = written([names, *rows], "\r\n", quoting)
    before = written([names, *rows[:place]], "\r\n", quoting)
    number = len(io.StringIO(before, newline="").readlines()) + 1
    with pytest.raises(PublishError, match=f"line {number} of rows.csv has {len(rows[place])} cells?, but the header"):
        read(write(path, text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x,y\n1,11.5,2\n2,13.5,4\n", r"line 2 of rows.csv has 3 cells, but the header names 2: .*row.names=FALSE"),
        (
            "x,y\n1,2,\n3,4,\n",
            "line 2 of rows.csv has 3 cells, but the header names 2: .*remove commas at the end of lines",
        ),
        ("x,y\n1,2\n\n3\n", "line 4 of rows.csv has 1 cell, but the header names 2: add a cell for each column"),
        ("text\nfine, really\n", "line 2 of rows.csv has 2 cells, but the header names 1: .*quote cells"),
        ("x,y\n1,2\n  \n", "line 3 of rows.csv has 1 cell"),
        ('x,y\n"a\nb",2\n1,2,3\n', "line 4 of rows.csv has 3 cells"),
        ("x,x\n1,2\n", "rows.csv has two columns x: rename one of them"),
        ("x,y,\n1,2,\n", "column 3 of rows.csv has no name"),
        (",x\n0,2\n", "column 1 of rows.csv has no name"),
        ('"  ",x\n0,2\n', "column 1 of rows.csv has no name"),
        ('x,y\n1,"2\n3,4\n', "line 2 of rows.csv is not valid CSV .*: quote cells"),
        ('x,y\n1,2\n1,"2"3\n', "line 3 of rows.csv is not valid CSV .*: quote cells"),
        ("\n\n", "rows.csv is empty: add a header line"),
        ("x,y\n\n", "rows.csv has no rows below its header"),
    ],
)
def test_a_file_that_would_be_read_otherwise_than_it_says_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(PublishError, match=said):
        read_cells(write(tmp_path / "rows.csv", text))


def test_a_document_may_be_long(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    assert read(write(tmp_path / "rows.csv", f"text\n{'long ' * 100_000}\n"))[1] == [["long " * 100_000]]
    assert csv.field_size_limit() == before


def test_an_empty_column_is_named_with_what_works(tmp_path: Path) -> None:
    estimator = LinearRegression().fit([[0.0, 1.0], [1.0, 0.0]], [1, 2])
    path = write(tmp_path / "rows.csv", "x,y\n1.5,\n2.5,\n")
    with pytest.raises(PublishError, match=r"column y of the examples is empty: .*--types y=number"):
        fitted_to(estimator, read_for(estimator, path, {}))
    assert fitted_to(estimator, read_for(estimator, path, {"y": "number"}))[1] == ["x", "y"]
