"""What leaves: failover, TLS, logon at the next hop, retries, and connections that are reused."""

import time

import pytest

from peers import Authority, Close, free_port
from postern import Session, marker


def routed(**route):
    def change(config):
        config["sendConnectors"] = [{"name": "Next", "addressSpaces": ["*"], "tls": "none"} | route]

    return change


def says(**replies):
    return lambda stage, argument, session: replies.get(stage)


def test_a_dead_smart_host_is_passed_over_in_order(own, sink):
    second, third = sink(), sink()
    gateway = own(change=routed(smartHosts=[f"127.0.0.1:{free_port()}", second.host, third.host])).start()
    client = gateway.ready_client()
    answer = client.send(headers={"Prefer": "wait=10"})
    assert answer.json()["status"] == "relayed"
    assert len(second.taken) == 1 and third.taken == []
    assert (
        str(second.port) in answer.json()["recipients"][0]["last_reply"]["host"]
        or "127.0.0.1" in (answer.json()["recipients"][0]["last_reply"]["host"])
    )


@pytest.mark.parametrize("stage", ["connect", "hello", "mail"])
def test_a_smart_host_that_does_not_serve_is_passed_over(own, sink, stage):
    first, second = sink(says(**{stage: "421 4.3.2 Not now"})), sink()
    gateway = own(change=routed(smartHosts=[first.host, second.host])).start()
    answer = gateway.ready_client().send(headers={"Prefer": "wait=10"})
    assert answer.json()["status"] == "relayed"
    assert len(second.taken) == 1


def test_a_smart_host_that_hangs_up_is_passed_over(own, sink):
    def dead(stage, argument, session):
        if stage == "hello":
            raise Close

    first, second = sink(dead), sink()
    gateway = own(change=routed(smartHosts=[first.host, second.host])).start()
    assert gateway.ready_client().send(headers={"Prefer": "wait=10"}).json()["status"] == "relayed"


def test_a_permanent_refusal_of_a_recipient_is_final_and_asks_no_second_host(own, sink):
    first, second = sink(says(rcpt="550 5.1.1 Nobody")), sink()
    gateway = own(change=routed(smartHosts=[first.host, second.host])).start()
    answer = gateway.ready_client().send(headers={"Prefer": "wait=10"})
    recipient = answer.json()["recipients"][0]
    assert (recipient["status"], recipient["last_reply"]["code"]) == ("failed", 550)
    assert recipient["last_reply"]["text"].endswith("Nobody")
    assert second.connections == 0
    time.sleep(1.5)
    tried = [argument for stage, argument in first.stages if stage == "rcpt" and argument.startswith("ops@")]
    assert len(tried) == 1, "what failed is not tried again"


@pytest.mark.parametrize(
    "stage, reply", [("rcpt", "450 4.2.1 Busy"), ("data", "451 4.3.0 Later"), ("dot", "452 4.3.1 Full")]
)
def test_a_temporary_refusal_at_any_stage_is_tried_again_until_it_passes(own, sink, stage, reply):
    left = [2]

    def twice(at, argument, session):
        if at == stage and left[0] > 0:
            left[0] -= 1
            return reply

    hop = sink(twice)
    gateway = own(hop.port).start()
    client = gateway.ready_client()
    answer = client.send()
    waiting = client.until(answer.id, "deferred", "relayed")
    if waiting["status"] == "deferred":
        assert waiting["recipients"][0]["last_reply"]["code"] == int(reply[:3])
    message = client.until(answer.id, "relayed", within=15)
    assert message["recipients"][0]["attempts"] == 3
    assert len(hop.taken) == 1
    assert [t.removeprefix("message.") for t in client.events(answer.id)].count("deferred") == 2


