"""The server answers the page that it serves, and nobody else."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from jepascope.errors import BadArgument
from jepascope.explore.serve import MOST_BYTES, PageServer


class Asked:
    """What reached the encoder."""

    def __init__(self) -> None:
        self.questions: list[dict[str, Any]] = []

    def answer(self, given: dict[str, Any]) -> dict[str, Any]:
        self.questions.append(given)
        if given.get("clip") == -1:
            raise BadArgument("clip is -1, and must be a whole number.")
        return {"moved": 1.5}


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def server(asked: Asked) -> Iterator[PageServer]:
    made = PageServer("<!doctype html><title>page</title>", {"answer": asked.answer})
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def request(
    server: PageServer, method: str, path: str, body: bytes | None = None, **headers: str | None
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and contents. Headers of the page's own questions, but for those given (None: left out)."""
    host = f"127.0.0.1:{server.server_port}"
    usual = {"Host": host, **({"Origin": f"http://{host}", "Content-Type": "application/json"} if method == "POST" else {})}
    sent = {**usual, **{name.replace("_", "-"): value for name, value in headers.items()}}
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    if body is not None and "Content-Length" not in sent:
        sent["Content-Length"] = str(len(body))
    for name, value in sent.items():
        if value is not None:
            connection.putheader(name, value)
    connection.endheaders(body)
    response = connection.getresponse()
    made = response.status, dict(response.getheaders()), response.read()
    connection.close()
    return made


def test_the_page_and_its_questions_are_answered(server: PageServer, asked: Asked) -> None:
    status, headers, contents = request(server, "GET", f"/{server.token}/")
    assert status == 200 and b"page" in contents and headers["X-Content-Type-Options"] == "nosniff"
    status, _, contents = request(server, "POST", f"/{server.token}/answer", b'{"clip": 3}')
    assert status == 200 and json.loads(contents) == {"moved": 1.5} and asked.questions == [{"clip": 3}]


def test_it_listens_on_this_machine_alone_under_an_address_nobody_guesses(server: PageServer) -> None:
    assert server.server_address[0] == "127.0.0.1" and len(server.token) >= 32
    other = PageServer("", {})
    other.server_close()
    assert other.token != server.token


def test_a_refusal_of_what_was_asked_is_an_answer_in_words(server: PageServer) -> None:
    status, _, contents = request(server, "POST", f"/{server.token}/answer", b'{"clip": -1}')
    assert status == 200 and json.loads(contents) == {"error": "clip is -1, and must be a whole number."}


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},  # a name that was made to point here
        {"Host": "evil.example:80"},
        {"Host": None},
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1"},  # another server on this machine
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},  # a file, or a frame without an origin
        {"Origin": None},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_questions_of_others_are_refused_and_never_reach_the_encoder(
    server: PageServer, asked: Asked, headers: dict[str, str | None]
) -> None:
    status, answered, contents = request(server, "POST", f"/{server.token}/answer", b'{"clip": 3}', **headers)
    assert status == 403 and asked.questions == [] and b"moved" not in contents
    assert not [name for name in answered if name.lower().startswith("access-control")]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/", "/answer", "//answer", "/wrong/answer", "/../", "/%2e%2e/answer", "http://evil.example/"])
def test_without_the_token_everything_is_refused(server: PageServer, asked: Asked, method: str, path: str) -> None:
    body = b"{}" if method == "POST" else None
    assert request(server, method, path, body)[0] == 403 and asked.questions == []


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Sec_Fetch_Site": "cross-site"}])
def test_the_page_itself_is_given_to_nobody_else(server: PageServer, headers: dict[str, str]) -> None:
    status, _, contents = request(server, "GET", f"/{server.token}/", **headers)
    assert status == 403 and b"page" not in contents


@pytest.mark.parametrize("name", ["../spec.yaml", "..%2f..%2fetc/passwd", "etc/passwd", "answer/../..", "__init__", "?x", "answer?x"])
def test_there_is_nothing_but_the_page_and_its_questions(server: PageServer, asked: Asked, name: str) -> None:
    for method, body in (("GET", None), ("POST", b"{}")):
        assert request(server, method, f"/{server.token}/{name}", body)[0] == 404
    assert request(server, "GET", f"/{server.token}")[0] == 404 and asked.questions == []


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{" + b" " * MOST_BYTES + b"}", {}, 413),
        (b"{}", {"Content_Length": "9" * 30}, 413),
        (b"{}", {"Content_Length": "-1"}, 411),
        (b"{}", {"Content_Length": "two"}, 411),
        (b"{}", {"Transfer_Encoding": "chunked"}, 411),
        (b"{", {}, 400),
        (b"[" * 3000, {}, 400),
        (b"[1]", {}, 400),
        (b"\xff", {}, 400),
        (b"clip=3", {"Content_Type": "text/plain"}, 415),  # what a form of another site can send
        (b"clip=3", {"Content_Type": "application/x-www-form-urlencoded"}, 415),
    ],
)
def test_odd_and_large_questions_are_refused(server: PageServer, asked: Asked, body: bytes, headers: dict[str, str], status: int) -> None:
    assert request(server, "POST", f"/{server.token}/answer", body, **headers)[0] == status and asked.questions == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "HEAD", "TRACE"])
def test_other_methods_are_none_of_its(server: PageServer, method: str) -> None:
    assert request(server, method, f"/{server.token}/answer", Origin="https://evil.example")[0] == 501
