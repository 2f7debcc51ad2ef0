"""What an upstream says about its customer is the route's condition: mail waits or goes another way, and is never bounced."""

import time

import pytest

from peers import eventually
from postern import EXIT_CONFIGURATION, Session


def route(gateway, name="Next") -> dict:
    answer = gateway.admin.get(f"/v1/routes/{name}")
    assert answer.status == 200
    return answer.json()


def limited(hop, **limits):
    return lambda config: config["sendConnectors"][0].update(smartHosts=[hop.host], tls="none", limits=limits)


@pytest.mark.parametrize(
    "stage, reply",
    [
        ("dot", "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException"),
        ("mail", "550 5.7.64 TenantAttribution; Relay Access Denied"),
        ("rcpt", "550 5.7.232 Your message can't be sent because your trial tenant has exceeded its limit"),
        ("dot", "550 5.2.251 Sender throttled due to continuous mailbox full errors"),
        ("rcpt", "550 5.4.5 Daily user sending limit exceeded"),
    ],
)
def test_a_customers_trouble_suspends_the_route_and_keeps_the_mail(own, sink, stage, reply):
    left = [1]

    def trouble(at, argument, session):
        if at == stage and left:
            return left.pop() and reply

    hop = sink(trouble)
    gateway = own(hop.port).start()
    client = gateway.ready_client()
    answer = client.send()
    eventually(lambda: route(gateway)["state"] == "suspended", what="the suspended route")
    seen = route(gateway)
    assert reply.split(" ", 1)[1] in seen["reason"] and seen["until"] and seen["by"] == "upstream"
    second = client.send()
    time.sleep(1.2)
    statuses = {client.message(one.id)["status"] for one in (answer, second)}
    assert statuses <= {"deferred", "queued"}, "nobody is told of a failure"
    assert hop.count("mail") == 1
    types = [event["type"] for event in gateway.admin.get("/v1/events?limit=200").json()["data"]]
    assert "route.suspended" in types
    assert gateway.admin.post("/v1/routes/Next/resume").status == 200
    for one in (answer, second):
        client.until(one.id, "relayed")


@pytest.mark.parametrize("stage, reply", [("mail", "432 4.3.2 Concurrent connections limit exceeded")])
def test_too_much_at_once_is_a_short_rest(own, sink, stage, reply):
    left = [1]

    def trouble(at, argument, session):
        if at == stage and left:
            return left.pop() and reply

    hop = sink(trouble)
    gateway = own(hop.port).start()
    client = gateway.ready_client()
    answer = client.send()
    eventually(lambda: route(gateway)["state"] == "resting", what="the resting route")
    assert reply in route(gateway)["reason"]
    client.post(f"/v1/messages/{answer.id}/retry")
    client.until(answer.id, "relayed")


def test_a_full_minute_keeps_scans_waiting_and_lets_an_alert_through(own, sink):
    hop = sink()
    gateway = own(change=limited(hop, messagesPerMinute=10)).start()
    client = gateway.ready_client()
    scans = [client.send(subject=f"scan {n}", priority="low") for n in range(15)]
    eventually(lambda: route(gateway)["state"] == "resting", what="the used-up minute")
    assert "10 messages a minute" in route(gateway)["reason"] and route(gateway)["until"]
    alert = client.send(subject="alert", priority="critical")
    client.until(alert.id, "relayed", within=3)
    assert len(hop.taken) == 10, "nine scans, and the alert in the place that was kept for it"
    assert {client.message(scan.id)["status"] for scan in scans} == {"relayed", "queued"}


def test_a_days_quota_survives_the_death_of_the_process(own, sink):
    hop = sink()
    gateway = own(change=limited(hop, recipientsPerDay=10)).start()
    client = gateway.ready_client()
    people = [f"r{n}@corp.example" for n in range(20)]
    answer = client.send(to=people)
    eventually(lambda: route(gateway)["state"] == "resting", what="the used-up day")
    sent = sum(len(taken.recipients) for taken in hop.taken)
    assert sent == 9, "less a tenth for what is critical"
    assert "of 10 recipients a day" in route(gateway)["reason"]
    time.sleep(0.3)
    gateway.kill()
    gateway.start()
    eventually(lambda: route(gateway)["state"] == "resting", what="the day that is still used up")
    assert sum(len(taken.recipients) for taken in hop.taken) == sent
    left = [r["status"] for r in client.message(answer.id)["recipients"]]
    assert left.count("relayed") == sent and left.count("queued") == 20 - sent


def test_a_small_quota_is_used_to_its_last_recipient(own, sink):
    hop = sink()
    gateway = own(change=limited(hop, recipientsPerDay=3)).start()
    client = gateway.ready_client()
    sent = [client.send(subject=f"{n}").id for n in range(5)]
    eventually(lambda: route(gateway)["state"] == "resting", what="the used-up day")
    assert "3 of 3 recipients a day" in route(gateway)["reason"]
    assert sorted(client.message(one)["status"] for one in sent) == ["queued"] * 2 + ["relayed"] * 3


def test_mail_fails_over_to_the_next_route_by_cost(own, sink):
    def full(stage, argument, session):
        return "550 5.4.5 Daily user sending limit exceeded" if stage == "rcpt" else None

    first, second = sink(full), sink()

    def change(config):
        config["sendConnectors"] = [
            {"name": "Next", "addressSpaces": ["*"], "smartHosts": [first.host], "tls": "none"},
            {"name": "Backup", "addressSpaces": ["*"], "cost": 9, "smartHosts": [second.host], "tls": "none"},
        ]

    gateway = own(change=change).start()
    client = gateway.ready_client()
    sent = [client.send() for _ in range(3)]
    for one in sent:
        message = client.until(one.id, "relayed", within=15)
        assert message["recipients"][0]["route"] == "Backup"
    assert first.taken == []


def test_the_lane_of_a_connector_is_the_lane_of_its_mail(own, sink):
    hop = sink(lambda stage, argument, session: "450 4.2.1 Busy" if stage == "rcpt" else None)
    gateway = own(hop.port)
    gateway.connector("Default Frontend")["lane"] = "low"
    gateway.write()
    gateway.start()
    with Session(gateway.smtp) as peer:
        peer.envelope("scanner@corp.example", "b@corp.example")
        peer.data(b"Subject: scan\r\nImportance: high\r\nX-Priority: 1\r\n\r\nx\r\n.\r\n")
    gateway.ready_client().send(priority="critical")
    eventually(lambda: gateway.admin.get("/v1/queue").json()["data"].__len__() == 2, what="both in the queue")
    assert {line["lane"] for line in gateway.admin.get("/v1/queue").json()["data"]} == {"low", "critical"}


def test_check_names_a_lane_that_is_none(own):
    gateway = own()
    gateway.connector("Default Frontend")["lane"] = "urgent"
    gateway.write()
    ran = gateway.run("check")
    assert ran.status == EXIT_CONFIGURATION and '"critical", "high", "normal", "low"' in ran.all
