"""Did it help? Judged by numbers; no data is never recovery."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.verify import Measure, Verdict, judge

VALUES = st.floats(-1e6, 1e6)


def measure(
    before: float | None,
    after: float | None,
    *,
    clear: bool = False,
    above: bool = True,
) -> Measure:
    return Measure(before=before, after=after, is_clear=clear, above=above)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (measure(98, 6, clear=True), Verdict.RECOVERED),
        (measure(98, 97), Verdict.UNCHANGED),
        (measure(98, 60), Verdict.UNCHANGED),
        (measure(80, 89), Verdict.WORSE),
        (measure(80, 88), Verdict.UNCHANGED),
        (measure(98, None), Verdict.UNKNOWN),
        (measure(None, 98), Verdict.UNCHANGED),
        (measure(None, 6, clear=True), Verdict.RECOVERED),
        (measure(10, 5, above=False), Verdict.WORSE),
        (measure(10, 20, above=False), Verdict.UNCHANGED),
        (measure(0, 0.05), Verdict.UNCHANGED),
        (measure(0, 0.2), Verdict.WORSE),
    ],
)
def test_one_condition_is_judged(found: Measure, verdict: Verdict) -> None:
    assert judge((found,)) is verdict


def test_nothing_measured_is_unknown() -> None:
    assert judge(()) is Verdict.UNKNOWN


def test_one_condition_without_data_makes_all_unknown() -> None:
    assert judge((measure(98, 6, clear=True), measure(98, None))) is Verdict.UNKNOWN


def test_one_condition_that_got_worse_makes_it_worse() -> None:
    assert judge((measure(98, 6, clear=True), measure(50, 90))) is Verdict.WORSE


def test_recovered_means_all_of_them() -> None:
    assert judge((measure(98, 6, clear=True), measure(98, 90))) is Verdict.UNCHANGED


@given(
    st.lists(
        st.builds(
            Measure,
            before=st.none() | VALUES,
            after=st.none() | VALUES,
            is_clear=st.booleans(),
            above=st.booleans(),
        ),
        max_size=4,
    )
)
def test_missing_data_is_never_recovery(measures: list[Measure]) -> None:
    if any(found.after is None for found in measures):
        assert judge(tuple(measures)) is Verdict.UNKNOWN
    if judge(tuple(measures)) is Verdict.RECOVERED:
        assert all(found.is_clear for found in measures)
