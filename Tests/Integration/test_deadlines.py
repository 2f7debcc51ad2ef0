"""Deadlines of applications: what waits too long goes by another route, and then to somebody else."""

import signal
from base64 import b64encode
from datetime import datetime

import pytest

from peers import eventually, free_port
from postern import marker

ONCALL = "oncall@night.example"


def routes(second, third=None, **delivery):
    """Behind a first route: one for nobody's mail until it is escalated, and one for who is on call."""

    def change(config):
        config["delivery"].update({"retry": ["1h"]} | delivery)
        config["acceptedDomains"].append({"domain": "night.example"})
        for name, space, port in [("Other way", "elsewhere.example", second), ("Night", "night.example", third)]:
            if port:
                config["sendConnectors"].append(
                    {"name": name, "addressSpaces": [space], "smartHosts": [f"127.0.0.1:{port}"]}
                )

    return change


def told(client, identifier):
    """The events of escalation, as (type, detail)."""
    events = client.get(f"/v1/messages/{identifier}/events").json()["data"]
    return [(e["type"], e["detail"]) for e in events if e["type"] in ("escalated", "not_escalated")]


def steps(client, identifier):
    return [(detail["step"], detail["to"]) for kind, detail in told(client, identifier) if kind == "escalated"]


def copies(gateway):
    """The mails that went to who is on call."""
    return gateway.admin.get(f"/v1/messages?recipient={ONCALL}").json()["data"]


@pytest.mark.parametrize("restarts", [False, True])
def test_mail_that_waits_too_long_goes_by_the_second_route_once(own, sink, restarts):
    good = sink()
    gateway = own(free_port(), routes(good.port)).start()
    app = gateway.app("--deliver-within", "1s", "--escalate-route", "Other way")
    shown = gateway.ask("app", "show", app.name)
    assert (shown["deliver_within"], shown["escalate_route"], shown["escalate_to"]) == ("1s", "Other way", None)
    client = gateway.client(app)
    identifier = client.send().id
    client.until(identifier, "deferred")
    if restarts:
        gateway.kill()
        gateway.start()
    message = client.until(identifier, "relayed", within=15)
    assert message["recipients"][0]["route"] == "Other way"
    assert told(client, identifier) == [
        ("escalated", {"step": "route", "from": "Next", "to": "Other way", "reason": "not delivered within 1s"})
    ]
    assert len(good.taken) == 1


@pytest.mark.parametrize("restarts", [False, True])
def test_mail_that_no_route_takes_goes_to_somebody_else_once(own, sink, restarts):
    busy = sink(lambda stage, *_: "451 4.7.1 come back when the disk is mended" if stage == "rcpt" else None)
    night = sink()
    gateway = own(free_port(), routes(busy.port, night.port)).start()
    words = ["--deliver-within", "2s" if restarts else "1s", "--escalate-route", "Other way", "--escalate-to", ONCALL]
    app = gateway.app(*words)
    assert gateway.ask("app", "show", app.name)["escalate_to"] == ONCALL
    client, body = gateway.client(app), marker()
    identifier = client.send(subject="Disk füll", text=f"{body}: grüße.", to=["ops@corp.example", "it@corp.example"]).id
    if restarts:
        eventually(lambda: len(steps(client, identifier)) == 2, within=10, what="the step to the route")
        gateway.kill()
        assert not night.taken
        gateway.start()
    [copy] = night.wait(1, within=15)
    assert copy.recipients == [ONCALL]
    by_route = [("route", "Other way")] * 2
    eventually(lambda: steps(client, identifier) == by_route + [("recipient", ONCALL)], what="an event for each step")
    detail = told(client, identifier)[-1][1]
    limit = words[1]
    assert detail["reason"] == f"not delivered within {limit}, nor in as long again by Other way"
    assert detail["recipients"] == "ops@corp.example, it@corp.example"
    # What it says, to whom.
    mail = copy.mail
    assert mail["Subject"] == "[escalated] Disk füll" and mail["To"] == ONCALL and mail["Importance"] == "high"
    assert mail["X-Postern-Escalated"] == identifier
    assert mail["References"] == client.message(identifier)["message_id"]
    first, second = mail.iter_parts()
    explained = first.get_content()
    for word in [app.name, "app@corp.example", "ops@corp.example", "it@corp.example", "451 4.7.1 come back", identifier]:
        assert word in explained, explained
    assert body in second.get_content() and "grüße" in second.get_content()
    # The copy is a message of its own, which nobody escalates, and the original goes on waiting.
    [listed] = copies(gateway)
    assert listed["id"] == detail["id"]
    shown = gateway.admin.until(detail["id"], "relayed")
    assert shown["metadata"] == {"escalation_of": identifier}
    assert client.message(identifier)["status"] == "deferred"
    assert "escalated" not in gateway.admin.events(detail["id"])
    message = client.post(f"/v1/messages/{identifier}/cancel")
    assert message.status == 200
    gateway.stop()
    gateway.start()
    assert len(copies(gateway)) == len(night.taken) == 1


