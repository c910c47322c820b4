"""What a storm's card and thread list: how much of what, and where."""

from bot.evidence.storm import StormEvidence
from bot.model import Finding, Level
from bot.text.words import joined_in_words, title_of
from handlers.blocks import storm
from tests.detectors.pieces import this_host
from tests.fakes.things import finding, incident


def down(host: str, label: str = "NodeDown", **changes: object) -> Finding:
    return finding(detector="alert", subject=host, host=host, label=label, **changes)


MANY = tuple(down(f"web-{n}") for n in range(30))


def test_hosts_of_one_kind_are_named_in_their_order() -> None:
    (listed,) = storm.facts(tuple(reversed(MANY)))
    assert listed.label == "NodeDown (30)"
    assert (
        listed.value
        == "web-0, web-1, web-2, web-3, web-4, web-5, web-6, web-7 and 22 more"
    )
    assert storm.summary(MANY) == "30 conditions on 30 hosts."


def test_what_is_over_is_counted_and_named_no_more() -> None:
    half = tuple(
        down(f"web-{n}", level=Level.OK if n < 28 else Level.CRITICAL)
        for n in range(30)
    )
    (listed,) = storm.facts(half)
    assert listed.value == "web-28, web-29"
    assert storm.summary(half).endswith("28 of them are over.")
    (over,) = storm.facts(half[:2])
    assert over.value == "nowhere any more"


def test_the_most_frequent_kinds_come_first_and_the_rest_is_counted() -> None:
    kinds = tuple(down("web-1", f"kind {n}") for n in range(9))
    listed = storm.facts((*MANY, *kinds))
    assert listed[0].label == "NodeDown (30)"
    assert (listed[-1].label, listed[-1].value) == ("5 other kinds", "5 conditions")
    assert len(listed) == 6


def test_one_kind_names_the_storm() -> None:
    assert title_of(MANY, storm=True) == "NodeDown on 30 hosts"
    mixed = (*MANY, down("web-1", "DiskFull"))
    assert (
        title_of(mixed, storm=True)
        == "31 conditions at once on web-0 and 29 other hosts"
    )


def test_many_that_join_are_one_line() -> None:
    assert len(joined_in_words(MANY[:3])) == 3
    (line,) = joined_in_words(MANY)
    assert line.startswith("30 more: NodeDown on web-0")
    assert line.endswith("and 18 others")


def test_the_whole_list_is_evidence() -> None:
    source = StormEvidence(this_host())
    assert source.gather(incident(findings=MANY)) == []
    found = incident(findings=MANY * 5, fingerprint="web-1/storm/1")
    (item,) = source.gather(found)
    assert item.title == "What began together (100 conditions, 50 more)"
    assert item.table is not None
    assert len(item.table.rows) == 100
