"""The trust kernel is tested on both databases that it may be kept in."""

from tests.real.databases import KINDS, on

database = on(*KINDS)