def test_a_failure_is_escalated_at_once_and_once(own, sink):
    strict = sink(lambda stage, *_: "550 5.1.1 no such user" if stage == "rcpt" else None)
    night = sink()
    gateway = own(strict.port, routes(None, night.port)).start()
    client = gateway.client(gateway.app("--deliver-within", "1h", "--escalate-to", ONCALL))
    plain = gateway.client(gateway.app())
    identifier = client.send(to=["a@corp.example", "b@corp.example"]).id
    client.until(identifier, "failed")
    plain.until(plain.send().id, "failed")
    [copy] = night.wait(1, within=4)
    assert "550 5.1.1 no such user" in copy.mail.get_body().get_content()
    eventually(lambda: steps(client, identifier) == [("recipient", ONCALL)], what="the event")
    assert told(client, identifier)[0][1]["reason"] == "failed: 550 5.1.1 no such user"
    # An operator's retry that fails again makes no second one.
    assert gateway.admin.post(f"/v1/messages/{identifier}/retry").status == 200
    eventually(lambda: client.events(identifier).count("failed") == 4, what="another failure of each")
    client.until(client.send().id, "failed")
    night.wait(2, within=4)
    assert len(steps(client, identifier)) == 1


@pytest.mark.parametrize("carries", [True, False])
def test_a_copy_carries_the_mail_as_far_as_its_route_does(own, sink, carries):
    strict = sink(lambda stage, *_: "550 5.1.1 no such user" if stage == "rcpt" else None)
    night = sink()

    def change(config):
        routes(None, night.port)(config)
        config["sendConnectors"][0]["addressSpaces"] = ["corp.example"]
        config["sendConnectors"][-1]["limits"] = {"messageSize": "1MB" if carries else "100KB"}

    gateway = own(strict.port, change).start()
    client = gateway.client(gateway.app("--deliver-within", "1h", "--escalate-to", ONCALL))
    octets = bytes(range(256)) * 800
    file = {"filename": "dump.bin", "content_type": "application/x-dump", "content": b64encode(octets).decode()}
    identifier = client.send(html="<p>See the file.</p>", attachments=[file]).id
    [copy] = night.wait(1)
    parts = list(copy.mail.iter_parts())
    assert identifier in parts[0].get_content()
    assert ("follows" in parts[0].get_content()) == carries
    assert [part.get_content_type() for part in parts[1:]] == (["multipart/mixed"] if carries else [])
    if carries:
        body, attached = parts[1].iter_parts()
        assert body.get_body(("html",)).get_content().strip() == "<p>See the file.</p>"
        assert attached.get_filename() == "dump.bin" and attached.get_content() == octets


def test_a_copy_that_fails_is_told_to_the_postmaster_and_goes_no_further(own, sink):
    strict = sink(lambda stage, *_: "550 5.1.1 no such user" if stage == "rcpt" else None)
    desk = sink()

    def change(config):
        routes(None, strict.port)(config)
        config["postmaster"] = "postmaster@desk.example"
        config["acceptedDomains"].append({"domain": "desk.example"})
        config["sendConnectors"].append(
            {"name": "Desk", "addressSpaces": ["desk.example"], "smartHosts": [f"127.0.0.1:{desk.port}"]}
        )

    gateway = own(free_port(), change).start()
    client = gateway.client(gateway.app("--deliver-within", "1s", "--escalate-to", ONCALL))
    identifier = client.send().id
    eventually(lambda: steps(client, identifier), within=10, what="the event")
    [copy] = copies(gateway)
    gateway.admin.until(copy["id"], "failed")
    [report] = desk.wait(1)
    assert report.sender == "" and "NOT delivered" in report.mail.get_body().get_content()
    assert len(copies(gateway)) == 1


def test_a_copy_from_a_postmaster_beyond_ascii_is_sent_with_smtputf8(own, sink):
    night = sink()

    def change(config):
        routes(None, night.port)(config)
        config["postmaster"] = "p\xf6st@night.example"

    gateway = own(free_port(), change).start()
    gateway.client(gateway.app("--deliver-within", "1s", "--escalate-to", ONCALL)).send()
    [copy] = night.wait(1, within=10)
    assert (copy.sender, copy.recipients) == ("p\xf6st@night.example", [ONCALL])
    assert "SMTPUTF8" in copy.parameters


