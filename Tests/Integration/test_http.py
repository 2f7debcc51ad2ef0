"""HTTP/1.1 as it is on the wire: framing without two readings, limits, and what clients may expect."""

import gzip
import json
import socket
import time

import pytest

from postern import exchange, marker, read_answers

MESSAGE = {"from": "app@corp.example", "to": "ops@corp.example", "text": "t"}


def head(client, method="POST", target="/v1/messages", *lines: str, length=None) -> bytes:
    fields = ["Host: postern", f"Authorization: Bearer {client.key}", *lines]
    if method == "POST" and not any("content-type" in line.lower() for line in lines):
        fields.append("Content-Type: application/json")
    if length is not None:
        fields.append(f"Content-Length: {length}")
    return (f"{method} {target} HTTP/1.1\r\n" + "".join(f"{line}\r\n" for line in fields) + "\r\n").encode("latin-1")


def post(client, subject: str, *lines: str) -> bytes:
    body = json.dumps(MESSAGE | {"subject": subject, "external_id": subject}).encode()
    return head(client, "POST", "/v1/messages", *lines, length=len(body)) + body


def chunked(body: bytes, size=7) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def subjects(client, word):
    return [m["subject"] for m in client.get(f"/v1/messages?subject={word}").json()["data"]]


# What follows the head is a second request. A reader that takes the framing otherwise would see it.
AMBIGUOUS = {
    "two lengths that differ": ["Content-Length: 5", "Content-Length: 6"],
    "two lengths that agree": ["Content-Length: 5", "Content-Length: 5"],
    "a list of lengths": ["Content-Length: 5, 5"],
    "length beside chunked": ["Content-Length: 5", "Transfer-Encoding: chunked"],
    "chunked twice": ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
    "chunked is not the last coding": ["Transfer-Encoding: chunked, gzip"],
    "chunked misspelt": ["Transfer-Encoding: xchunked"],
    "chunked behind a vertical tab": ["Transfer-Encoding: \x0bchunked"],
    "identity": ["Transfer-Encoding: identity"],
    "a signed length": ["Content-Length: +5"],
    "a negative length": ["Content-Length: -5"],
    "a hexadecimal length": ["Content-Length: 0x5"],
    "a length beyond 64 bits": ["Content-Length: 18446744073709551621"],
    "an empty length": ["Content-Length: "],
    "a length with a space in it": ["Content-Length: 1 5"],
    "a space before the colon": ["Content-Length : 5"],
    "a folded line": ["X-Folded: a\r\n b", "Content-Length: 5"],
    "a line without colon": ["Nonsense", "Content-Length: 5"],
    "an empty name": [": x", "Content-Length: 5"],
    "a name that is no token": ["X(y): z", "Content-Length: 5"],
    "a NUL in a value": ["X-Y: a\0b", "Content-Length: 5"],
    "a bare CR in a value": ["X-Y: a\rContent-Length: 99", "Content-Length: 5"],
    "a bare LF as line end": ["X-Y: a\nContent-Length: 5"],
    "two hosts": ["Host: other", "Content-Length: 5"],
}


