"""Webhooks: what a receiver hears, how it knows the sender, and what happens when it does not answer."""

import base64
import hashlib
import hmac
import http.server
import json
import threading
import time
from dataclasses import dataclass

import pytest

from peers import eventually, free_port
from postern import marker


@dataclass
class Call:
    at: float
    path: str
    headers: dict
    body: bytes

    def json(self):
        return json.loads(self.body)

    @property
    def type(self):
        return self.json()["type"]

    def is_signed_by(self, secret: str) -> bool:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return expected in self.headers["webhook-signature"].split(" ")


class Receiver:
    """An HTTP server whose answers a test decides: `answer(call)` gives a status."""

    def __init__(self, answer=None, port=None):
        self.calls: list[Call] = []
        self.answer = answer or (lambda call: 204)
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                call = Call(time.monotonic(), self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                receiver.calls.append(call)
                self.send_response(receiver.answer(call))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port or free_port()), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hook?token=t"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def about(self, message: str) -> list[str]:
        return [c.type for c in self.calls if c.json()["data"].get("message") == message]

    def wait(self, count, within=8):
        eventually(lambda: len(self.calls) >= count, within=within, what=f"{count} call(s), not {len(self.calls)}")
        return self.calls


@pytest.fixture
def receiver():
    made = []

    def make(answer=None, **more):
        made.append(Receiver(answer, **more))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def relay(own, sink):
    gateway = own(sink().port).start()
    gateway.worker = gateway.ready_client()
    return gateway


def hook(gateway, url, *events, **more) -> dict:
    answer = gateway.admin.post("/v1/webhooks", {"url": url, "events": list(events)} | more)
    assert answer.status == 201, answer
    return answer.json()


def state(gateway, webhook) -> dict:
    return gateway.admin.get(f"/v1/webhooks/{webhook['id']}").json()


def test_a_receiver_hears_what_it_asked_for_signed_and_in_order(relay, receiver):
    ear = receiver()
    made = hook(relay, ear.url, "message.queued", "message.relayed")
    assert made["secret"].startswith("whsec_") and len(base64.b64decode(made["secret"][6:])) >= 24
    identifier = relay.worker.send(external_id="job-7", tags=["nightly"], metadata={"host": "db1"}).id
    ear.wait(2)
    assert ear.about(identifier) == ["message.queued", "message.relayed"]
    call = ear.calls[1]
    data = call.json()["data"]
    assert call.path == "/hook?token=t" and call.headers["content-type"] == "application/json"
    assert set(call.json()) == {"type", "timestamp", "data"}
    assert (data["external_id"], data["tags"], data["metadata"]) == ("job-7", ["nightly"], {"host": "db1"})
    assert data["recipient"] == "ops@corp.example" and data["detail"]["code"] == 250
    assert all(c.is_signed_by(made["secret"]) for c in ear.calls)
    assert abs(int(call.headers["webhook-timestamp"]) - time.time()) < 60
    assert len({c.headers["webhook-id"] for c in ear.calls}) == 2
    told = relay.worker.get(f"/v1/messages/{identifier}/events").json()["data"]
    assert [c.headers["webhook-id"] for c in ear.calls] == [e["id"] for e in told if e["type"] in ("queued", "relayed")]
    assert "secret" not in state(relay, made) and state(relay, made)["last_success_at"]


def test_a_filter_by_application_and_events_of_routes_and_keys(relay, receiver):
    mine, all_of_it = receiver(), receiver()
    app = relay.worker.get("/v1/me").json()["application"]
    hook(relay, mine.url, "message.relayed", "route.suspended", application=app["name"])
    hook(relay, all_of_it.url, "message.relayed", "route.suspended", "route.resumed", "key.created")
    other = relay.ready_client()
    theirs = other.send().id
    own = relay.worker.send().id
    relay.admin.post("/v1/routes/Next/suspend", {"reason": "test"})
    relay.admin.post("/v1/routes/Next/resume")
    all_of_it.wait(5)
    assert sorted(c.type for c in all_of_it.calls) == [
        "key.created", "message.relayed", "message.relayed", "route.resumed", "route.suspended",
    ]
    suspended = next(c for c in all_of_it.calls if c.type == "route.suspended").json()
    assert suspended["data"]["detail"]["route"] == "Next"
    assert mine.about(own) == ["message.relayed"] and mine.about(theirs) == [] and len(mine.calls) == 1


def test_what_a_receiver_refuses_comes_again_under_the_same_id(relay, receiver):
    ear = receiver(lambda call: 500 if len(ear.calls) == 1 else 200)
    made = hook(relay, ear.url, "message.relayed")
    first = relay.worker.send().id
    ear.wait(1)
    second = relay.worker.send().id
    ear.wait(2)
    assert ear.about(second) == ["message.relayed"], "one refusal delays no other event"
    waiting = eventually(lambda: state(relay, made)["pending"] == 1 and state(relay, made), what="the event in line")
    assert "500" in waiting["last_error"]
    calls = ear.wait(3, within=9)
    assert ear.about(first) == ["message.relayed"] * 2
    assert 4.5 < calls[2].at - calls[0].at < 8, "after five seconds"
    assert calls[2].headers["webhook-id"] == calls[0].headers["webhook-id"]
    assert calls[2].is_signed_by(made["secret"])
    eventually(lambda: state(relay, made)["pending"] == 0, what="nothing in line")


