"""Deadlines of applications: what waits too long goes by another route."""

import pytest

from peers import free_port


def two_routes(second):
    def change(config):
        config["delivery"].update(retry=["1h"])
        config["sendConnectors"].append(
            {"name": "Other way", "addressSpaces": ["elsewhere.example"], "smartHosts": [f"127.0.0.1:{second}"]}
        )

    return change


def escalations(client, identifier):
    return [e for e in client.get(f"/v1/messages/{identifier}/events").json()["data"] if e["type"] == "escalated"]


@pytest.mark.parametrize("restarts", [False, True])
def test_mail_that_waits_too_long_goes_by_the_second_route_once(own, sink, restarts):
    good = sink()
    gateway = own(free_port(), two_routes(good.port)).start()
    app = gateway.app("--deliver-within", "1s", "--escalate-route", "Other way")
    shown = gateway.ask("app", "show", app.name)
    assert (shown["deliver_within"], shown["escalate_route"]) == ("1s", "Other way")
    client = gateway.client(app)
    identifier = client.send().id
    client.until(identifier, "deferred")
    if restarts:
        gateway.kill()
        gateway.start()
    message = client.until(identifier, "relayed", within=15)
    assert message["recipients"][0]["route"] == "Other way"
    [event] = escalations(client, identifier)
    assert event["detail"] == {
        "step": "route", "from": "Next", "to": "Other way", "reason": "not delivered within 1s"
    }
    assert len(good.taken) == 1


@pytest.mark.parametrize(
    "fields, at, says",
    [
        ({"deliver_within": "soon"}, "/deliver_within", "10m"),
        ({"deliver_within": "0s"}, "/deliver_within", "at least 1s"),
        ({"deliver_within": "1m", "escalate_route": "Nowhere"}, "/escalate_route", "Next"),
        ({"escalate_route": "Next"}, "/escalate_route", "deliver_within"),
    ],
)
def test_a_deadline_that_cannot_work_is_refused(own, sink, fields, at, says):
    gateway = own(sink().port).start()
    answer = gateway.admin.post("/v1/applications", {"name": "late"} | fields)
    assert (answer.status, answer.pointers) == (422, [at])
    assert says in str(answer.json()["errors"])
