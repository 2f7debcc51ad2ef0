"""GET /v1/events as a stream of server-sent events."""

import json
import socket
import time

import pytest

from peers import eventually


class Stream:
    """Reads server-sent events from a raw connection, at the pace of the test."""

    def __init__(self, gateway, key, query="", last=None, buffer=None):
        self.peer = socket.socket()
        if buffer:
            self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.peer.connect(("127.0.0.1", gateway.http))
        self.peer.settimeout(15)
        lines = [f"GET /v1/events{query} HTTP/1.1", "Host: x", "Accept: text/event-stream", f"Authorization: Bearer {key}"]
        lines += [f"Last-Event-ID: {last}"] if last else []
        self.peer.sendall("\r\n".join(lines + ["", ""]).encode())
        self.octets = b""
        head = self.until(b"\r\n\r\n").decode().split("\r\n")
        self.status = int(head[0].split(" ")[1])
        self.headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.peer.close()

    def until(self, mark: bytes) -> bytes:
        while mark not in self.octets:
            more = self.peer.recv(65536)
            if not more:
                raise EOFError
            self.octets += more
        taken, _, self.octets = self.octets.partition(mark)
        return taken

    def chunk(self) -> str:
        size = int(self.until(b"\r\n"), 16)
        while len(self.octets) < size + 2:
            self.octets += self.peer.recv(65536)
        piece, self.octets = self.octets[:size], self.octets[size + 2 :]
        if not size:
            raise EOFError
        return piece.decode()

    def events(self, count) -> list[dict]:
        found: list[dict] = []
        while len(found) < count:
            for block in self.chunk().split("\n\n"):
                fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and line[0] != ":")
                if "data" in fields:
                    event = json.loads(fields["data"])
                    assert (fields["id"], fields["event"]) == (event["id"], event["type"])
                    found.append(event)
        return found


@pytest.fixture
def relay(own, sink):
    gateway = own(sink().port).start()
    gateway.app_of_worker = gateway.app()
    gateway.worker = gateway.client(gateway.app_of_worker)
    return gateway


def test_a_stream_tells_what_happens_from_now_on_and_resumes(relay):
    relay.worker.until(relay.worker.send().id)
    with Stream(relay, relay.app_of_worker.key) as stream:
        assert (stream.status, stream.headers["content-type"]) == (200, "text/event-stream")
        identifier = relay.worker.send().id
        first = stream.events(2)
        assert [(e["type"], e["message"]) for e in first] == [("queued", identifier), ("relayed", identifier)]
    missed = relay.worker.send().id
    relay.worker.until(missed)
    with Stream(relay, relay.app_of_worker.key, last=first[0]["id"]) as stream:
        again = stream.events(3)
    assert again[0] == first[1] and {e["message"] for e in again[1:]} == {missed}
    with Stream(relay, relay.app_of_worker.key, query=f"?cursor={first[1]['id']}&type=relayed") as stream:
        assert [(e["type"], e["message"]) for e in stream.events(1)] == [("relayed", missed)]


def test_an_application_hears_of_its_own_mail_alone_and_an_administrator_of_all(relay):
    other = relay.ready_client()
    with Stream(relay, relay.app_of_worker.key) as mine, Stream(relay, relay.admin.key) as all_of_it:
        theirs = other.send().id
        relay.admin.post("/v1/queue/hold", {"filter": {}})
        own = relay.worker.send().id
        assert {e["message"] for e in mine.events(2)} == {own}
        seen: list[dict] = []
        while not any(e["message"] == own for e in seen):
            seen += all_of_it.events(1)
        assert theirs in {e["message"] for e in seen} and "queue.held" in {e["type"] for e in seen}


def test_a_bad_position_is_refused_and_so_is_a_stranger(relay):
    with Stream(relay, relay.app_of_worker.key, last="yesterday") as stream:
        assert stream.status == 422
    with Stream(relay, "nobody") as stream:
        assert stream.status == 401


def test_streams_are_bounded_and_a_closed_one_makes_room(relay):
    streams = []
    try:
        for _ in range(19):  # a client may have 20 connections per source where that is limited; http has no limit
            streams.append(Stream(relay, relay.app_of_worker.key))
        while streams[-1].status == 200 and len(streams) < 120:
            streams.append(Stream(relay, relay.app_of_worker.key))
        assert len(streams) == 101 and streams[-1].status == 503 and "retry-after" in streams[-1].headers
        assert relay.worker.send().status == 202, "others are served all the same"
    finally:
        for stream in streams:
            stream.peer.close()

    def room():
        relay.worker.until(relay.worker.send().id)  # what is written shows who is gone
        with Stream(relay, relay.app_of_worker.key) as stream:
            return stream.status == 200

    eventually(room, what="room for a new stream", within=12)


def test_a_stream_ends_when_its_key_is_revoked_and_when_the_gateway_stops(relay):
    with Stream(relay, relay.app_of_worker.key) as stream:
        assert stream.chunk().startswith("retry:")
        second = relay.client(relay.ask("key", "issue", "--app", relay.app_of_worker.name)["key"])
        relay.ask("key", "revoke", relay.app_of_worker.key[5:17])
        assert second.send().status == 202, "an event that the ended key must not see"
        with pytest.raises(EOFError):
            for _ in range(100):
                assert "data:" not in stream.chunk()
    with Stream(relay, relay.admin.key) as stream:
        assert stream.chunk().startswith("retry:")
        begin = time.monotonic()
        assert relay.stop() == 0
        assert time.monotonic() - begin < 8
        with pytest.raises(EOFError):
            while True:
                stream.chunk()


def memory(gateway) -> int:
    """Resident, in KB."""
    status = open(f"/proc/{gateway.process.pid}/status").read()
    return int(status.split("VmRSS:")[1].split()[0])


def test_a_slow_reader_makes_nothing_pile_up(relay):
    batch = {"messages": [{"from": "a@corp.example", "to": "b@corp.example", "text": "t"}] * 500}
    relay.admin.post("/v1/routes/Next/suspend")
    with Stream(relay, relay.app_of_worker.key, buffer=4096) as stream:
        relay.worker.post("/v1/messages/batch", batch)
        before = memory(relay)
        for _ in range(5):
            assert relay.worker.post("/v1/messages/batch", batch).status == 202
        assert memory(relay) - before < 60_000
        assert len({e["id"] for e in stream.events(3000)}) == 3000, "and nothing is lost"
