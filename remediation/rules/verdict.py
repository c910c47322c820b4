"""The two answers of every rule: allowed, or refused with a reason; both name the rule."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """It may be proposed, by this rule, and needs so many different approvers."""

    rule: str
    needed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """It may not, by which rule and why, and what a person can do by hand."""

    rule: str
    reason: str
    by_hand: str = ""
