r"""The shapes in which programs and people write secrets down: the table of `redact`.

What group 1 of a pattern matches is kept, the rest of the match is hidden. Every
pattern is bounded or consumes what it scanned, so that all are linear in the text.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from bot.text.secret_words import (
    AIMS,
    KEYWORD,
    NAMED,
    NO_NAME,
    OPENER,
    PLAIN_WORD,
    SAID_OF_IT,
    STATE,
    TELLS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One way to write a secret. needs: one of these, in lower case, is in each."""

    pattern: re.Pattern[str]
    needs: tuple[str, ...]


_ESCAPES: Final = r"&(?:quot|apos|\#0?3[49]|\#x2[27]);|%(?:25){0,2}2[27]"
_MARK: Final = rf"(?:\\{{0,7}}[\"'`]|\\+u0022|{_ESCAPES})"
_SIGN: Final = r"(?::=|::?|=>|==?|%(?:25){0,2}3[ad]|&(?:equals|\#61|\#x3d);)"
SAID: Final = rf"{_MARK}?[ \t]{{0,3}}{_SIGN}[ \t]{{0,3}}"
# A quotation ends with its line at the latest, so one of these always matches.
_QUOTED: Final = (
    r"(?:(?P<esc>\\{1,7})[\"'][^\n]{0,500}?(?<!\\)(?P=esc)[\"']|"
    r"\"(?:[^\"\\\n]|\\.)*(?:\"\w*|\\?(?=\n|\Z))|'(?:[^'\\\n]|\\.)*(?:'\w*|\\?(?=\n|\Z))|"
    rf"(?:{_ESCAPES})[^\n]{{0,500}}?(?:{_ESCAPES}))"
)
_VALUE: Final = rf"(?:{_QUOTED}|\[(?!redacted\])[^\]\n]{{0,500}}\]?|\S+?(?=`[.,;:)]{{0,2}}(?:\s|\Z))|\S+)"
_HIDDEN: Final = r"\[redacted\](?:[\"'`\s,;)}]|\Z)"
_OPEN: Final = rf"(?!{_HIDDEN}|[\"']?{STATE})(?=\S)"
"""It is neither hidden yet nor a word about the secret."""
_TOLD: Final = r"(?:[^\n\"]|\"(?=\w))+"
"""The rest of a line, or of a quotation that it stands in."""
_SPACED: Final = r"(?::[ ]{1,3}|[ ]{1,3}(?::=|=>|=)[ ]{1,3})"
_RESET: Final = r"\b(?:set|changed?|reset|updated?|rotated?)\b"

# A tag: what stands apart from it is its text only where another tag follows.
_CLOSED: Final = r">(?:\s{0,40}\n\s{0,40}|(?=\S)|\s{1,40}(?=[^<\n]{1,200}<))"

_WORDS: Final = ("pass", "pwd", "secret", "token", "credential", "key", "signature", "cookie", "auth")  # fmt: skip
_PASS: Final = ("pass", "pwd")