def test_retries_follow_the_schedule(own, sink):
    moments = []

    def busy(stage, argument, session):
        if stage == "rcpt":
            moments.append(time.monotonic())
            return "450 4.2.1 Busy"

    gateway = own(sink(busy).port, lambda config: config["delivery"].update(retry=["1s*2", "4s"])).start()
    client = gateway.ready_client()
    answer = client.send()
    deadline = time.monotonic() + 15
    while len(moments) < 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    gaps = [b - a for a, b in zip(moments, moments[1:])]
    assert len(gaps) == 3
    assert 0.5 <= gaps[0] <= 2.5 and 0.5 <= gaps[1] <= 2.5, gaps
    assert 2.5 <= gaps[2] <= 7, gaps
    client.post(f"/v1/messages/{answer.id}/cancel")


def test_each_recipient_has_its_own_fate_in_one_transaction(own, sink):
    def by_name(stage, argument, session):
        if stage == "rcpt":
            return {"bad": "550 5.1.1 Nobody", "late": "450 4.2.1 Busy"}.get(argument.split("@")[0])

    hop = sink(by_name)
    gateway = own(hop.port).start()
    client = gateway.ready_client()
    answer = client.send(to=["good@corp.example", "bad@corp.example", "late@corp.example"])
    client.until(answer.id, "failed")
    states = {r["address"].split("@")[0]: r["status"] for r in client.message(answer.id)["recipients"]}
    assert (states["good"], states["bad"]) == ("relayed", "failed")
    assert states["late"] in ("deferred", "sending", "queued")
    assert hop.taken[0].recipients == ["good@corp.example"]
    assert len(hop.taken) == 1, "the good one is not sent again with the late one"


def test_recipients_of_one_route_share_a_transaction(own, sink):
    hop = sink()
    gateway = own(hop.port).start()
    people = [f"r{n}@corp.example" for n in range(20)]
    gateway.ready_client().send(to=people, headers={"Prefer": "wait=10"})
    assert [sorted(t.recipients) for t in hop.taken] == [sorted(people)]


def test_a_connection_is_reused_while_there_is_a_backlog(own, sink):
    hop = sink()
    gateway = own(change=routed(smartHosts=[hop.host], limits={"connections": 2})).start()
    client = gateway.ready_client()
    answer = client.post(
        "/v1/messages/batch", {"messages": [{"from": "a@corp.example", "to": "b@corp.example", "text": "x"}] * 60}
    )
    assert answer.status == 202
    hop.wait(60)
    assert len(hop.taken) == 60
    assert hop.connections <= 10, f"{hop.connections} connections for 60 messages"


# --- TLS and logon ----------------------------------------------------------------------------------------------------


def test_opportunistic_tls_encrypts_where_it_is_offered_and_not_where_it_is_not(own, sink, authority):
    for certificate, expected in [(authority.issue("hop.test.example"), True), (None, False)]:
        hop = sink(tls=certificate)
        gateway = own(change=routed(smartHosts=[hop.host], tls="opportunistic")).start()
        assert gateway.ready_client().send(headers={"Prefer": "wait=10"}).json()["status"] == "relayed"
        assert (hop.taken[0].tls is not None) == expected


def test_required_tls_never_sends_in_the_clear(own, sink, authority):
    plain, encrypted = sink(), sink(tls=authority.issue("hop.test.example"))
    gateway = own(change=routed(smartHosts=[plain.host], tls="required")).start()
    client = gateway.ready_client()
    answer = client.send()
    message = client.until(answer.id, "deferred")
    assert "TLS" in message["recipients"][0]["last_reply"]["text"].upper()
    assert plain.count("mail") == 0
    both = own(change=routed(smartHosts=[plain.host, encrypted.host], tls="required")).start()
    assert both.ready_client().send(headers={"Prefer": "wait=10"}).json()["status"] == "relayed"
    assert encrypted.taken[0].tls


