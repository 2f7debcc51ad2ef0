"""Exim as next hop: another mail transport agent's view of what leaves."""

import pytest

from exim import PASSWORD, SIZE, USER, Exim
from peers import eventually
from postern import Gateway, Session, marker

MEMBER = "members@corp.example"


@pytest.fixture(scope="module")
def exim(authority):
    server = Exim(authority.issue("second.test.example", "127.0.0.1"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def dotted(authority):
    """One that knows no CHUNKING: content comes by DATA."""
    server = Exim(authority.issue("dotted.test.example", "127.0.0.1"), chunking=False)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def routed(hop, **more):
    def change(config):
        config["sendConnectors"] = [{"name": "Next", "addressSpaces": ["*"], "smartHosts": [hop.host]} | more]

    return change


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, authority, exim):
    secret = tmp_path_factory.mktemp("secret") / "password"
    secret.write_text(PASSWORD)

    def change(config):
        logons = [
            {
                "name": mechanism,
                "addressSpaces": [f"{mechanism}.lab.example"],
                "smartHosts": [exim.host],
                "tls": "verified",
                "caFile": str(authority.file),
                "authentication": {"mechanism": mechanism, "username": USER, "passwordFile": str(secret)},
            }
            for mechanism in ("plain", "login", "cram-md5")
        ]
        routed(exim)(config)
        config["sendConnectors"] += logons

    made = Gateway(tmp_path_factory.mktemp("exim"), authority, exim.port, change)
    try:
        yield made.start()
    finally:
        made.shut()


def content(word: str, size: int, eight_bit=False) -> bytes:
    """A mail with all that dot stuffing, chunk borders and line ends can go wrong over."""
    line = b"M\xc3\xa4rz " if eight_bit else b"March "
    awkward = [b".", b"..", b".leading", b"", b" ", b"tab\t", b"x" * 990, b"From the start", b"--", b"=3D", line * 20]
    head = [
        b"From: printer@corp.example",
        b"To: ops@corp.example",
        b"Subject: " + word.encode(),
        b"Date: Sun, 22 Nov 2026 12:00:00 +0000",
        b"Message-ID: <" + word.encode() + b"@corp.example>",
    ]
    if eight_bit:
        head += [b"MIME-Version: 1.0", b"Content-Type: text/plain; charset=utf-8", b"Content-Transfer-Encoding: 8bit"]
    body, length, number = [], 0, 0
    while length < size:
        body.append(b"%d %s" % (number, awkward[number % 11]) if number % 3 else awkward[number % 11])
        length += len(body[-1]) + 2
        number += 1
    return b"\r\n".join(head + [b""] + body + [b".", b""])


def stuffed(octets: bytes) -> bytes:
    return octets.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def hand_in(gateway, octets: bytes, *recipients: str, parameters="", wishes="") -> str:
    with Session(gateway.smtp) as session:
        session.say("EHLO printer")
        assert session.say(f"MAIL FROM:<printer@corp.example>{parameters}").startswith("250")
        for recipient in recipients:
            assert session.say(f"RCPT TO:<{recipient}>{wishes}").startswith("250")
        reply = session.data(stuffed(octets))
        assert reply.startswith("250"), reply
        return reply.partition("InternalId=")[2].partition(",")[0]


def body_of(octets: bytes) -> bytes:
    return octets.partition(b"\r\n\r\n")[2]


def is_exact(delivered, sent: bytes) -> bool:
    return body_of(delivered.octets.replace(b"\n", b"\r\n")) == body_of(sent)


def test_content_by_bdat_arrives_octet_for_octet_over_tls(gateway, exim):
    word = marker()
    sent = content(word, 700_000)
    hand_in(gateway, sent, f"{word}@corp.example")
    arrived = exim.one(word)
    assert is_exact(arrived, sent)
    assert (arrived.mail["Subject"], arrived.mail["From"]) == (word, "printer@corp.example")
    assert arrived.sender == "printer@corp.example"
    line = exim.arrival(word)
    assert " K " in line, "the content came by BDAT: " + line
    assert " P=esmtps " in line and " X=TLS1.3" in line
    assert " L. " in line, "commands were pipelined (L- where they were not): " + line


def test_content_by_data_arrives_octet_for_octet(own, dotted):
    gateway = own(change=routed(dotted)).start()
    word = marker()
    sent = content(word, 300_000)
    hand_in(gateway, sent, f"{word}@corp.example")
    assert is_exact(dotted.one(word), sent)
    assert " K " not in dotted.arrival(word)


def test_8bit_content_goes_as_it_is_and_is_declared(gateway, exim):
    word = marker()
    sent = content(word, 3_000, eight_bit=True)
    hand_in(gateway, sent, f"{word}@corp.example", parameters=" BODY=8BITMIME")
    arrived = exim.one(word)
    assert is_exact(arrived, sent)
    assert "März" in arrived.mail.get_content()
    assert " M8S=8 " in exim.arrival(word)


@pytest.mark.parametrize("mechanism", ["plain", "login", "cram-md5"])
def test_it_logs_on_inside_verified_tls(gateway, exim, mechanism):
    word = marker()
    client = gateway.ready_client()
    answer = client.send(to=f"members@{mechanism}.lab.example", subject=word, headers={"Prefer": "wait=10"})
    assert answer.json()["status"] == "relayed", answer.json()
    exim.one(word)
    name = {"plain": "plain", "login": "login", "cram-md5": "cram"}[mechanism]
    assert f"A={name}:{USER} " in exim.log


def test_a_recipient_who_is_refused_fails_alone(gateway, exim):
    word = marker()
    people = [f"a-{word}@corp.example", f"refused-{word}@corp.example", MEMBER, f"b-{word}@corp.example"]
    answer = gateway.ready_client().send(to=people, subject=word, headers={"Prefer": "wait=10"})
    found = {recipient["address"]: recipient for recipient in answer.json()["recipients"]}
    assert [found[who]["status"] for who in people] == ["relayed", "failed", "failed", "relayed"]
    reply = found[people[1]]["last_reply"]
    assert (reply["code"], reply["enhanced"], reply["text"]) == (550, "5.1.1", "Mailbox unknown here")
    assert found[MEMBER]["last_reply"]["enhanced"] == "5.7.1"
    arrived = exim.one(word)
    assert sorted(arrived.recipient.replace(",", " ").split()) == [people[0], people[3]]


def test_a_greylisted_mail_is_taken_once_it_comes_again(gateway, exim):
    word = marker()
    client = gateway.ready_client()
    exim.busy.touch()
    try:
        answer = client.send(to=[f"greylisted-{word}@corp.example", f"{word}@corp.example"], subject=word)
        message = client.until(answer.id, "deferred")
    finally:
        exim.busy.unlink()
    states = {recipient["address"]: recipient["status"] for recipient in message["recipients"]}
    assert states[f"{word}@corp.example"] == "relayed"
    waiting = next(r for r in message["recipients"] if r["status"] == "deferred")
    assert (waiting["last_reply"]["code"], waiting["last_reply"]["enhanced"]) == (451, "4.2.0")
    client.until(answer.id, "relayed")
    arrived = exim.about(word, count=2)
    assert sorted(mail.recipient for mail in arrived) == sorted(states)


def test_what_is_larger_than_it_says_it_takes_is_not_sent(gateway, exim):
    word = marker()
    identifier = hand_in(gateway, content(word, SIZE + 1_000), f"{word}@corp.example")
    message = gateway.admin.until(identifier, "failed")
    assert message["recipients"][0]["last_reply"]["enhanced"] == "5.3.4"
    assert word not in exim.log


def test_its_report_of_success_goes_to_the_sender_and_ours_is_not_made(gateway, exim):
    word = marker()
    wishes = f" NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;first-{word}@corp.example"
    sent = content(word, 500)
    identifier = hand_in(gateway, sent, f"{word}@corp.example", parameters=f" RET=HDRS ENVID=id-{word}", wishes=wishes)
    arrived = exim.about(word, count=2)
    gateway.admin.until(identifier, "relayed")
    (report,) = [mail for mail in arrived if mail.sender == ""]
    assert report.recipient == "printer@corp.example"
    assert "Exim" in report.octets.decode() or "second.test.example" in report.mail["From"]
    status = next(part for part in report.mail.walk() if part.get_content_type() == "message/delivery-status")
    about_mail, about_recipient = status.get_payload()
    assert about_mail["Original-Envelope-ID"] == f"id-{word}"
    assert about_recipient["Original-Recipient"] == f"rfc822;first-{word}@corp.example"
    assert about_recipient["Action"] == "delivered"
    eventually(lambda: exim.log.count("Completed") >= 2)
    assert len([mail for mail in exim.about(word) if mail.sender == ""]) == 1
