"""Free text made fit for a prompt: secrets taken out, what is invisible taken away.

Typed fields need none of this; it is for log lines, runbooks, notes and whatever else
people and programs write. It errs on the side of hiding. Pure, and linear in the
length that it looks at: every pattern is bounded or consumes what it scanned.
"""

import re
import unicodedata
from collections.abc import Callable
from itertools import pairwise
from typing import Final

HIDDEN: Final = "[redacted]"
LONGEST: Final = 200_000
"""Characters that are looked at, at most; what lies beyond is never shown."""

_KEYWORD: Final = (
    r"(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|credentials?|signature|cookie|"
    r"api[-_ ]?key|(?:access|private|secret|signing|encryption|account)[-_]?key|"
    r"client[-_]?secret|auth)"
)
_QUOTED: Final = r"(?:\"[^\"\n]{0,500}\"|'[^'\n]{0,500}')"
_VALUE: Final = rf"(?:{_QUOTED}|\S+)"

_OPENER: Final = r"(?:pass(?:word|wd|phrase|code)?|pwd)"
_TELLS: Final = (
    r"(?:secret|token|credentials?|api[-_ ]?key|"
    r"(?:access|private|secret|signing|encryption|account)[-_]?key)"
)
"""What may be told in several words: `secret: correct horse battery`."""
_UNHIDDEN: Final = r"(?!\[redacted\](?:[\"'\s,;)}]|\Z))"
_TOLD: Final = r"(?:[^\n\"]|\"(?=\w))+"
"""The rest of a line, or of a quotation that it stands in."""
_PLAIN_WORD: Final = (
    # What stands in a sentence about passwords; any other word may be one.
    r"(?:\w*(?:ed|ing|tion|ment|ly|less|able|al)|"
    r"a|an|the|it|its|i|we|you|he|she|they|your|our|that|this|these|which|who|what|"
    r"set|unset|sent|lost|is|was|are|were|be|been|has|had|have|does|did|do|will|would|"
    r"can|cannot|could|may|might|must|should|to|of|in|on|at|by|for|from|with|without|into|via|per|as|than|"
    r"and|or|but|nor|if|then|so|not|no|never|always|again|already|also|too|only|here|"
    r"there|now|today|yesterday|tomorrow|soon|once|twice|yet|still|when|where|while|"
    r"because|after|before|since|until|instead|please|"
    r"access|accounts?|agents?|age|arguments?|attempts?|auth|backups?|base|breach|"
    r"caches?|change|changes|checks?|columns?|complexity|config|count|cracker|daemon|"
    r"databases?|db|dialog|email|entry|entries|env|errors?|events?|expires|expiry|fails|"
    r"failures?|fields?|files?|forms?|guess|guesses|hash|hashes|helpers?|history|hook|"
    r"hygiene|incorrect|input|invalid|jobs?|keys?|leaks?|length|limits?|links?|lists?|"
    r"lock|lockout|login|logins|loops?|mail|manager|managers|mismatch|mode|modules?|ok|"
    r"options?|page|parameters?|plugins?|policy|policies|prompts?|provider|quality|"
    r"recovery|requests?|reset|resets|reuse|rules?|salts?|screen|scripts?|security|"
    r"servers?|services?|settings?|size|store|storage|strength|strings?|sync|tables?|"
    r"test|tests|timeouts?|tools?|tries|types?|updates?|users?|values?|variables?|vault|"
    r"warnings?|works|wrong)"
)
_SAID: Final = r"[\"']?\s{0,3}[:=]\s{0,3}"

