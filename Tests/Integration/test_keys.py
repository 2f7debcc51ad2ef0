"""Applications and keys: what a key opens, for how long, from where and how often."""

import re
import smtplib
import ssl
import time
import zlib

import pytest

from peers import eventually
from postern import Client, Session, marker

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def base62(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = DIGITS[digit] + digits
    return digits.rjust(6, "0")


def test_a_key_carries_its_kind_its_public_id_and_a_checksum(gateway):
    app = gateway.app()
    assert re.fullmatch(r"psta_[0-9A-Za-z]{50}", app.key)
    assert app.key[-6:] == base62(zlib.crc32(app.key[:-6].encode()))
    listed = gateway.ask("key", "list", "--app", app.name)
    assert [key["id"].removeprefix("key_") for key in listed] == [app.key[5:17]]
    assert gateway.ask("key", "issue", "--admin")["key"].startswith("pstd_")


@pytest.mark.parametrize("scheme", ["bearer", "basic", "x-api-key"])
def test_a_key_is_taken_in_each_of_its_three_places(gateway, client, scheme):
    assert Client(gateway.http, client.key, scheme=scheme).get("/v1/me").status == 200


def test_two_credentials_that_disagree_are_refused_and_two_that_agree_are_not(gateway, client):
    other = gateway.app().key
    assert client.get("/v1/me", headers={"X-API-Key": other}).status == 401
    assert client.get("/v1/me", headers={"X-API-Key": client.key}).status == 200


def wrong_keys(key: str) -> list[str]:
    flipped = key[:20] + ("A" if key[20] != "A" else "B") + key[21:]
    with_right_sum = flipped[:-6] + base62(zlib.crc32(flipped[:-6].encode()))
    return [flipped, with_right_sum, key[:-1], key + "0", "psta_" + "0" * 50, "nonsense", key.swapcase()]


def test_a_wrong_key_is_401_with_both_challenges(gateway, client):
    for key in wrong_keys(client.key):
        answer = gateway.client(key).get("/v1/me")
        assert (answer.status, answer.code) == (401, "invalid_credentials"), key
    answer = Client(gateway.http).get("/v1/me")
    assert (answer.status, answer.code) == (401, "missing_credentials")


def test_me_tells_who_the_key_is(gateway, client, admin):
    app = gateway.app("--rate", "600/min", "--scope", "messages:read")
    me = gateway.client(app).get("/v1/me").json()
    assert me["application"] == {"id": app.id, "name": app.name}
    assert me["scopes"] == ["messages:read"]
    assert me["limits"]["rate"] == "600/min"
    assert me["limits"]["message_size"] == 36 << 20
    assert me["key"] == "key_" + app.key[5:17]
    boss = admin.get("/v1/me").json()
    assert (boss["kind"], boss["application"]) == ("administrator", None)


def test_without_a_scope_the_default_ones_are_given(gateway):
    scopes = gateway.client(gateway.app()).get("/v1/me").json()["scopes"]
    assert set(scopes) == {"messages:send", "messages:read", "messages:manage", "alerts:ingest", "alerts:read"}


def test_each_scope_opens_its_own_doors_and_no_other(gateway, client):
    sent = client.send().id
    doors = {
        "messages:send": [("POST", "/v1/messages", {"from": "a@corp.example", "to": "b@corp.example", "text": "x"})],
        "messages:read": [("GET", "/v1/messages", None), ("GET", "/v1/queue", None)],
        "messages:content": [("GET", f"/v1/messages/{sent}/source", None)],
        "messages:manage": [("POST", f"/v1/messages/{sent}/retry", None)],
    }
    for scope in doors:
        holder = gateway.ready_client("--scope", scope)
        for other, requests in doors.items():
            for method, target, body in requests:
                answer = holder.request(method, target, json_body=body)
                forbidden = answer.status == 403 and answer.code == "insufficient_scope"
                assert forbidden == (other != scope), f"{scope} at {method} {target}: {answer}"


def test_administration_is_closed_to_applications(client):
    for target in ("/v1/applications", "/v1/connectors", "/v1/domains", "/v1/audit"):
        answer = client.get(target)
        assert (answer.status, answer.code) == (403, "insufficient_scope"), target


def test_an_administrators_key_submits_only_as_an_application(gateway, admin, client, postfix):
    word = marker()
    answer = admin.send(subject=word)
    assert (answer.status, answer.code) == (403, "insufficient_scope")
    app = gateway.app("--sender", "only@corp.example")
    assert admin.send(query=f"?application={app.name}").code == "sender_not_allowed"
    answer = admin.send(query=f"?application={app.name}", subject=word, from_="only@corp.example")
    assert answer.status == 202
    assert postfix.one(word).sender == "only@corp.example"
    assert gateway.client(app).get(f"/v1/messages/{answer.id}").status == 200


def test_a_revoked_key_is_refused_within_a_second_and_its_sister_still_works(gateway):
    app = gateway.app()
    second = gateway.ask("key", "issue", "--app", app.name)["key"]
    eventually(lambda: gateway.client(second).get("/v1/me").status == 200, within=1)
    assert gateway.run("key", "revoke", "key_" + app.key[5:17]).status == 0
    eventually(lambda: gateway.client(app).get("/v1/me").status == 401, within=1)
    assert gateway.client(app).get("/v1/me").code == "invalid_credentials"
    assert gateway.client(second).get("/v1/me").status == 200
    assert gateway.run("key", "revoke", second[5:17]).status == 0, "revoke takes the bare public characters too"
    eventually(lambda: gateway.client(second).get("/v1/me").status == 401, within=1)


def test_a_key_ends_with_its_expiry(gateway):
    app = gateway.app()
    brief = gateway.client(gateway.ask("key", "issue", "--app", app.name, "--expires", "2s")["key"])
    eventually(lambda: brief.get("/v1/me").status == 200, within=1)
    answer = eventually(lambda: (a := brief.get("/v1/me")).status == 401 and a, within=4)
    assert answer.code == "expired_credentials"
    assert gateway.client(app).get("/v1/me").status == 200


def test_rotation_lets_the_old_key_live_through_the_overlap(gateway):
    app = gateway.app()
    new = gateway.client(gateway.ask("key", "rotate", "key_" + app.key[5:17], "--overlap", "2s")["key"])
    eventually(lambda: new.get("/v1/me").status == 200, within=1)
    assert gateway.client(app).get("/v1/me").status == 200
    eventually(lambda: gateway.client(app).get("/v1/me").status == 401, within=4)
    assert new.get("/v1/me").status == 200


def test_a_key_is_bound_to_the_address_ranges_of_its_application(gateway):
    app = gateway.app("--ip", "127.0.0.9", "--ip", "127.0.8.0/24")
    for source, status in [("127.0.0.9", 200), ("127.0.8.77", 200), ("127.0.0.1", 403), ("127.0.9.1", 403)]:
        answer = gateway.client(app, source=source).get("/v1/me")
        assert answer.status == status, source
        if status == 403:
            assert answer.code == "source_address_not_allowed"


def test_a_rate_ends_in_429_that_says_when_to_come_back(gateway):
    app = gateway.app("--rate", "3/min", known=False)
    limited = gateway.client(app)
    eventually(lambda: gateway.client(app.key[:-1]).get("/v1/me").status == 401, within=1)
    answers = [limited.send() for _ in range(5)]
    assert [a.status for a in answers] == [202, 202, 202, 429, 429]
    for answer in answers:
        assert answer.headers["ratelimit-policy"] and answer.headers["ratelimit"]
    refused = answers[-1]
    assert refused.code == "rate_limited" and refused.json()["retryable"] is True
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert gateway.ready_client().send().status == 202, "another application is not slowed"


def test_last_use_is_noted(gateway, admin):
    app = gateway.app()
    gateway.client(app).get("/v1/me")
    eventually(
        lambda: admin.get(f"/v1/applications/{app.id}/keys").json()["data"][0]["last_used_at"],
        within=5,
        what="last_used_at",
    )


def test_an_application_sees_its_own_messages_only(gateway, client):
    sent = client.send().id
    other = gateway.ready_client(
        "--scope", "messages:read", "--scope", "messages:manage", "--scope", "messages:content"
    )
    for target in ("", "/events", "/source"):
        answer = other.get(f"/v1/messages/{sent}{target}")
        assert (answer.status, answer.code) == (404, "not_found"), target
    for verb in ("cancel", "retry"):
        assert other.post(f"/v1/messages/{sent}/{verb}").status == 404, verb
    assert other.get("/v1/messages").json()["data"] == []
    assert gateway.admin.get(f"/v1/messages/{sent}").status == 200


def test_applications_and_keys_are_managed_over_http(gateway, admin):
    name = marker("web")
    made = admin.post(
        "/v1/applications", {"name": name, "relay": "internal", "senders": ["*@corp.example"], "rate": "100/min"}
    )
    assert made.status == 201
    application = made.json()
    assert made.headers["location"] == f"/v1/applications/{application['id']}"
    assert application["senders"] == ["*@corp.example"]
    assert admin.post("/v1/applications", {"name": name}).code == "already_exists"

    issued = admin.post(f"/v1/applications/{name}/keys", {})
    assert issued.status == 201
    key = issued.json()
    assert issued.headers["location"] == f"/v1/applications/{application['id']}/keys/{key['id']}"
    user = gateway.client(key["key"])
    assert user.send().status == 202
    assert user.send(to="x@elsewhere.example").status == 403

    changed = admin.request(
        "PATCH", f"/v1/applications/{application['id']}", json_body={"relay": "external", "rate": None}
    )
    assert (changed.status, changed.json()["relay"], changed.json()["rate"]) == (200, "external", None)
    assert changed.json()["senders"] == ["*@corp.example"], "what a change does not name stays"
    assert user.send(to="x@elsewhere.example").status == 202

    rotated = admin.post(f"/v1/applications/{name}/keys/{key['id']}/rotate", {"overlap": "1h"})
    assert rotated.status == 201
    assert gateway.client(rotated.json()["key"]).get("/v1/me").status == 200
    assert user.get("/v1/me").status == 200
    listed = admin.get(f"/v1/applications/{name}/keys").json()["data"]
    assert {k["id"] for k in listed} >= {key["id"], rotated.json()["id"]}
    assert all("key" not in k for k in listed)

    assert admin.request("DELETE", f"/v1/applications/{name}/keys/{key['id']}").status == 204
    assert user.get("/v1/me").status == 401
    assert admin.request("DELETE", f"/v1/applications/{name}").status == 204
    assert gateway.client(rotated.json()["key"]).get("/v1/me").status == 401
    assert admin.get(f"/v1/applications/{name}").status == 404


def test_a_malformed_application_is_refused_with_pointers(admin):
    answer = admin.post(
        "/v1/applications",
        {"name": marker(), "relay": "sideways", "senders": ["@@"], "scopes": ["messages:fly"], "ip_ranges": ["300.1.1.1"], "rate": "many", "colour": 1},
    )  # fmt: skip
    assert (answer.status, answer.code) == (422, "validation_failed")
    assert set(answer.pointers) == {"/relay", "/senders/0", "/scopes/0", "/ip_ranges/0", "/rate", "/colour"}


def test_no_key_ever_stands_in_the_log(gateway, client):
    client.send()
    for key in wrong_keys(client.key):
        gateway.client(key).get("/v1/me")
    with Session(gateway.submission) as peer:
        peer.say("EHLO x")
        peer.say(f"AUTH PLAIN {client.key}")
    time.sleep(0.3)
    assert client.key not in gateway.log
    assert client.key[17:49] not in gateway.log, "not even its secret part"


def test_a_revoked_key_ends_in_an_open_smtp_session(gateway):
    app = gateway.app()
    trusting = ssl.create_default_context(cafile=str(gateway.authority.file))
    with smtplib.SMTP("127.0.0.1", gateway.submission, timeout=15, local_hostname="tests") as peer:
        peer.starttls(context=trusting)
        peer.login("any", app.key)
        mail = b"Subject: before\r\n\r\nbefore\r\n"
        assert peer.sendmail("a@corp.example", ["ops@corp.example"], mail) == {}
        assert peer.mail("a@corp.example")[0] == 250
        assert peer.rcpt("ops@corp.example")[0] == 250
        gateway.ask("key", "revoke", app.key[5:17])
        assert peer.data(b"Subject: during\r\n\r\nduring\r\n")[0] == 530
        code, text = peer.mail("a@corp.example")
        assert (code, text[:6]) == (530, b"5.7.57")
        # Clients that keep their connections log on again with the key that came after it.
        assert peer.login("any", gateway.app().key)[0] == 235
        assert peer.mail("a@corp.example")[0] == 250


def test_an_application_changed_is_changed_in_an_open_smtp_session(gateway, admin):
    app = gateway.app("--sender", "a@corp.example", "--sender", "b@corp.example")
    trusting = ssl.create_default_context(cafile=str(gateway.authority.file))
    with smtplib.SMTP("127.0.0.1", gateway.submission, timeout=15, local_hostname="tests") as peer:
        peer.starttls(context=trusting)
        peer.login("any", app.key)
        changed = admin.request("PATCH", f"/v1/applications/{app.id}", json_body={"senders": ["b@corp.example"]})
        assert changed.status == 200
        assert peer.mail("a@corp.example")[0] == 550
        assert peer.mail("b@corp.example")[0] == 250
        peer.rset()
        gateway.ask("app", "remove", app.name)
        assert peer.mail("b@corp.example")[0] == 530