def test_a_dead_receiver_delays_no_other_and_loses_nothing_over_a_restart(relay, receiver):
    port = free_port()
    dead = hook(relay, f"http://127.0.0.1:{port}/", "message.relayed")
    ear = receiver()
    hook(relay, ear.url, "message.relayed")
    sent = [relay.worker.send().id for _ in range(30)]
    ear.wait(30)
    eventually(lambda: state(relay, dead)["pending"] > 0, what="events in line")
    relay.kill()
    late = receiver(port=port)
    relay.start()
    late.wait(30, within=12)
    assert {c.json()["data"]["message"] for c in late.calls} == set(sent)


def test_a_receiver_that_is_gone_is_not_called_again_until_it_is_enabled(relay, receiver):
    ear = receiver(lambda call: 410)
    made = hook(relay, ear.url, "message.relayed")
    lost = relay.worker.send().id
    off = eventually(lambda: not state(relay, made)["enabled"] and state(relay, made), what="the end")
    assert "410" in off["disabled_reason"] and len(off["failed"]) == 1
    missed = relay.worker.send().id
    relay.worker.until(missed, "relayed")
    time.sleep(0.6)
    assert len(ear.calls) == 1
    assert relay.admin.get("/v1/events?type=webhook.disabled").json()["data"][0]["detail"]["webhook"] == made["id"]
    ear.answer = lambda call: 200
    relay.admin.request("PATCH", f"/v1/webhooks/{made['id']}", json_body={"enabled": True})
    ear.wait(2)
    assert ear.about(missed) == ["message.relayed"], "it goes on where it stopped"
    assert relay.admin.post(f"/v1/webhooks/{made['id']}/redeliver", {"failed": True}).json() == {"count": 1}
    ear.wait(3)
    assert ear.about(lost) == ["message.relayed"] * 2
    assert eventually(lambda: state(relay, made)["failed"] == [], what="nothing that was given up") or True


def test_an_event_is_told_again_on_demand(relay, receiver):
    ear = receiver()
    made = hook(relay, ear.url, "message.relayed")
    relay.worker.send()
    event = ear.wait(1)[0].headers["webhook-id"]
    assert relay.admin.post(f"/v1/webhooks/{made['id']}/redeliver", {"event": event}).json() == {"count": 1}
    assert ear.wait(2)[1].headers["webhook-id"] == event
    for body in ({}, {"event": event, "failed": True}, {"event": "evt_00000000ffffffff"}, {"event": "x"}):
        assert relay.admin.post(f"/v1/webhooks/{made['id']}/redeliver", body).status == 422, body


def test_a_rotated_secret_signs_beside_the_old_one(relay, receiver):
    ear = receiver()
    made = hook(relay, ear.url, "message.relayed")
    new = relay.admin.post(f"/v1/webhooks/{made['id']}/rotate").json()["secret"]
    assert new != made["secret"]
    relay.worker.send()
    call = ear.wait(1)[0]
    assert call.is_signed_by(new) and call.is_signed_by(made["secret"])
    last = relay.admin.post(f"/v1/webhooks/{made['id']}/rotate", {"overlap": "0s"}).json()["secret"]
    relay.worker.send()
    call = ear.wait(2)[1]
    assert call.is_signed_by(last) and not call.is_signed_by(new)


def test_link_local_receivers_are_refused_and_so_are_bad_requests(relay):
    good = {"url": "https://hooks.corp.example/x", "events": ["message.failed"]}
    for change, pointer in [
        ({"url": "http://169.254.169.254/latest/meta-data"}, "/url"),
        ({"url": "http://[fe80::1]/"}, "/url"),
        ({"url": "http://[::ffff:169.254.169.254]/"}, "/url"),
        ({"url": "ftp://hooks.corp.example/"}, "/url"),
        ({"url": "https://user:pw@hooks.corp.example/"}, "/url"),
        ({"events": []}, "/events"),
        ({"events": ["message.failed", "message.flying"]}, "/events/1"),
        ({"application": "nobody"}, "/application"),
        ({"colour": "red"}, "/colour"),
    ]:
        answer = relay.admin.post("/v1/webhooks", good | change)
        assert (answer.status, answer.pointers) == (422, [pointer]), change
    assert relay.admin.post("/v1/webhooks", {}).pointers == ["/url", "/events"]
    assert relay.worker.post("/v1/webhooks", good).code == "insufficient_scope"
    made = hook(relay, "http://10.1.2.3/x", "message.failed")
    assert relay.admin.request("DELETE", f"/v1/webhooks/{made['id']}").status == 204
    assert relay.admin.get("/v1/webhooks").json()["data"] == []


def test_a_webhook_may_be_changed_and_its_receiver_moved(relay, receiver):
    first, second = receiver(), receiver()
    made = hook(relay, first.url, "message.queued")
    changed = relay.admin.request(
        "PATCH", f"/v1/webhooks/{made['id']}", json_body={"url": second.url, "events": ["message.relayed"]}
    ).json()
    assert (changed["url"], changed["events"]) == (second.url, ["message.relayed"])
    identifier = relay.worker.send(subject=marker()).id
    second.wait(1)
    assert second.about(identifier) == ["message.relayed"] and first.calls == []
