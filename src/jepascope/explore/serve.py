"""A small server for one run: it answers the page that it serves, on this machine alone, and nobody else.

Its address holds a random token. Every request must carry it, name this very address as its host, and come from the page itself: a foreign
site can neither read an answer nor make the encoder run.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any

from jepascope.disk.plain import parsed
from jepascope.errors import JepascopeError
from jepascope.explore.clips import described
from jepascope.explore.explorer import Explorer
from jepascope.explore.export import Exported, described_run
from jepascope.explore.measured import chosen
from jepascope.explore.page import render
from jepascope.explore.reading import answer
from jepascope.explore.still import FRAMES, SIDE, seen

HOST = "127.0.0.1"
MOST_BYTES = 4096  # of a question
SECONDS = 30  # that a connection may take to ask
NOWHERE = "?"  # asked for by an address that ends before its last slash

HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}

Answers = dict[str, Callable[[dict[str, Any]], dict[str, Any]]]


def served(explorer: Explorer, clips: int) -> tuple[str, Answers]:
    """The page that asks, and what it may ask."""
    held = chosen(explorer.effects, explorer.best, explorer.captures.spec.finders[0], clips)
    card, (_, rows, columns) = explorer.encoder.card, explorer.encoder.card.grid
    small = {"frames": min(FRAMES, card.frames), "size": min(SIDE, card.size), "grid": (card.grid[0], rows, columns)}
    page = render(Exported({**described_run(explorer, held), "card": small, "left_out": {}, "mode": "server"}, {}))

    def pixels(given: dict[str, Any]) -> dict[str, Any]:
        clip = given.get("clip")
        if type(clip) is not int or clip not in held:
            return {"error": "This page has no such clip."}
        frames = seen(explorer.scene(clip).clips.video())
        return {"scene": described(explorer, clip), "shape": frames.shape, "frames": base64.b64encode(frames.tobytes()).decode()}

    return page, {"answer": lambda given: answer(explorer, given), "clip": pixels}


class PageServer(ThreadingHTTPServer):
    """A thread a connection, as browsers open some that ask nothing; one question at a time, as the encoder is busy with it."""

    daemon_threads = True

    def __init__(self, page: str, answers: Answers, port: int = 0) -> None:
        super().__init__((HOST, port), Handler)
        self.page, self.answers, self.token, self.busy = page, answers, secrets.token_urlsafe(24), Lock()

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(f"{name}:{self.server_port}" for name in (HOST, "localhost"))

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.server_port}/{self.token}/"


class Handler(BaseHTTPRequestHandler):
    """Refuses with 403 whatever does not come from the page itself."""

    server: PageServer
    timeout = SECONDS
    server_version, sys_version = "jepascope", ""

    def do_GET(self) -> None:
        name = self._asked(reading=True)
        if name is None:
            return
        if name:
            return self._refuse(HTTPStatus.NOT_FOUND)
        self._send(HTTPStatus.OK, self.server.page.encode(), "text/html; charset=utf-8")

    def do_POST(self) -> None:
        name = self._asked(reading=False)
        if name is None:
            return
        if name not in self.server.answers:
            return self._refuse(HTTPStatus.NOT_FOUND)
        if self.headers.get_content_type() != "application/json":
            return self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit() or "Transfer-Encoding" in self.headers:
            return self._refuse(HTTPStatus.LENGTH_REQUIRED)
        if len(length) > 9 or int(length) > MOST_BYTES:
            return self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            given = parsed(self.rfile.read(int(length)))
        except ValueError:
            return self._refuse(HTTPStatus.BAD_REQUEST)
        try:
            with self.server.busy:
                made = self.server.answers[name](given)
        except JepascopeError as error:
            made = {"error": str(error)}
        self._send(HTTPStatus.OK, json.dumps(made, allow_nan=False).encode(), "application/json")

    def _asked(self, reading: bool) -> str | None:
        """What is asked for behind the token; None where the request was refused."""
        own = {f"http://{host}" for host in self.server.hosts}
        origin, site = self.headers.get("Origin"), self.headers.get("Sec-Fetch-Site")
        _, token, name, *_ = [*self.path.split("/", 2), NOWHERE, NOWHERE]
        right = secrets.compare_digest(token.encode(), self.server.token.encode())
        # a page that is opened by its address has no origin; a question always has
        known = origin in own or (reading and origin is None)
        if self.headers.get("Host") not in self.server.hosts or not known or site not in (None, "same-origin", "none") or not right:
            self._refuse(HTTPStatus.FORBIDDEN)
            return None
        return name

    def _refuse(self, status: HTTPStatus) -> None:
        self.close_connection = True
        self._send(status, status.phrase.encode(), "text/plain; charset=utf-8")

    def _send(self, status: HTTPStatus, contents: bytes, kind: str) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, "Content-Type": kind, "Content-Length": str(len(contents))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(contents)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: a request may hold anything."""
