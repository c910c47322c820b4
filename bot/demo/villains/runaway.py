"""Burns every core until somebody stops it, or ten minutes are over."""

import hashlib
import os
import threading

from bot.demo.villains.restraint import restrain

_ROUNDS = 200_000


def burn() -> None:
    """Compute for nothing; hashing lets the other threads run."""
    while True:
        hashlib.pbkdf2_hmac("sha256", b"noise", b"salt", _ROUNDS)


if __name__ == "__main__":
    restrain()
    for _ in range((os.cpu_count() or 1) - 1):
        threading.Thread(target=burn, daemon=True).start()
    burn()
