from benchmarks.machine import LIBRARIES, machine, rows, sentence


def test_the_machine_names_what_the_figures_depend_on() -> None:
    found = machine()
    assert set(found) == {"cores", "cpu", "memory", "kernel", "python", *LIBRARIES}
    assert all(found.values())
    assert f"numpy {found['numpy']}" in sentence(found)


def test_a_row_has_medians_spread_and_the_ratio_to_the_first() -> None:
    [floor, ours] = rows({"floor": [{"ms": 2.0}, {"ms": 4.0}, {"ms": 3.0}], "ours": [{"ms": 4.5}, {"ms": 4.5}]})
    assert floor == {"subject": "floor", "ms": 3.0, "ms_min": 2.0, "ms_max": 4.0, "ms_ratio": 1.0}
    assert ours == {"subject": "ours", "ms": 4.5, "ms_min": 4.5, "ms_max": 4.5, "ms_ratio": 1.5}


def test_a_figure_that_the_first_subject_lacks_or_has_as_zero_gets_no_ratio() -> None:
    [_, ours] = rows({"floor": [{"calls": 0.0}], "ours": [{"calls": 5.0, "copies": 2.0}]})
    assert "calls_ratio" not in ours
    assert "copies_ratio" not in ours
    assert ours["copies"] == 2.0
