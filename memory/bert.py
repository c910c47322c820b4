"""The arithmetic of a small BERT encoder in numpy: word pieces in, one vector out."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
"""Vectors and matrices of 32-bit numbers."""

_LAYERS = 6
_HEADS = 12
_ROWS = 32
_TINY = np.float32(1e-12)
_HIDDEN = np.float32(-1e9)


class Bert:
    """all-MiniLM-L6-v2's network: 6 layers, 12 heads, 384 wide.

    weights: the tensors of `model.safetensors` by name, float32.
    """

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        self._weights = weights
        self._layers = [
            _Layer(weights, f"encoder.layer.{index}.") for index in range(_LAYERS)
        ]
        self.dim = int(weights["embeddings.word_embeddings.weight"].shape[1])

    def embed(self, pieces: NDArray[np.int64], mask: Floats) -> Floats:
        """Return one L2-normalised row per text: the mean of its pieces' vectors.

        pieces: (texts, length) word piece ids, padded; mask: the same shape, 1 where a
        piece is real. Mean pooling is what the model was trained with.
        """
        x = self._look_up(pieces)
        hidden = ((1 - mask) * _HIDDEN)[:, None, None, :]
        for layer in self._layers:
            x = layer.forward(x, hidden)
        mean = (x * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
        return unit(mean)

    def _look_up(self, pieces: NDArray[np.int64]) -> Floats:
        weights, prefix = self._weights, "embeddings."
        x = (
            weights[prefix + "word_embeddings.weight"][pieces]
            + weights[prefix + "position_embeddings.weight"][: pieces.shape[1]]
            + weights[prefix + "token_type_embeddings.weight"][0]
        )
        return _normalised(x, weights, prefix + "LayerNorm")


class _Layer:
    def __init__(self, weights: Mapping[str, Floats], prefix: str) -> None:
        own = {
            name.removeprefix(prefix): value
            for name, value in weights.items()
            if name.startswith(prefix)
        }
        heads = [f"attention.self.{part}" for part in ("query", "key", "value")]
        # One multiplication for all three is a third faster than three.
        self._qkv = np.concatenate([own[f"{head}.weight"] for head in heads]).T.copy()
        self._qkv_bias = np.concatenate([own[f"{head}.bias"] for head in heads])
        self._own = own

    def forward(self, x: Floats, hidden: Floats) -> Floats:
        attended = self._dense(self._attention(x, hidden), "attention.output.dense")
        x = _normalised(x + attended, self._own, "attention.output.LayerNorm")
        wide = self._dense(x, "intermediate.dense")
        flat = wide.reshape(-1, wide.shape[-1])
        for start in range(0, len(flat), _ROWS):
            # Few rows at a time stay in the cache: twice as fast.
            flat[start : start + _ROWS] = _gelu(flat[start : start + _ROWS])
        narrow = self._dense(wide, "output.dense")
        return _normalised(x + narrow, self._own, "output.LayerNorm")

    def _attention(self, x: Floats, hidden: Floats) -> Floats:
        texts, length, width = x.shape
        size = width // _HEADS
        qkv = _times(x, self._qkv) + self._qkv_bias
        query, key, value = qkv.reshape(texts, length, 3, _HEADS, size).transpose(
            2, 0, 3, 1, 4
        )
        scores = query @ key.transpose(0, 1, 3, 2)
        scores *= np.float32(1 / math.sqrt(size))
        scores += hidden
        scores -= scores.max(-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(-1, keepdims=True)
        mixed: Floats = (scores @ value).transpose(0, 2, 1, 3)
        return mixed.reshape(texts, length, width)

    def _dense(self, x: Floats, name: str) -> Floats:
        out = _times(x, self._own[f"{name}.weight"].T)
        out += self._own[f"{name}.bias"]
        return out


def unit(rows: Floats) -> Floats:
    """Return every row with length 1 (L2); a row of zeros stays one."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    scaled: Floats = (rows / np.maximum(lengths, _TINY)).astype(np.float32)
    return scaled


def _times(x: Floats, matrix: Floats) -> Floats:
    # Two dimensions reach the BLAS library in one call.
    flat: Floats = x.reshape(-1, x.shape[-1]) @ matrix
    return flat.reshape(*x.shape[:-1], matrix.shape[1])


def _normalised(x: Floats, weights: Mapping[str, Floats], name: str) -> Floats:
    centred = x - x.mean(-1, keepdims=True)
    spread = np.sqrt(np.square(centred).mean(-1, keepdims=True) + _TINY)
    out: Floats = centred / spread * weights[f"{name}.weight"]
    out += weights[f"{name}.bias"]
    return out


def _gelu(x: Floats) -> Floats:
    """Return x · Φ(x), by Abramowitz and Stegun 7.1.26: erf to within 1.5e-7."""
    size = np.abs(x)
    size *= np.float32(1 / math.sqrt(2))
    t = 1 / (1 + np.float32(0.3275911) * size)
    poly = t * np.float32(1.061405429)
    for factor in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        poly += np.float32(factor)
        poly *= t
    erf = 1 - poly * np.exp(-size * size)
    out: Floats = np.float32(0.5) * x * (1 + np.copysign(erf, x))
    return out
