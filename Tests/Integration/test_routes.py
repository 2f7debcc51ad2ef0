"""Which route a mail takes, what it looks like there, and how many connections it gets."""

import threading
import time

import pytest

from peers import Close
from postern import Session


def routes(*listed):
    def change(config):
        config["sendConnectors"] = [
            {"name": f"R{number}", "addressSpaces": ["*"], "tls": "none"} | route
            for number, route in enumerate(listed)
        ]

    return change


def test_a_route_that_is_too_small_is_passed_over_and_where_all_are_the_size_is_at_fault(own, sink):
    small, large = sink(), sink()
    change = routes(
        {"smartHosts": [small.host], "limits": {"messageSize": "20KB"}},
        {"smartHosts": [large.host], "cost": 50, "limits": {"messageSize": "200KB"}},
    )
    gateway = own(change=change).start()
    client = gateway.ready_client()
    for size, hop in [(1_000, small), (50_000, large)]:
        client.send(text="x" * 70 + "\n" + ("y" * 70 + "\n") * (size // 71), headers={"Prefer": "wait=10"})
        assert hop.wait(1)
    assert len(small.taken) == len(large.taken) == 1
    assert client.send(text=("y" * 70 + "\n") * 5000).status == 413
    with Session(gateway.smtp) as peer:
        peer.say("EHLO device")
        assert peer.say("MAIL FROM:<device@corp.example> SIZE=500000").startswith("552 5.3.4")
        # One that says nothing about its size is found out at the end.
        assert peer.say("MAIL FROM:<device@corp.example>").startswith("250")
        assert peer.say("RCPT TO:<ops@corp.example>").startswith("250")
        body = "Subject: x\r\n\r\n" + ("y" * 70 + "\r\n") * 700 + ".\r\n"
        assert peer.data(body.encode()).startswith("250")
    assert len(large.wait(2)) == 2 and len(small.taken) == 1


def test_sources_choose_the_route_and_specificity_counts_before_cost(own, sink):
    printers, cheap, exact = sink(), sink(), sink()
    change = routes(
        {"smartHosts": [printers.host], "sources": ["Printers"], "addressSpaces": ["*.corp.example"]},
        {"smartHosts": [cheap.host], "cost": 1},
        {"smartHosts": [exact.host], "cost": 100, "addressSpaces": ["corp.example"], "sources": ["Default Frontend"]},
    )
    gateway = own(change=change).start()
    for source, hop in [("127.0.0.7", printers), ("127.0.0.8", exact)]:
        with Session(gateway.smtp, source=source) as peer:
            peer.envelope("device@corp.example", "ops@corp.example")
            peer.data(b"Subject: x\r\n\r\nx\r\n.\r\n")
        hop.wait(1)
    assert gateway.ready_client().send(headers={"Prefer": "wait=10"}).json()["recipients"][0]["route"] == "R1"
    assert [len(hop.taken) for hop in (printers, cheap, exact)] == [1, 1, 1]


def test_recipients_are_split_to_what_the_route_allows(own, sink):
    hop = sink()
    gateway = own(change=routes({"smartHosts": [hop.host], "limits": {"recipientsPerMessage": 3}})).start()
    people = [f"r{n}@corp.example" for n in range(10)]
    answer = gateway.ready_client().send(to=people, headers={"Prefer": "wait=10"})
    assert answer.json()["status"] == "relayed"
    assert sorted(len(mail.recipients) for mail in hop.taken) == [1, 3, 3, 3]
    assert sorted(person for mail in hop.taken for person in mail.recipients) == sorted(people)


def test_a_rewritten_sender_is_the_routes_own_and_the_original_is_answered(own, sink):
    rewriting, plain = sink(), sink()
    change = routes(
        {"smartHosts": [rewriting.host], "rewriteSender": "relay@corp.example"},
        {"smartHosts": [plain.host], "addressSpaces": ["*.lab.example"]},
    )
    gateway = own(change=change).start()
    client = gateway.ready_client()
    large = [{"filename": "a.bin", "content": "QUJD" * 100_000}]
    answer = client.send(
        from_="Nightly Backup <backup@corp.example>",
        to=["ops@corp.example", "ops@x.lab.example"],
        attachments=large,
        headers={"Prefer": "wait=10"},
    )
    assert answer.json()["status"] == "relayed"
    mail = rewriting.taken[0]
    assert mail.sender == "relay@corp.example"
    assert str(mail.mail["From"]) == "Nightly Backup <relay@corp.example>"
    assert str(mail.mail["Reply-To"]) == "Nightly Backup <backup@corp.example>"
    assert mail.mail.get_content_maintype() == "multipart" and len(mail.octets) > 400_000
    untouched = plain.taken[0]
    assert untouched.sender == "backup@corp.example" and untouched.mail["Reply-To"] is None
    with Session(gateway.smtp) as peer:
        peer.envelope("", "ops@corp.example")
        peer.data(b"From: postmaster@corp.example\r\nReply-To: desk@corp.example\r\nSubject: r\r\n\r\nx\r\n.\r\n")
    report = rewriting.wait(2)[1]
    assert report.sender == "", "the null sender stays null"
    assert str(report.mail["Reply-To"]) == "desk@corp.example"


@pytest.mark.parametrize("value", ["nobody", "a b@corp.example", ""])
def test_a_rewritten_sender_has_to_be_an_address(own, value):
    ran = own(change=routes({"delivery": "capture", "rewriteSender": value})).run("check")
    assert ran.status == 78 and "rewriteSender" in ran.all


def test_a_connectors_rewritten_sender_is_kept_and_the_original_is_answered(own, sink):
    hop = sink()

    def change(config):
        routes({"smartHosts": [hop.host]})(config)
        for connector in config["receiveConnectors"]:
            if connector["name"] in ("Default Frontend", "HTTP API"):
                connector["rewriteSender"] = "relay@corp.example"

    gateway = own(change=change).start()
    body = b"line\r\n" * 20_000
    with Session(gateway.smtp) as peer:
        peer.envelope("ups@odd.example", "ops@corp.example")
        head = b"From: UPS 7 <ups@odd.example>\r\nSender: root@odd.example\r\nSubject: low\r\n\r\n"
        reply = peer.data(head + body + b".\r\n")
        assert reply.startswith("250"), reply
        (mail,) = hop.wait(1)
        assert mail.sender == "relay@corp.example"
        assert str(mail.mail["From"]) == "UPS 7 <relay@corp.example>"
        assert str(mail.mail["Reply-To"]) == "UPS 7 <ups@odd.example>"
        assert mail.mail["Sender"] is None
        assert mail.octets.partition(b"\r\n\r\n")[2] == body
        assert mail.mail["Received"] and mail.mail["Subject"] == "low"
        # No From at all; then the null sender, who stays null.
        peer.envelope("ups@odd.example", "ops@corp.example")
        peer.data(b"Subject: bare\r\n\r\nx\r\n.\r\n")
        bare = hop.wait(2)[1]
        assert (str(bare.mail["From"]), str(bare.mail["Reply-To"])) == ("relay@corp.example", "ups@odd.example")
        peer.envelope("", "ops@corp.example")
        peer.data(b"From: ups@odd.example\r\nReply-To: desk@odd.example\r\nSubject: r\r\n\r\nx\r\n.\r\n")
        report = hop.wait(3)[2]
        assert report.sender == "" and str(report.mail["Reply-To"]) == "desk@odd.example"
    client = gateway.ready_client()
    answer = client.send(from_="Backup <backup@corp.example>", headers={"Prefer": "wait=10"})
    assert (answer.json()["status"], answer.json()["from"]) == ("relayed", "relay@corp.example")
    assert str(hop.taken[3].mail["Reply-To"]) == "Backup <backup@corp.example>"
    with Session(gateway.smtp, source="127.0.0.7") as printer:
        printer.envelope("ups@odd.example", "ops@corp.example")
        printer.data(b"From: ups@odd.example\r\n\r\nx\r\n.\r\n")
        assert hop.wait(5)[4].sender == "ups@odd.example", "another connector rewrites nothing"
    told = gateway.ask("explain", "--from", "ups@odd.example", "--to", "ops@corp.example", "--port", gateway.smtp)
    findings = [rule["finding"] for rule in told["rules"] if rule["name"] == "sender"]
    assert findings[-1] == "Default Frontend rewrites the sender to relay@corp.example"


@pytest.mark.parametrize("value", ["nobody", "a b@corp.example", ""])
def test_a_connectors_rewritten_sender_has_to_be_an_address(own, value):
    def change(config):
        config["receiveConnectors"][1]["rewriteSender"] = value

    ran = own(change=change).run("check")
    assert ran.status == 78 and "rewriteSender" in ran.all


# --- connections ------------------------------------------------------------------------------------------------------


class Crowded:
    """A host that bears so many conversations at once, and no more."""

    def __init__(self, most, pause=0.02):
        self.most, self.pause, self.open, self.highest = most, pause, 0, 0
        self.lock = threading.Lock()
        self.inside = set()

    def __call__(self, stage, argument, session):
        if stage == "connect":
            with self.lock:
                if len(self.inside) >= self.most:
                    return "421 4.7.0 Too many connections"
                self.inside.add(session)
                self.highest = max(self.highest, len(self.inside))
            run = session.line

            def leaving():
                line = run()
                if line is None or line.upper().startswith("QUIT"):
                    with self.lock:
                        self.inside.discard(session)
                return line

            session.line = leaving
        if stage == "dot":
            time.sleep(self.pause)
        return None


def test_a_host_that_bears_few_connections_gets_no_more_and_nothing_is_deferred_for_it(own, sink):
    crowd = Crowded(2)
    hop = sink(crowd)
    gateway = own(change=routes({"smartHosts": [hop.host]})).start()
    client = gateway.ready_client()
    mails = [{"from": "a@corp.example", "to": "b@corp.example", "text": "x"}] * 60
    sent = client.post("/v1/messages/batch", {"messages": mails}).json()["data"]
    hop.wait(60, within=20)
    assert len(hop.taken) == 60 and crowd.highest == 2
    deferred = [one for one in sent if "message.deferred" in " ".join(client.events(one["id"]))]
    assert len(deferred) <= 2, "a busy host is no trouble of the mail's"


def test_connections_grow_to_the_routes_limit_and_no_further(own, sink):
    crowd = Crowded(1000, pause=0.05)
    hop = sink(crowd)
    gateway = own(change=routes({"smartHosts": [hop.host], "limits": {"connections": 12}})).start()
    mails = [{"from": "a@corp.example", "to": "b@corp.example", "text": "x"}] * 200
    gateway.ready_client().post("/v1/messages/batch", {"messages": mails})
    hop.wait(200, within=20)
    assert 8 <= crowd.highest <= 12


def test_a_dead_host_is_not_tried_for_each_mail(own, sink):
    def script(stage, argument, session):
        if stage == "connect":
            raise Close

    first, second = sink(script), sink()
    gateway = own(change=routes({"smartHosts": [first.host, second.host]})).start()
    client = gateway.ready_client()
    for _ in range(40):
        client.send()
    second.wait(40)
    assert first.connections <= 8, "the others went on where it works"


def test_chunks_are_used_where_they_are_offered(own, sink):
    hop = sink(extensions=("PIPELINING", "8BITMIME", "CHUNKING"))
    gateway = own(hop.port).start()
    client = gateway.ready_client()
    large = [{"filename": "a.bin", "content": "QUJD" * 500_000}]
    for attachments in (None, large):
        assert client.send(attachments=attachments, headers={"Prefer": "wait=10"}).json()["status"] == "relayed"
    assert hop.count("data") == 0 and hop.count("chunk") >= 4
    assert len(hop.taken[1].octets) > 2_000_000
    assert hop.taken[1].mail.get_body(("plain",)).get_content().strip() == "Test."