_KEYS: Final = (
    # To its end where it has one; else what can be its lines, and no more: who can make a
    # program log the first line must not hide what comes after it.
    (("-----begin",), r"-----BEGIN[^-]{0,60}-----(?:[^-]{0,20000}-----END[^-]{0,60}-----|(?:\s{1,3}\S{1,200}(?=\s|\Z))?(?:(?:\s{1,10}[A-Za-z0-9+/=]{16,200}(?=\s|\Z)){1,200}(?:\s{1,10}[A-Za-z0-9+/=]{1,15}(?=\s|\Z))?)?)"),
    (("eyj",), r"\beyJ[\w-]{6,}\.[\w-]*(?:\.[\w-]*)?"),  # RFC 7519
    (("xox", "xapp"), r"\b(?:xox[a-z]|xapp)-[\w-]+"),
    (
        ("gh", "glpat", "npm_", "hf_", "pypi"),
        r"\b(?:gh[pousr]_|github_pat_|glpat-|npm_|hf_|pypi-)[\w-]{6,}",
    ),
    (("akia", "asia", "aiza", "ya29", "sg."), r"\b(?:AKIA|ASIA|AIza|ya29\.|SG\.)[\w.-]{10,}"),
    (("sk", "pk", "rk"), r"\b(?:sk|pk|rk)[-_](?:[a-z]+[-_])?[\w-]{12,}"),
    (("hooks.slack",), r"(hooks\.slack\.com/)[^\s\"'<>]+"),
    # User and password of a URL; greedy, for passwords with an @ in them.
    (("://",), r"(://)[^\s\"'<>]{1,300}(?=@)"),
    (("://",), r"(://[^\s\"'<>?]{1,300}\?)[^\s\"'<>]+"),
    (
        ("authorization",),
        (rf"(authorization{SAID}){_OPEN}{_MARK}?"
        r"(?:(?:basic|bearer|digest|token|negotiate|apikey)\s{1,3})?[^\s\"']+"),
    ),
    (("bearer", "basic"), r"\b((?:bearer|basic)\s{1,3})(?!auth|credential|access|config|function|inform|network)[\w.~+/=-]{8,}"),
    (("cookie",), rf"(cookie{SAID}){_OPEN}[^\n]+"),
    (("@",), r"((?<!\S)[^\s:/@]{1,100}:)(?!//)\S{1,300}(?=@)"),
    (
        ("identified",),
        r"(\bidentified\s{1,3}(?:with\s{1,3}\S{1,60}\s{1,3})?(?:by|as|using)\s{1,3})[^\n]+",
    ),
)  # fmt: skip
_DOCUMENTS: Final = (
    (_WORDS, rf"({NAMED}(?<!-){_CLOSED})[^<\s][^<\n]*"),
    (_WORDS, rf"(<[^<>\n]{{0,100}}?{NAMED}{_MARK}?(?:\s[^<>\n]{{0,100}})?{_CLOSED})[^<\s][^<\n]*"),
    # A block of YAML, as deep as its first line; then a value in the line below.
    (
        _WORDS,
        (rf"({NAMED}{SAID}[|>][-+\d]{{0,2}}[ \t]*\n([ \t]{{0,40}}))\S[^\n]*"
        r"(?:\n\2(?<=[ \t])[^\n]*)*"),
    ),
    (
        _WORDS,
        (rf"({NAMED}{_MARK}?[ \t]{{0,3}}[:=][ \t]{{0,40}}\n[ \t]{{1,40}})"
        r"(?!(?:-[ \t]{0,3})?[\w\"'.-]{1,60}[:=])\S[^\n]*"),
    ),
    # Name and value apart: web.config, the environment of a container.
    (("value", "content"), rf"({NAMED}{_MARK}\s{{1,3}}(?:value|content)\s{{0,2}}=\s{{0,2}}){_VALUE}"),
    (
        ("value",),
        rf"({NAMED}{_MARK}?,?\s{{1,40}}{_MARK}?value{SAID}){_VALUE}",
    ),
    (("value",), rf"({NAMED}{_MARK},{_MARK}value{SAID}){_VALUE}"),
)  # fmt: skip
_SENTENCES: Final = (
    (
        _WORDS,
        (rf"({KEYWORD}s?[ ]?(?:(?<=[ ])(?:for|of)[ ](?:(?![ ]from[ ])[^\n:=]){{1,60}}|\([^()\n]{{0,40}}\)[ ]?){_SIGN}[ \t]{{0,3}})"
        rf"{_OPEN}[^\s=][^\n]*"),
    ),
    (
        ("from",),
        rf"({KEYWORD}[^\n:=]{{0,80}}?{_RESET}[^\n:=]{{0,20}}?\bfrom[ ]{{1,3}}){_VALUE}(?=[ ]to[ ])",
    ),
    (
        _WORDS,
        (rf"({KEYWORD}[^\n:=]{{0,80}}?{_RESET}(?:[ ]from[ ]\[redacted\])?[ ]to[ ]{{1,3}})"
        rf"(?!{AIMS}){_VALUE}"),
    ),
    (
        _WORDS,
        rf"({_RESET}[^\n:=]{{0,40}}?{KEYWORD}[^\n:=]{{0,40}}?[ ]to[ ]{{1,3}})(?!{AIMS}){_VALUE}",
    ),
    (_PASS, rf"({OPENER}{_SPACED}){_OPEN}(?!\\{{0,7}}[\"'])[^\n]+"),
    (
        _PASS,
        (r"((?<![\w-])(?-i:[Pp]ass(?:word|phrase|code|wd)?|[Pp]wd)=)(?![\"'\\])[^\s\"';]+(?=[ ]\S{3})"
        rf"(?:[ ](?!{PLAIN_WORD}(?!\w))[^\s\"';=:/|&<>-][^\s\"';=|&<>]*){{1,12}}(?=[ ]?(?:[\"';\n]|\Z))"),
    ),
    (
        _PASS,
        (rf"({OPENER}\s(?:[^\n:=]{{0,40}}?\s)?(?:is|was):?\s{{1,3}}(?:(?:now|still|just)\s{{1,3}})?)"
        rf"(?!{SAID_OF_IT})\S+"),
    ),
    # Without a sign between them: what has a digit, and what no sentence needs.
    (_PASS, rf"((?<!\w){OPENER}\s{{1,3}})(?!/|\d{{1,2}}(?!\S))(?=[^\s\d]{{0,100}}\d)\S+"),
    (
        _PASS,
        (r"((?<![\w/.-])(?:pass(?:word|wd|phrase|code)|pwd)[ ]{1,3})"
        rf"(?!{PLAIN_WORD}(?!\w))(?:{_QUOTED}|\w[^\s\"']*)"),
    ),
    (
        _WORDS,
        (rf"((?<!\w){TELLS}\s{{1,3}})"
        r"(?=[^\s\d]{0,100}\d)(?=[^\sa-z]{0,100}[a-z])\S{6,}"),
    ),
    (
        _WORDS,
        rf"({TELLS}{NO_NAME}[\w.-]{{0,40}}{_SPACED}){_OPEN}(?!\\{{0,7}}[\"']){_TOLD}",
    ),
    (
        (" code", "_code", "-code"),
        (r"((?:recovery|backup|verification|one[- ]time|2fa|mfa|otp|unlock|activation|pairing)"
        rf"[-_ ]codes?(?:{SAID}|\s(?:is|are)\s)){_OPEN}{_TOLD}"),
    ),
)  # fmt: skip
_NAMES: Final = (
    (
        ("pw", "pin", "otp", "psk", "jwt", "mfa", "2fa", "sess", "srf"),
        (r"((?:pw(?![a-z])|(?<![a-z])(?:pin|t?otp|psk|jwt|mfa|2fa|\w{0,10}sessi(?:d|onid)|"
        rf"[cx]srf[\w-]{{0,20}})){SAID}){_OPEN}{_VALUE}"),
    ),
    (
        ("_key",),
        (r"((?<!primary)(?<!foreign)(?<!partition)(?<!cache)(?<!routing)(?<!unique)"
        rf"(?<!public)(?<!sort)(?<!idempotency)_key{SAID}){_OPEN}{_VALUE}"),
    ),
    (
        ("key=", "key%"),
        (r"((?<![\w.-])key(?:=|%(?:25){0,2}3d))(?!\d+(?!\w)|(?-i:[a-z_]+)[:/]|"
        rf"\"[^\"\n]{{0,100}}\"\s{{1,3}}value){_OPEN}{_VALUE}"),
    ),
    (
        ("requirepass", "masterauth", "pw"),
        (r"((?:\brequirepass|\bmasterauth|(?:bind|root)pw)\s{1,3})"
        rf"(?!{SAID_OF_IT}|(?:is|was|must|has|directive|option)\b){_VALUE}"),
    ),
    (("masterauth", "masteruser"), rf"(\bmaster(?:auth|user){SAID}){_VALUE}"),
    (("pass:",), rf"(\bpass:){_OPEN}(?!\s)\S+"),
    (_WORDS, rf"({NAMED}{SAID}){_OPEN}{_VALUE}"),
    (
        _WORDS,
        (rf"({NAMED}\s{{1,3}}(?:is|was|are)\s{{1,3}}(?:(?:now|still|just)\s{{1,3}})?)"
        rf"(?!{_HIDDEN}|{SAID_OF_IT}){_VALUE}"),
    ),
)  # fmt: skip
_LOGS_IN: Final = (
    r"(?<!\w)(?:sshpass|mysql\w*|mariadb[\w-]*|mongo\w*|mydumper|myloader|xtrabackup|"
    r"pt-[a-z-]+|(?:docker|podman|registry|az|oc)\s{1,3}login|7z\w?|unzip|zip|rar|unrar|"
    r"sqlcmd|bcp|tsql|mosquitto_\w+|useradd|usermod|ipmitool)\s[^\n]{0,300}?"
)
_ASKS: Final = (
    r"(?:chpasswd|passwd|password-stdin|sudo\s{1,3}-S|--stdin|htpasswd\s{1,3}-\w*i)"
)
_COMMANDS: Final = (
    (
        _WORDS,
        rf"((?<![\w-])--?(?!-?no-)[\w.-]{{0,40}}{NAMED}\s{{1,3}}){_VALUE}",
    ),
    ((" -u", "\n-u", "--user", "-u "), r"((?<![\w-])(?:-u|--user)(?:\s{1,3}|=)?)(?!\d+:\d+(?!\S))[^\s:]{1,200}:(?!/)\S+"),
    (("%",), r"((?<![\w-])(?-i:-U|--user)(?:\s{1,3}|=)?[\"']?[^\s%\"']{1,100}%)\S+"),
    (
        (" -p",),
        rf"({_LOGS_IN}(?<!\S)(?-i:-p[ ]{{0,3}}|-P[ ]{{0,3}}(?!\d{{1,5}}(?!\S))))(?!-){_VALUE}",
    ),
    (("ldap",), rf"(\bldap\w{{1,20}}\s[^\n]{{0,300}}?(?<!\S)(?-i:-w)[ ]{{0,3}})(?!-){_VALUE}"),
    (("-cli",), rf"((?:redis|valkey|keydb)-cli\s[^\n]{{0,300}}?(?<!\S)(?-i:-a)[ ]{{0,3}})(?!-){_VALUE}"),
    # Of any other program: neither a port nor a path, a figure, a name or a property.
    (
        ("-p",),
        (r"((?<!mkdir )(?<!cp )(?<!ssh )(?<!compose )(?<![\w-])-p[ ]{0,3})(?!\S{0,100}:/)"
        r"(?!(?:[\d.:,/-]+(?:tcp|udp)?|\d+[a-z]{1,2}|print0|pid\d*)(?!\w)|[\"']?[{\[/.$%<(@-])"
        r"(?=[^\s\d]{0,100}\d)(?=[^\sa-z]{0,100}[a-z])\S{4,}"),
    ),
    (("echo", "printf"), rf"((?<!\w)(?:echo|printf)\s{{1,3}}(?:-\w{{1,3}}\s{{1,3}})?)[^\n|]{{1,200}}(?=\|[^\n|]{{0,100}}{_ASKS})"),
    (("<<<",), rf"({_ASKS}[^\n<]{{0,60}}<<<[ ]{{0,3}}){_VALUE}"),
    (
        ("htpasswd",),
        (r"(htpasswd(?:\s{1,3}-\w{1,8}){0,4}\s{1,3}-\w{0,8}b\w{0,8}(?:\s{1,3}-\w{1,8}){0,4}\s{1,3}"
        rf"(?:[^\s|>&;-][^\s]*\s{{1,3}}){{1,2}})(?![|>&;]){_VALUE}"),
    ),
    (
        ("rabbitmqctl",),
        (r"(rabbitmqctl[^\n]{0,60}?\s(?:add_user|change_password|authenticate_user)\s{1,3}\S{1,100}\s{1,3})"
        rf"(?:--\s{{1,3}})?{_VALUE}"),
    ),
    (("net user",), rf"(\bnet\suser\s{{1,3}}[^\s/]\S{{0,100}}\s{{1,3}})(?!/){_VALUE}"),
    (("from-literal",), rf"(--from-literal[ =]{_MARK}?[\w.-]{{1,60}}=){_VALUE}"),
)  # fmt: skip


@cache
def shapes() -> tuple[Shape, ...]:
    """Return all of them: what hides the rest of a line comes before what hides a word.

    Compiling them takes a tenth of a second, which a start need not wait for.
    """
    return tuple(
        Shape(pattern=re.compile(pattern, re.IGNORECASE), needs=needs)
        for needs, pattern in (*_KEYS, *_DOCUMENTS, *_SENTENCES, *_NAMES, *_COMMANDS)
    )