_SHAPES: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), shown)
    for pattern, shown in (
        (
            r"-----BEGIN[^-]{0,60}-----[\s\S]*?(?:-----END[^-]{0,60}-----|\Z)",
            HIDDEN,
        ),
        (r"\beyJ[\w-]{6,}\.[\w-]*(?:\.[\w-]*)?", HIDDEN),  # RFC 7519
        (r"\b(?:xox[a-z]|xapp)-[\w-]+", HIDDEN),
        (r"\b(?:gh[pousr]_|github_pat_|glpat-|npm_|hf_|pypi-)[\w-]{6,}", HIDDEN),
        (r"\b(?:AKIA|ASIA|AIza|ya29\.|SG\.)[\w.-]{10,}", HIDDEN),
        (r"\b(?:sk|pk|rk)[-_](?:[a-z]+[-_])?[\w-]{12,}", HIDDEN),
        (r"(hooks\.slack\.com/)[^\s\"'<>]+", rf"\1{HIDDEN}"),
        # User and password of a URL; greedy, for passwords with an @ in them.
        (r"(://)[^\s\"'<>]{1,300}@", rf"\1{HIDDEN}@"),
        (r"(://[^\s\"'<>?]{1,300}\?)[^\s\"'<>]+", rf"\1{HIDDEN}"),
        (
            (
                r"(authorization[\"']?\s{0,3}[:=]\s{0,3})[\"']?"
                r"(?:(?:basic|bearer|digest|token|negotiate|apikey)\s{1,3})?[^\s\"']+"
            ),
            rf"\1{HIDDEN}",
        ),
        (r"\b(bearer|basic)\s{1,3}[\w.~+/=-]{8,}", rf"\1 {HIDDEN}"),
        (rf"(cookie{_SAID})[^\n]+", rf"\1{HIDDEN}"),
        (r"((?<!\S)[^\s:/@]{1,100}:)(?!//)\S{1,300}@", rf"\1{HIDDEN}@"),
        (r"(\bidentified\s{1,3}by\s{1,3})[^\n]+", rf"\1{HIDDEN}"),
        (rf"({_KEYWORD}[\w.-]{{0,40}}>)[^<]+", rf"\1{HIDDEN}"),
        # A block of YAML: the value stands in the next line.
        (
            rf"({_KEYWORD}[\w.-]{{0,40}}{_SAID}[|>][-+]?\s{{1,40}})\S[^\n]*",
            rf"\1{HIDDEN}",
        ),
        (
            rf"({_OPENER}(?::[ ]{{1,3}}|[ ]{{1,3}}(?::=|=>|=)[ ]{{1,3}}))(?![\"'])[^\n]+",
            rf"\1{HIDDEN}",
        ),
        (rf"({_OPENER}\s[^\n:=]{{0,40}}?\s(?:is|was)\s{{1,3}})\S+", rf"\1{HIDDEN}"),
        # Without a sign between them: what has a digit, and what no sentence needs.
        (rf"(\b{_OPENER}\s{{1,3}})(?=[^\s\d]{{0,100}}\d)\S+", rf"\1{HIDDEN}"),
        (
            (
                rf"((?<![\w/.-])(?:pass(?:word|wd|phrase|code)|pwd)[ ]{{1,3}})"
                rf"(?!{_PLAIN_WORD}(?!\w))(?:{_QUOTED}|\w[^\s\"']*)"
            ),
            rf"\1{HIDDEN}",
        ),
        (
            (
                rf"((?<!\w){_TELLS}\s{{1,3}})"
                r"(?=[^\s\d]{0,100}\d)(?=[^\sa-z]{0,100}[a-z])\S{6,}"
            ),
            rf"\1{HIDDEN}",
        ),
        (
            (
                rf"({_TELLS}[\w.-]{{0,40}}(?::[ ]{{1,3}}|[ ]{{1,3}}(?::=|=>|=)[ ]{{1,3}}))"
                rf"(?![\"']){_TOLD}"
            ),
            rf"\1{HIDDEN}",
        ),
        (rf"((?:\b(?:pw|pin|otp|psk)|_key){_SAID}){_VALUE}", rf"\1{HIDDEN}"),
        (r"(\bpass:)\S+", rf"\1{HIDDEN}"),
        (
            (
                rf"({_KEYWORD}[\w.-]{{0,40}}[\"']?(?:\s{{0,3}}(?::=|=>|[:=])\s{{0,3}}|"
                rf"\s{{1,3}}(?:is|was|are)\s{{1,3}})){_UNHIDDEN}{_VALUE}"
            ),
            rf"\1{HIDDEN}",
        ),
        (
            rf"((?<!\S)--?[\w.-]{{0,40}}{_KEYWORD}[\w.-]{{0,40}}\s{{1,3}}){_VALUE}",
            rf"\1{HIDDEN}",
        ),
        (r"((?<!\S)(?:-u|--user)(?:\s{1,3}|=)?)[^\s:]{1,200}:\S+", rf"\1{HIDDEN}"),
        (r"((?<!\S)-[pPwWa]\s{1,3})(?!\d{1,5}(?!\S))[^\s-]\S*", rf"\1{HIDDEN}"),
        (r"((?<!\S)-p)(?!\d{1,5}(?!\S))[^\s-]\S{3,}", rf"\1{HIDDEN}"),
    )
)
_RUN: Final = re.compile(r"[A-Za-z0-9+/_=-]{16,}")
_PIECES: Final = re.compile(r"[/=-]+")
_KEPT_CONTROLS: Final = "\n"