def test_a_lost_route_is_told_and_the_next_step_follows(own, sink):
    night = sink()
    gateway = own(free_port(), routes(free_port(), night.port)).start()
    client = gateway.client(
        gateway.app("--deliver-within", "2s", "--escalate-route", "Other way", "--escalate-to", ONCALL)
    )
    identifier = client.send().id
    gateway.config["sendConnectors"] = [c for c in gateway.config["sendConnectors"] if c["name"] != "Other way"]
    gateway.write()
    gateway.signal(signal.SIGHUP)
    night.wait(1, within=15)
    eventually(lambda: len(told(client, identifier)) == 2, what="both events")
    (lost, why), (kind, detail) = told(client, identifier)
    assert (lost, why["step"], why["to"]) == ("not_escalated", "route", "Other way")
    assert "no send connector Other way" in why["reason"]
    assert (kind, detail["step"], detail["to"]) == ("escalated", "recipient", ONCALL)
    assert "mail is not escalated to its route" in gateway.log


def test_a_copy_that_rules_have_come_to_forbid_is_told_instead(own, sink):
    gateway = own(free_port(), routes(None, sink().port)).start()
    client = gateway.client(gateway.app("--deliver-within", "2s", "--escalate-to", ONCALL))
    identifier = client.send().id
    gateway.config["acceptedDomains"] = [{"domain": "corp.example"}]
    gateway.write()
    gateway.signal(signal.SIGHUP)
    eventually(lambda: told(client, identifier), within=10, what="the event")
    [(kind, detail)] = told(client, identifier)
    assert (kind, detail["step"], detail["to"]) == ("not_escalated", "recipient", ONCALL)
    assert "night.example is no accepted domain" in detail["reason"]
    assert not copies(gateway)


def test_a_large_backlog_is_escalated_without_a_pause(own, sink):
    good = sink()
    gateway = own(free_port(), routes(good.port)).start()
    client = gateway.client(gateway.app("--deliver-within", "3s", "--escalate-route", "Other way"))
    addresses = [f"r{n}@corp.example" for n in range(200)]
    message = {"from": "app@corp.example", "to": addresses, "subject": "Many", "text": "Many."}
    answer = client.post("/v1/messages/batch", {"messages": [message] * 7})
    assert answer.status == 202
    last = answer.json()["data"][-1]["id"]
    client.until(last, "relayed", within=20)
    events = [e for m in answer.json()["data"] for e in client.get(f"/v1/messages/{m['id']}/events").json()["data"]]
    moments = sorted(datetime.fromisoformat(e["created_at"]) for e in events if e["type"] == "escalated")
    assert len(moments) == 1400
    assert (moments[-1] - moments[0]).total_seconds() < 4


@pytest.mark.parametrize(
    "fields, at, says",
    [
        ({"deliver_within": "soon"}, "/deliver_within", "10m"),
        ({"deliver_within": "soon", "escalate_route": "Next", "escalate_to": ONCALL}, "/deliver_within", "10m"),
        ({"deliver_within": "0s"}, "/deliver_within", "at least 1s"),
        ({"deliver_within": "1m", "escalate_route": "Nowhere"}, "/escalate_route", "Next"),
        ({"escalate_route": "Next"}, "/escalate_route", "deliver_within"),
        ({"escalate_to": "ops@corp.example"}, "/escalate_to", "deliver_within"),
        ({"deliver_within": "1m", "escalate_to": "nobody"}, "/escalate_to", "@"),
        ({"deliver_within": "1m", "escalate_to": "a@far.example"}, "/escalate_to", "far.example is no accepted domain"),
        (
            {"deliver_within": "1m", "escalate_to": "ops@corp.example", "recipients": ["*@a.lab.example"]},
            "/escalate_to",
            "late may not send to ops@corp.example",
        ),
    ],
)
def test_a_deadline_that_cannot_work_is_refused(own, sink, fields, at, says):
    gateway = own(sink().port).start()
    answer = gateway.admin.post("/v1/applications", {"name": "late"} | fields)
    assert (answer.status, answer.pointers) == (422, [at])
    assert says in str(answer.json()["errors"])


def test_a_change_may_not_cut_an_application_off_from_who_gets_its_copies(own, sink):
    gateway = own(sink().port).start()
    fields = {"name": "late", "relay": "external", "deliver_within": "1m", "escalate_to": "a@far.example"}
    assert gateway.admin.post("/v1/applications", fields).status == 201

    def change(**fields):
        answer = gateway.admin.request("PATCH", "/v1/applications/late", json_body=fields)
        return answer.status, answer.pointers if answer.status == 422 else answer.json()["escalate_to"]

    assert change(relay="internal") == (422, ["/escalate_to"])
    assert change(recipients=["*@corp.example"]) == (422, ["/escalate_to"])
    assert change(deliver_within=None) == (422, ["/escalate_to"])
    assert change(rate=5) == (200, "a@far.example")
    assert change(relay="internal", escalate_to="ops@corp.example") == (200, "ops@corp.example")
    assert change(deliver_within=None, escalate_to=None) == (200, None)