def test_verified_tls_wants_the_right_authority_and_the_right_name(own, sink, authority, tmp_path):
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other")
    good = sink(tls=authority.issue("hop.test.example", "127.0.0.1"))
    wrong_name = sink(tls=authority.issue("wrong.test.example"))
    wrong_authority = sink(tls=stranger.issue("hop.test.example", "127.0.0.1"))
    for hop, expected in [(good, "relayed"), (wrong_name, "deferred"), (wrong_authority, "deferred")]:
        gateway = own(change=routed(smartHosts=[hop.host], tls="verified", caFile=str(authority.file))).start()
        client = gateway.ready_client()
        assert client.until(client.send().id, "relayed", "deferred")["status"] == expected
        assert (hop.count("mail") > 0) == (expected == "relayed")


def test_postfix_itself_is_spoken_to_in_tls(gateway, client, postfix):
    word = marker()
    client.send(subject=word)
    assert b"using TLSv1." in postfix.one(word).octets


@pytest.mark.parametrize("mechanism", ["plain", "login"])
def test_the_next_hop_is_logged_on_to(own, sink, authority, tmp_path, mechanism):
    hop = sink(tls=authority.issue("hop.test.example", "127.0.0.1"), users={"relay@corp.example": "päss wörd"})
    secret = tmp_path / "password"
    secret.write_text("päss wörd\n")
    logon = {"mechanism": mechanism, "username": "relay@corp.example", "passwordFile": str(secret)}
    gateway = own(
        change=routed(smartHosts=[hop.host], tls="verified", caFile=str(authority.file), authentication=logon)
    ).start()
    assert gateway.ready_client().send(headers={"Prefer": "wait=10"}).json()["status"] == "relayed"
    assert hop.taken[0].user == "relay@corp.example"
    assert ("auth", mechanism.upper()) in hop.stages
    assert "wörd" not in gateway.log


def test_a_refused_logon_is_the_routes_condition_and_loses_no_mail(own, sink, authority, tmp_path):
    users = {"relay": "new"}
    hop = sink(tls=authority.issue("hop.test.example", "127.0.0.1"), users=users)
    secret = tmp_path / "password"
    secret.write_text("old")
    logon = {"mechanism": "plain", "username": "relay", "passwordFile": str(secret)}
    gateway = own(change=routed(smartHosts=[hop.host], tls="required", authentication=logon)).start()
    client = gateway.ready_client()
    answer = client.send()
    message = client.until(answer.id, "deferred", "queued", within=5)
    assert hop.count("mail") == 0
    users["relay"] = "old"
    client.post(f"/v1/messages/{answer.id}/retry")
    message = client.until(answer.id, "relayed")
    assert message["recipients"][0]["last_reply"]["code"] == 250


def test_a_captured_route_delivers_without_sending(own):
    def capture(config):
        config["sendConnectors"] = [{"name": "Kept", "addressSpaces": ["*"], "delivery": "capture"}]

    gateway = own(change=capture).start()
    client = gateway.ready_client("--scope", "messages:send", "--scope", "messages:read", "--scope", "messages:content")
    answer = client.send(subject="Kept", headers={"Prefer": "wait=5"})
    assert answer.json()["status"] == "delivered"
    assert b"Subject: Kept" in client.get(f"/v1/messages/{answer.id}/source").body


def test_the_dot_of_a_line_and_eight_bits_reach_a_hop_that_takes_them(own, sink):
    hop = sink()
    gateway = own(hop.port).start()
    with Session(gateway.smtp) as peer:
        peer.envelope("a@corp.example", "b@corp.example")
        peer.data("Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n..one\r\nü\r\n.\r\n".encode())
    body = hop.wait(1)[0].octets.partition(b"\r\n\r\n")[2]
    assert body == ".one\r\nü\r\n".encode()


def test_an_unreachable_next_hop_defers_with_a_reason_in_words(own):
    gateway = own(next_hop=free_port()).start()
    client = gateway.ready_client()
    message = client.until(client.send().id, "deferred")
    reply = message["recipients"][0]["last_reply"]
    assert reply["code"] == 0 and "refused" in reply["text"].lower(), "nobody answered; the text says why"
