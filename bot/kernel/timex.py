"""What the kernel knows of its clock's error: adjtimex(2), asked and never set."""

import ctypes
import os
from dataclasses import dataclass
from typing import ClassVar, Final

from bot.kernel.roots import Roots

_UNSYNCHRONISED: Final = 0x40  # STA_UNSYNC
_ERROR: Final = 5  # TIME_ERROR


class _Timex(ctypes.Structure):
    """The beginning of `struct timex`, with more room behind than it has."""

    _fields_: ClassVar = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 512),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockState:
    """is_synchronised: whether somebody told the kernel the time within some hours.

    largest_error: seconds that it may be wrong by; grows by 0.5 ms each second.
    """

    is_synchronised: bool
    largest_error: float


def read(roots: Roots) -> ClockState:
    """Ask the kernel; raise `OSError` where the bot may not (`ProtectClock=`)."""
    del roots
    state = _Timex()  # modes is 0: nothing is set
    answer = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(state))
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "adjtimex")
    is_off = bool(state.status & _UNSYNCHRONISED) or answer == _ERROR
    return ClockState(
        is_synchronised=not is_off, largest_error=max(state.maxerror, 0) / 1e6
    )