def redact(text: str, *, limit: int = 4000) -> str:
    """Return the text without secrets and invisible characters, at most `limit` long.

    Line breaks stay; every other control, bidirectional, zero-width or unassigned
    character goes. What was cut off is said. Never raises.

    >>> redact("PGPASSWORD=hunter22 psql postgres://u:p@db/x")
    'PGPASSWORD=[redacted] psql postgres://[redacted]@db/x'
    """
    seen = min(LONGEST, 4 * limit)
    shown = visible(_whole_words(text, seen))
    for pattern, instead in _SHAPES:
        shown = pattern.sub(instead, shown)
    shown = _RUN.sub(_hide_if_random, shown)
    if len(shown) <= limit and len(text) <= seen:
        return shown
    mark = "… (cut)"
    return shown[: max(limit - len(mark), 0)] + mark


def visible(text: str) -> str:
    """Return the text without what is invisible, reorders it or cannot be encoded."""
    kept: list[str] = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category.startswith("M") else 0
        if character in _KEPT_CONTROLS or (category[0] not in "CZM"):
            kept.append(character)
        elif category in ("Zs", "Zl", "Zp", "Cc"):
            kept.append(" ")
        elif category.startswith("M") and marks <= 2:
            kept.append(character)
    return "".join(kept)


def _whole_words(text: str, limit: int) -> str:
    """Cut before a word: half a secret is recognised by nothing."""
    if len(text) <= limit:
        return text
    head = text[:limit]
    last = max(head.rfind(" "), head.rfind("\n"))
    return head[: max(last, 0)]


def _hide_if_random(match: re.Match[str]) -> str:
    run = match[0]
    pieces = (piece for piece in _PIECES.split(run) if len(piece) >= 16)
    if any(map(_is_random, pieces)):
        return HIDDEN
    # Base64 with slashes: no piece of it may be long, the whole of it is.
    return HIDDEN if len(run) >= 32 and _is_dense(run) else run


def _is_random(piece: str) -> bool:
    """Say whether letters and digits alternate as in keys, and not as in words."""
    letters = sum(map(str.isalpha, piece))
    digits = sum(map(str.isdigit, piece))
    return letters >= 2 and digits >= 2 and _turns(piece, _kind) >= 4


def _is_dense(run: str) -> bool:
    has_all = (
        any(map(str.isdigit, run))
        and any(map(str.isupper, run))
        and any(map(str.islower, run))
    )
    return has_all and _turns(run, _kind) * 4 >= len(run)


def _turns(text: str, kind: Callable[[str], int]) -> int:
    kinds = [kind(character) for character in text]
    return sum(one != two for one, two in pairwise(kinds))


def _kind(character: str) -> int:
    if character.isdigit():
        return 0
    return 1 if character.isupper() else 2
