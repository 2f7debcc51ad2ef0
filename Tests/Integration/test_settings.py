"""What the configuration says of delivery: what is refused, and what the word "0s" switches off."""

import datetime

import pytest

from postern import EXIT_CONFIGURATION

EXIT_DATA = 65


@pytest.fixture
def check(own, tmp_path):
    """`postern check` of the send connector as changed."""
    secret = tmp_path / "secret"
    secret.write_text("tell nobody")

    def run(**keys):
        keys = {name: str(secret) if value == "SECRET" else value for name, value in keys.items()}
        gateway = own()
        connector = {"name": "Next", "addressSpaces": ["*"], "smartHosts": ["mail.example"]} | keys
        if connector.get("delivery"):
            del connector["smartHosts"]
        gateway.config["sendConnectors"] = [connector]
        gateway.write()
        return gateway.run("check")

    run.logon = {"mechanism": "plain", "username": "u", "passwordFile": str(secret)}
    return run


@pytest.mark.parametrize(
    "keys, place, cure",
    [
        ({"helloName": "two words"}, "helloName", "a host name"),
        ({"helloName": "a.example\r\nMAIL FROM:<x@y.example>"}, "helloName", "a host name"),
        ({"tls": "verified", "caFile": "SECRET"}, "caFile", "no certificate in PEM"),
        ({"tls": "implicit", "delivery": "mx"}, "tls", "smartHosts"),
    ],
)
def test_what_cannot_work_is_refused_at_once(check, keys, place, cure):
    ran = check(**keys)
    assert ran.status == EXIT_CONFIGURATION
    assert f"sendConnectors[0].{place}: " in ran.all and cure in ran.all


def test_no_secret_is_for_every_mail_exchanger(check):
    ran = check(delivery="mx", authentication=check.logon)
    assert ran.status == EXIT_CONFIGURATION
    assert "sendConnectors[0].authentication: " in ran.all and "smartHosts" in ran.all


def test_a_logon_in_the_clear_is_warned_of(check):
    ran = check(tls="none", authentication=check.logon)
    assert ran.status == 0 and 'warning: "Next" logs on to mail.example:25 in the clear' in ran.all
    for good in ({"tls": "required"}, {"tls": "none", "smartHosts": ["127.0.0.1:25", "localhost"]}):
        assert "in the clear" not in check(authentication=check.logon, **good).all


def test_mail_that_never_expires_waits(own, sink):
    refusals = ["451 4.3.0 Later"] * 2
    hop = sink(lambda stage, argument, session: refusals.pop() if stage == "rcpt" and refusals else None)
    settings = {"delivery": {"retry": ["1s"], "expireAfter": "0s"}}
    gateway = own(hop.port, lambda config: config.update(settings)).start()
    client = gateway.ready_client()
    answer = client.send()
    assert client.until(answer.id, "relayed", "expired")["status"] == "relayed"
    assert client.events(answer.id) == ["queued", "deferred", "deferred", "relayed"]


def test_a_listing_of_the_queue_has_all_that_waits(own, sink):
    def script(stage, argument, session):
        if stage == "rcpt" and argument.startswith(("gone", "slow")):
            return "550 5.1.1 Unknown" if argument.startswith("gone") else "451 4.3.0 Later"

    gateway = own(sink(script).port, lambda config: config["delivery"].update(retry=["1h"])).start()
    client = gateway.ready_client()
    both = client.send(to=["gone@corp.example", "slow@corp.example"]).id
    gone = client.send(to="gone@corp.example").id
    client.until(both, "failed")
    client.until(gone, "failed")
    assert [row["id"] for row in gateway.ask("queue", "list")] == [both]
    assert [row["id"] for row in gateway.ask("queue", "list", "--status", "deferred")] == [both]
    assert [row["id"] for row in client.get("/v1/messages?recipient_status=deferred").json()["data"]] == [both]
    assert client.get("/v1/messages?status=deferred").json()["data"] == [], "a message has one status, the worst"
    assert client.get("/v1/messages?recipient_status=lost").status == 422


def test_an_order_to_a_route_that_is_not_there_names_those_that_are(own):
    gateway = own().start()
    ran = gateway.run("route", "suspend", "Nxt")
    assert ran.status == EXIT_DATA and "there is no route Nxt; configured: Next" in ran.all


def test_mail_behind_a_suspended_route_ends_in_its_time(own, sink):
    gateway = own(sink().port).start()
    client = gateway.ready_client()
    gateway.admin.post("/v1/routes/Next/suspend")
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=2)
    answer = client.send(expires_at=end.isoformat().replace("+00:00", "Z"))
    client.until(answer.id, "expired", within=6)
    assert gateway.admin.post("/v1/queue/reroute", {"filter": {}, "to_route": "Next"}).json() == {"count": 0}