@pytest.mark.parametrize("lines", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_a_head_with_two_readings_is_refused_and_closes(gateway, client, lines):
    smuggled = head(client, "GET", "/healthz")
    answers, closed = exchange(gateway.http, head(client, "POST", "/v1/messages", *lines) + b"0\r\n\r\n" + smuggled)
    assert len(answers) == 1, "the octets behind it are no request"
    # RFC 9112 section 6.1 has 501 for a transfer coding that is not known.
    assert (answers[0].status, answers[0].code) in [(400, "malformed_request"), (501, "not_implemented")]
    assert answers[0].status == 400 or any(line.startswith("Transfer-Encoding") for line in lines)
    assert answers[0].headers.get("connection") == "close" and closed


@pytest.mark.parametrize(
    "line",
    [
        b"GET  /healthz HTTP/1.1", b"GET /healthz  HTTP/1.1", b" GET /healthz HTTP/1.1", b"GET\t/healthz HTTP/1.1",
        b"GET /healthz HTTP/1.1 ", b"GET /health z HTTP/1.1", b"GET /healthz http/1.1", b"GET /healthz HTTP/1.10",
        b"GET healthz HTTP/1.1", b"GET", b"G\0T /healthz HTTP/1.1", b"GET /\xff HTTP/1.1", b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET /healthz#part HTTP/1.1",
    ],
)  # fmt: skip
def test_a_broken_request_line_is_400_and_closes(gateway, line):
    answers, closed = exchange(gateway.http, line + b"\r\nHost: x\r\n\r\n")
    assert [a.status for a in answers] == [400] and closed


def test_versions_other_than_1_1_and_1_0_are_505(gateway):
    for version in (b"HTTP/2.0", b"HTTP/3.0"):
        answers, closed = exchange(gateway.http, b"GET /healthz " + version + b"\r\nHost: x\r\n\r\n")
        assert [a.status for a in answers] == [505] and closed


def test_a_request_of_1_1_without_host_is_400(gateway):
    answers, _ = exchange(gateway.http, b"GET /healthz HTTP/1.1\r\n\r\n")
    assert [a.status for a in answers] == [400]


BAD_CHUNKS = {
    "no hexadecimal": b"zz\r\nabc\r\n0\r\n\r\n",
    "a sign": b"+5\r\nabcde\r\n0\r\n\r\n",
    "a prefix": b"0x5\r\nabcde\r\n0\r\n\r\n",
    "a space": b"5 \r\nabcde\r\n0\r\n\r\n",
    "too large a number": b"ffffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "no CRLF behind the data": b"3\r\nabcXX0\r\n\r\n",
    "bare LF": b"3\nabc\n0\n\n",
    "bare CR in an extension": b"3;a=\rb\r\nabc\r\n0\r\n\r\n",
    "an empty size": b"\r\nabc\r\n0\r\n\r\n",
    "a negative size": b"-1\r\nabc\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("body", BAD_CHUNKS.values(), ids=BAD_CHUNKS.keys())
def test_a_bad_chunk_is_400_and_closes(gateway, client, body):
    octets = head(client, "POST", "/v1/messages", "Transfer-Encoding: chunked") + body + head(client, "GET", "/healthz")
    answers, closed = exchange(gateway.http, octets)
    assert [a.status for a in answers] == [400] and closed


def test_chunked_bodies_are_read_however_they_are_cut(gateway, client):
    for size in (1, 7, 1000):
        word = marker()
        body = chunked(json.dumps(MESSAGE | {"subject": word}).encode(), size)
        answers, closed = exchange(
            gateway.http, head(client, "POST", "/v1/messages", "Transfer-Encoding: chunked") + body
        )
        assert [a.status for a in answers] == [202] and not closed
        assert subjects(client, word) == [word]


def test_chunk_extensions_and_trailers_are_passed_over(gateway, client):
    body = json.dumps(MESSAGE).encode()
    octets = b'%x;name="v"\r\n%s\r\n0\r\nX-Trailer: a\r\n\r\n' % (len(body), body)
    answers, closed = exchange(
        gateway.http, head(client, "POST", "/v1/messages", "Transfer-Encoding: chunked") + octets
    )
    assert [a.status for a in answers] == [202] and not closed


def test_a_chunked_gzip_body_is_read(gateway, client):
    word = marker()
    body = chunked(gzip.compress(json.dumps(MESSAGE | {"subject": word}).encode()), 10)
    lines = ("Transfer-Encoding: chunked", "Content-Encoding: gzip")
    answers, _ = exchange(gateway.http, head(client, "POST", "/v1/messages", *lines) + body)
    assert [a.status for a in answers] == [202]
    assert subjects(client, word) == [word]


def test_a_request_reads_the_same_octet_by_octet(gateway, client):
    word = marker()
    whole = post(client, word)
    answers, _ = exchange(gateway.http, [whole[at : at + 1] for at in range(len(whole))], pause=0.0005)
    assert [a.status for a in answers] == [202]
    assert subjects(client, word) == [word]


def test_pipelined_requests_are_answered_in_order(gateway, client):
    word = marker()
    requests = (
        b"".join(post(client, f"{word} {n}") for n in range(10))
        + head(client, "GET", "/v1/me")
        + post(client, f"{word} 10")
    )
    answers, closed = exchange(gateway.http, requests, expect=12)
    assert [a.status for a in answers] == [202] * 10 + [200] + [202]
    assert not closed
    ids = [a.id for n, a in enumerate(answers) if n != 10]
    assert [client.message(i)["subject"] for i in ids] == [f"{word} {n}" for n in range(11)]


def test_a_connection_is_kept_and_closed_as_asked(gateway, client):
    answers, closed = exchange(gateway.http, head(client, "GET", "/healthz"))
    assert answers[0].status == 200 and not closed
    answers, closed = exchange(gateway.http, head(client, "GET", "/healthz", "Connection: close"))
    assert answers[0].status == 200 and closed
    answers, closed = exchange(gateway.http, b"GET /healthz HTTP/1.0\r\n\r\n")
    assert answers[0].status == 200 and closed
    # A refused request whose body was read leaves the connection in step.
    answers, closed = exchange(
        gateway.http, head(client, "POST", "/v1/messages", length=2) + b"{}" + head(client, "GET", "/healthz"), expect=2
    )
    assert [a.status for a in answers] == [422, 200]


def test_expect_100_continue_is_answered_before_the_body(gateway, client):
    body = json.dumps(MESSAGE).encode()
    with socket.create_connection(("127.0.0.1", gateway.http), timeout=5) as peer:
        peer.sendall(head(client, "POST", "/v1/messages", "Expect: 100-continue", length=len(body)))
        assert peer.recv(4096).startswith(b"HTTP/1.1 100 ")
        peer.sendall(body)
        answers, _ = read_answers(peer)
        assert [a.status for a in answers] == [202]


def test_no_100_is_sent_to_one_who_may_not_send(gateway, client):
    octets = head(client, "POST", "/v1/messages", "Expect: 100-continue", length=10).replace(
        client.key.encode(), b"wrong"
    )
    answers, _ = exchange(gateway.http, octets)
    assert [a.status for a in answers] == [401]


def test_head_answers_like_get_without_a_body(gateway, client):
    for target in ("/healthz", "/v1/me", "/v1/messages?limit=1", "/openapi.yaml", "/v1/nothing"):
        get = client.get(target)
        answers, closed = exchange(
            gateway.http, head(client, "HEAD", target) + head(client, "GET", "/healthz"), expect=1, method="HEAD"
        )
        assert answers[0].status == get.status, target
        assert answers[0].headers["content-type"] == get.headers["content-type"]
        if target != "/v1/nothing" and "messages" not in target:
            assert answers[0].headers["content-length"] == str(len(get.body))
        assert client.request("HEAD", target).body == b""


def test_a_head_too_large_is_431_and_a_target_too_long_414(gateway, client):
    answers, closed = exchange(gateway.http, head(client, "GET", "/healthz", "X-Big: " + "x" * 300_000))
    assert ([a.status for a in answers], answers[0].code, closed) == ([431], "headers_too_large", True)
    answers, closed = exchange(gateway.http, head(client, "GET", "/healthz", *[f"X-{n}: y" for n in range(5000)]))
    assert ([a.status for a in answers], closed) == ([431], True)
    answers, closed = exchange(gateway.http, head(client, "GET", "/healthz?" + "x" * 100_000))
    assert ([a.status for a in answers], answers[0].code, closed) == ([414], "uri_too_long", True)
    answers, _ = exchange(gateway.http, head(client, "GET", "/healthz", "X-Fair: " + "x" * 4000))
    assert [a.status for a in answers] == [200]


def test_a_method_that_a_path_does_not_know_is_405_with_those_it_knows(client):
    answer = client.request("DELETE", "/v1/messages")
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert {"GET", "HEAD", "POST"} <= set(answer.headers["allow"].replace(" ", "").split(","))
    assert client.get("/v1/explain").headers["allow"].startswith("POST")


def test_every_answer_has_a_request_id_of_its_own(gateway, client):
    ids = [client.get(target).headers["x-request-id"] for target in ("/healthz", "/healthz", "/v1/nothing", "/v1/me")]
    assert len(set(ids)) == 4 and all(i.startswith("req_") for i in ids)
    answers, _ = exchange(gateway.http, b"broken\r\n\r\n")
    assert answers[0].headers["x-request-id"].startswith("req_")


def test_a_half_closed_client_still_gets_its_answer(gateway, client):
    with socket.create_connection(("127.0.0.1", gateway.http), timeout=5) as peer:
        peer.sendall(post(client, "half"))
        peer.shutdown(socket.SHUT_WR)
        answers, closed = read_answers(peer)
        assert [a.status for a in answers] == [202] and closed


def test_a_client_that_leaves_in_the_middle_of_a_body_leaves_nothing_behind(gateway, client):
    word = marker()
    whole = post(client, word)
    for cut in (20, len(whole) // 2, len(whole) - 1):
        with socket.create_connection(("127.0.0.1", gateway.http), timeout=5) as peer:
            peer.sendall(whole[:cut])
    time.sleep(0.3)
    assert subjects(client, word) == []
    assert client.get("/healthz").status == 200


def test_a_target_in_absolute_form_is_understood(gateway, client):
    answers, _ = exchange(gateway.http, head(client, "GET", "http://postern/healthz"))
    assert [a.status for a in answers] == [200]


def test_empty_lines_before_a_request_are_forgiven(gateway, client):
    answers, _ = exchange(gateway.http, b"\r\n" + head(client, "GET", "/healthz"))
    assert [a.status for a in answers] == [200]  # RFC 9112 section 2.2


def test_the_time_for_a_head_begins_with_its_first_octet(own, postfix):
    def hurried(config):
        config["receiveConnectors"][0]["limits"] = {"inactivity": "2s"}

    gateway = own(postfix.port, hurried).start()
    with socket.create_connection(("127.0.0.1", gateway.http), timeout=10) as peer:
        time.sleep(1.4)
        peer.sendall(b"GET /healthz HTTP/1.1\r\nHo")
        time.sleep(1.2)
        peer.sendall(b"st: x\r\n\r\n")
        assert [answer.status for answer in read_answers(peer)[0]] == [200]


def test_the_lifetime_of_a_connection_ends_it_between_requests(own, postfix):
    def brief(config):
        config["receiveConnectors"][0]["limits"] = {"lifetime": "1s"}

    gateway = own(postfix.port, brief).start()
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", gateway.http), timeout=10) as peer:
        peer.sendall(request)
        answers, closed = read_answers(peer)
        assert (answers[0].status, closed) == (200, False)
        peer.settimeout(5)
        assert peer.recv(1) == b"", "still open after its lifetime"
