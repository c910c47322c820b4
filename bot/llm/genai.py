"""The one door to google-genai: Gemini's answers and its embeddings.

Every failure becomes `ModelUnavailable`, in words for a person; what the server wrote
is never repeated. The library is imported at the first call (a second, 80 MB).
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from bot.llm.costs import AskedInVain
from bot.llm.unavailable import (
    SHAPELESS,
    not_reached,
    refused,
    senseless,
    too_large,
    too_slow,
)
from bot.ports import ModelUnavailable
from bot.text.redact import redact
from memory.embed import EmbedderUnavailable

if TYPE_CHECKING:
    from google.genai import Client, types
    from google.genai.errors import APIError

    from bot.http.bounded import BoundedTransport
    from memory.bert import Floats

ATTEMPTS: Final = 3
_RETRIED: Final = (408, 500, 502, 503, 504)
_EMBED_SECONDS: Final = 20.0
LIMIT_BYTES: Final = 2_000_000
_BATCH: Final = 25  # vectors of 3,072 decimal numbers stay below LIMIT_BYTES
_TEXT_LIMIT: Final = 8000


class Genai:
    """Google's client with a deadline and a size limit for every call.

    base_url: another server that speaks the same; None for Google's own.
    """

    def __init__(
        self, key: str, *, base_url: str | None = None, limit_bytes: int = LIMIT_BYTES
    ) -> None:
        self._key = key
        self._base_url = base_url
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._made: tuple[Client, BoundedTransport] | None = None

    def generate(
        self,
        model: str,
        contents: Sequence["types.Content"],
        config: "types.GenerateContentConfig",
        *,
        seconds: float,
    ) -> "types.GenerateContentResponse":
        """Ask once, again after 5xx, within `seconds`; raise `ModelUnavailable`."""
        with self._asking(seconds) as client:
            return client.models.generate_content(
                model=model, contents=list(contents), config=config
            )

    def embed(
        self, model: str, texts: Sequence[str], config: "types.EmbedContentConfig"
    ) -> list[list[float]]:
        """Return one vector for each text; raise `ModelUnavailable`."""
        from google.genai import types

        # One Content per text: several parts of one would become one vector.
        contents = [types.Content(parts=[types.Part(text=text)]) for text in texts]
        with self._asking(_EMBED_SECONDS) as client:
            answer = client.models.embed_content(
                model=model, contents=contents, config=config
            )
        vectors = [list(found.values or ()) for found in answer.embeddings or ()]
        if len(vectors) != len(texts):
            raise senseless()
        return vectors

    @contextmanager
    def _asking(self, seconds: float) -> Iterator["Client"]:
        client, transport = self._client()
        from google.genai.errors import APIError, UnknownApiResponseError
        from httpx2 import ConnectError, TransportError

        from bot.http.bounded import TooLarge, TooSlow

        try:
            with transport.within(seconds):
                yield client
        except APIError as error:
            raise _refused(error) from error
        except TooSlow as error:
            raise AskedInVain(too_slow(seconds)) from error
        except TooLarge as error:
            raise AskedInVain(too_large()) from error
        except ConnectError as error:
            raise not_reached() from error
        except TransportError as error:
            raise AskedInVain(not_reached()) from error
        # What the SDK raises for an answer of another shape is not documented.
        except (UnknownApiResponseError, *SHAPELESS) as error:
            raise AskedInVain(senseless()) from error

    def _client(self) -> "tuple[Client, BoundedTransport]":
        with self._lock:
            if self._made is None:
                self._made = _make(self._key, self._base_url, self._limit_bytes)
            return self._made


def _make(
    key: str, base_url: str | None, limit_bytes: int
) -> "tuple[Client, BoundedTransport]":
    import httpx2
    from google import genai
    from google.genai import types

    from bot.http.bounded import BoundedTransport

    transport = BoundedTransport(limit_bytes=limit_bytes)
    options = types.HttpOptions(
        base_url=base_url,
        api_version="v1beta",
        timeout=600_000,  # ms; the transport ends it long before
        httpx_client=httpx2.Client(transport=transport),
        retry_options=types.HttpRetryOptions(
            attempts=ATTEMPTS,
            initial_delay=0.3,
            max_delay=1.0,
            http_status_codes=list(_RETRIED),
        ),
    )
    # Said outright: the SDK would read GOOGLE_GENAI_USE_VERTEXAI otherwise.
    client = genai.Client(api_key=key, vertexai=False, http_options=options)
    return client, transport


def _refused(error: "APIError") -> ModelUnavailable:
    # A wrong key comes as 400; only the message tells it from a bad request.
    if error.code == 400 and "api key" in str(error.message).lower():
        return refused(401)
    return refused(error.code)


class GeminiEmbedder:
    """An `Embedder` (memory/embed.py) by Gemini; secrets are redacted before it asks.

    name: changes with the model and the number of dimensions, so vectors of two
    embedders are never mixed. dim: at most 3,072.
    """

    def __init__(
        self, genai: Genai, *, model: str = "gemini-embedding-001", dim: int = 768
    ) -> None:
        self._genai = genai
        self._model = model
        self.dim = dim
        self.name = f"{model}/{dim}"

    def documents(self, texts: Sequence[str]) -> "Floats":
        """Return (n, dim) rows of length 1; raise `EmbedderUnavailable`."""
        import numpy as np

        parts = [
            self._rows(texts[first : first + _BATCH], "RETRIEVAL_DOCUMENT")
            for first in range(0, len(texts), _BATCH)
        ]
        return np.vstack(parts) if parts else np.zeros((0, self.dim), np.float32)

    def query(self, text: str) -> "Floats":
        """Return one vector (dim,) of length 1; raise `EmbedderUnavailable`."""
        row: Floats = self._rows([text], "RETRIEVAL_QUERY")[0]
        return row

    def _rows(self, texts: Sequence[str], task: str) -> "Floats":
        import numpy as np
        from google.genai import types

        config = types.EmbedContentConfig(
            task_type=task, output_dimensionality=self.dim
        )
        sent = [redact(text, limit=_TEXT_LIMIT) or " " for text in texts]
        try:
            vectors = self._genai.embed(self._model, sent, config)
        except ModelUnavailable as missing:
            raise EmbedderUnavailable(str(missing)) from missing
        if any(len(vector) != self.dim for vector in vectors):
            raise EmbedderUnavailable("the embedder's vectors have another length")
        rows = np.asarray(vectors, dtype=np.float32)
        # Vectors shorter than the model's own do not come normalised.
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        if not np.all(np.isfinite(lengths) & (lengths > 0)):
            raise EmbedderUnavailable("the embedder's vectors are no directions")
        normal: Floats = (rows / lengths).astype(np.float32)
        return normal
