"""From text to the terms that are compared: identifiers split, stemmed, concepts added."""

import functools
import re
import unicodedata

from memory.lexicon import GROUPS

_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_LONGEST = 24
"""Characters of a word that matter: longer ones are hashes and noise."""
_STOP_WORDS = """
a about after again all also an and any are as at be because been but by can could did
do does doing each even for from get gets getting go goes got had has have he her here
him his how i if in into is it its just keeps like looks lots made make many may me
more most much my no not now of off on one only or other our out over own really s
same seem seems she should since so some something still such t than that the their
them then there these they this those though to too under up us very was way we were
what when where which while who why will with would you your
"""
_STOP = frozenset(_STOP_WORDS.split())
_SUFFIXES = (
    *("ations", "ation", "ating", "ated", "ates", "ions", "ion"),
    *("ments", "ment", "ings", "ing", "edly", "ed", "ly", "ies"),
)
_ADDED = 3
"""Forms of a concept that are added to a question; more would drown its own words."""
_STEM = 4
"""Characters that a word must have for an ending to come off; one fewer may be left."""


def spaced(text: str) -> str:
    """Return `text` with identifiers split: NodeClockSkew, disk_full → words."""
    return _CAMEL.sub(" ", text).replace("_", " ")


def terms(text: str) -> list[str]:
    """Return the terms of `text`: stems without stop words, then `~group` for concepts.

    A concept's term is the same for all forms of one line of the lexicon.
    """
    stems = _stems(text)
    plain = [stem for stem in stems if stem not in _STOP]
    return plain + _concepts(stems)


def expanded(text: str) -> str:
    """Return a question with the first forms of its concepts added, for an embedder."""
    names, lower = _names(), text.lower()
    said = dict.fromkeys(_concepts(_stems(text)))
    added = [name for one in said for name in names[one] if name not in lower]
    return f"{text} ({', '.join(added)})" if added else text


def _stems(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", spaced(text)).casefold()
    return [stem(word[:_LONGEST]) for word in _WORD.findall(plain)]


@functools.lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Take the endings off an English word; consistently rather than correctly."""
    if len(word) < _STEM or word in _STOP or not word.isalpha():
        return word
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _STEM - 1:
            return _tidy(word.removesuffix(suffix) + ("y" if suffix == "ies" else ""))
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word.removesuffix("s")
    return _tidy(word)


def _tidy(word: str) -> str:
    # stopped → stopp → stop; expire → expir, as expiring and expired become.
    if len(word) > _STEM - 1 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        return word[:-1]
    return word.removesuffix("e") if len(word) >= _STEM else word


def _concepts(stems: list[str]) -> list[str]:
    """Return the concept of the longest form at each place, in order."""
    forms = _forms()
    found, at = [], 0
    while at < len(stems):
        for size in (4, 3, 2, 1):
            form = tuple(stems[at : at + size])
            if len(form) == size and form in forms:
                found.append(forms[form])
                at += size - 1
                break
        at += 1
    return found


@functools.cache
def _forms() -> dict[tuple[str, ...], str]:
    return {
        tuple(_stems(form)): f"~{number}"
        for number, line in enumerate(GROUPS.strip().splitlines())
        for form in line.split(",")
    }


@functools.cache
def _names() -> dict[str, list[str]]:
    return {
        f"~{number}": [form.strip() for form in line.split(",")[:_ADDED]]
        for number, line in enumerate(GROUPS.strip().splitlines())
    }
