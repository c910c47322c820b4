"""A small shop that sells nothing; it answers until somebody kills it.

Run by supervisord in the demo: `shop.py PORT`, on loopback only.
"""

import http.server
import sys

from bot.demo.villains.restraint import restrain


class Counter(http.server.BaseHTTPRequestHandler):
    """Answers every question with "open"."""

    def do_GET(self) -> None:
        """Say that the shop is open."""
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"open\n")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    address = ("127.0.0.1", int(sys.argv[1]))
    shop = http.server.ThreadingHTTPServer(address, Counter)
    # Without privileges it may not be able to read what it would import.
    restrain()
    shop.serve_forever()
