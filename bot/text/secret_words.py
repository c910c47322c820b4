"""The words by which `bot/text/secret_shapes.py` knows a secret, and those that are none.

All are pieces of regular expressions, compared without regard to case.
"""

from typing import Final

_LETTERED: Final = r"(?<!by)(?<!com)(?<!sur)(?<!tres)(?<!under)(?<!over)(?<!out)"
"""Before `pass`: what makes another word of it."""

_NO_FOLDER: Final = (
    # The working directory in sudo's lines is none; a password in an option is one.
    r"(?<!old)(?:(?<=\w)pwd|pwd(?!\s{0,3}[:=]\s{0,3}[\"']?[/~]))(?![a-z])"
)
OPENER: Final = (
    rf"(?:pass(?:word|wd|phrase|code)|{_LETTERED}pass(?![a-z])|{_NO_FOLDER})"
)
"""What a password is announced by."""

_KEYS: Final = (
    r"api[-_ ]?key|(?:access|private|secret|signing|encryption|account)[-_ ]?key"
)
TELLS: Final = (
    r"(?:(?<![a-z])secret(?!ar|ion|iv)|secret(?=[-_s]|\b)|token(?!i[sz])|"
    rf"credentials?|{_KEYS})"
)
"""What may be told in several words: `secret: correct horse battery`."""

KEYWORD: Final = (
    rf"(?:{OPENER}|{TELLS}|client[-_]?secret|signature|cookie|auth(?![a-z0-9]))"
)

_THINGS: Final = (
    r"(?:service|svc|store|server|manager|controller|operator|provider|plugin|"
    r"module|handler|exporter|issuer|injector|reloader|rotator)s?|"
    r"(?<=-)(?:gateway|proxy|worker|agent|daemon|sync|job|pod|webhook|"
    r"refresher|exchange|reset|cache|helper|generator|validator|verifier|checker|"
    r"broker|renewer|fetcher|vault|keeper|watcher|queue|backend|frontend|scanner|"
    r"filter|api|ui|migrator|rotation|refresh|validation|cron(?:job)?)s?|"
    r"(?<=\.)(?:py|go|js|ts|rb|rs|java|cc?|cpp|h|so|php|log|socket|timer)"
)
"""A program or a file; a part of a name may follow: `auth-service-7d9f`."""
_ATTRIBUTES: Final = (
    r"(?:counts?|rate|total|length|len|size|limits?|used|left|file(?:name)?|path|dir|"
    r"folder|ttl|expir(?:y|es|ation)|timeout|age|max|min|policy|type|name|enabled|"
    r"required|mode|status|state|attempts?|retries|errors?|failures?|requests?|"
    r"latency|duration|seconds|ms|hits|misses|bucket|field|column|prompt|ur[il]|"
    r"encryption|algo(?:rithm)?|scheme|format|"
    r"endpoint|version|per_second)"
)
_COUNTED: Final = (
    r"(?:(?<=token)|(?<=secret)|(?<=cookie))s[\w.-]{0,40}[\"']?\s{0,3}[:=]\s{0,3}"
    r"[\"']?\d+(?!\w)"
)
_END: Final = r"(?![\w.-])"
# What follows the keyword is short, else it need not be looked at more closely.
NO_NAME: Final = (
    rf"(?=[\w.-]{{0,40}}+{_END})(?!s?(?:[\w.-]{{0,40}}?[-_.])?"
    rf"(?:(?:{_THINGS})(?:[-.@][\w.-]{{0,40}}+)?|{_ATTRIBUTES}){_END}|{_COUNTED})"
)
"""After a keyword: it is not the beginning of a program's or a figure's name."""
NAMED: Final = rf"{KEYWORD}{NO_NAME}[\w.-]{{0,40}}+"

_STATES: Final = (
    r"(?:found|set|unset|invalid|valid|expired|missing|null|none|nil|undefined|true|"
    r"false|yes|no|enabled|disabled|required|optional|revoked|rejected|accepted|ok|"
    r"failed|failures?|empty|unknown|denied|incorrect|correct|wrong|mismatch(?:ed)?|"
    r"changed|updated|rotated|stored|cached|created|deleted|removed|refreshed|renewed|"
    r"generated|verified|authenticated|authentication|authorized|unauthorized|"
    r"forbidden|permission|connection|provided|supplied|given|allowed|supported|"
    r"present|available|unavailable|down|up|ready|healthy|unhealthy|sealed|unsealed|"
    r"locked|unlocked|active|inactive|running|stopped|started|starting|killed|crashed|"
    r"oom|errors?|exceeded|refused|lost|leaked|exposed|compromised|hidden|masked|"
    r"encrypted|hashed|pending|loaded|used|unused|reused|shared|stale|weak|broken|"
    r"corrupt(?:ed)?|malformed|unreadable|needed|done|gone|full|issued|signed|sent|received|expected|"
    r"checked|chauthtok)"
)
STATE: Final = (
    rf"(?:password\supdated|all\sauthentication\stokens|no\ssuch|file\snot\sfound|"
    rf"cannot\s|unable\sto|failed\sto|"
    rf"(?:/[\w.-]{{1,60}}){{2,12}}\.(?:pem|key|crt|jks|p12|pfx)(?!\S)|"
    rf"(?:(?:not\s)?{_STATES}|\d{{1,3}})(?!\w)(?=[\"'\]}})>,;.!]*(?:\s*(?:[\n;,|\])}}(]|\Z)|"
    r"\s(?:in|at|for|by|from|on|because|after|before|since|while|to|until|and|or|with|"
    rf"{_STATES})(?!\w))))"
)
"""Instead of a secret: how it is with it, and nothing more than that."""
SAID_OF_IT: Final = (
    rf"(?:(?:not|no|too|the|a|an|being|in|on|at|about|only|also|to|of|by|for|from|as|"
    rf"it|that|what|never|always|expiring|failing|rotating|longer|old|new|long|short|"
    rf"strong|over|slow|fast|late|known|kept|managed|logged|shown|still|{_STATES})(?!\w))"
)
"""After `is` or `was`: the sentence goes on, with no secret as its next word."""
AIMS: Final = (
    rf"(?:(?:expire|expires|version|default|log|sign|proceed|regain|avoid|get|use|"
    rf"continue|enable|prevent|match|meet|{_STATES}|the|a|an|be|your|it|its|this|that|"
    r"never|always|work|access|fail)(?!\w))"
)
"""After `reset … to`: what people want by it."""

PLAIN_WORD: Final = (
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
