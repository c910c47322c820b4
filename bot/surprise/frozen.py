"""The layer's state as bytes, to be taken up by the next run of the bot.

Arrays without objects (`allow_pickle=False`), compressed: a few kilobytes per series. The
short memory of three minutes is left out; it would be too old.
"""

import io
import zipfile
import zlib
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bot.surprise.baselines import BINS
from bot.surprise.surprise import KINDS, Surprise

_FORMAT: Final = 2


class NotReadable(Exception):
    """The bytes are no state that this release can take up; the text says why."""


def frozen(state: Surprise) -> bytes:
    """Return everything that `thawed` needs."""
    base, together = state.baselines, state.together
    base.settle()
    counted = [_FORMAT, state.per_day, state.slot or 0, together.points]
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        counted=np.array(counted, "i8"),
        moments=np.array([together.mean, together.variance]),
        counts=base.counts,
        long=base.tables[0],
        learnt=base.learnt,
        days=state.days.values,
    )
    return buffer.getvalue()


def thawed(kept: bytes) -> Surprise:
    """Return the state that was kept; raise `NotReadable`."""
    try:
        with np.load(io.BytesIO(kept), allow_pickle=False) as found:
            arrays = {name: found[name] for name in found.files}
        return _state(arrays)
    except (
        OSError,
        EOFError,
        ValueError,
        KeyError,
        zipfile.BadZipFile,
        zlib.error,
    ) as e:
        raise NotReadable(f"{type(e).__name__}: {e}") from e


def _state(arrays: Mapping[str, NDArray[np.generic]]) -> Surprise:
    form, per_day, slot, points = (int(n) for n in arrays["counted"].astype("i8"))
    learnt = arrays["learnt"].astype("i8")
    if form != _FORMAT or not 0 < per_day <= 86_400 or learnt.ndim != 1:
        raise ValueError("another format")
    state = Surprise(len(learnt), per_day)
    shape = (KINDS, len(learnt), BINS)
    counts, long = arrays["counts"].astype("f4"), arrays["long"].astype("f4")
    if counts.shape != (2, *shape) or long.shape != shape:
        raise ValueError("another number of series")
    state.slot = slot
    state.baselines.restore(counts, long, learnt)
    state.days.values[:] = arrays["days"]
    state.together.points = points
    state.together.mean, state.together.variance = map(float, arrays["moments"])
    return state
