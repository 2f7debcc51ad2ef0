"""What stands in a mail: what the door takes of it, and in which form next hops of other makes receive it."""

import email
import email.policy
import itertools
import re
import smtplib
import ssl
from pathlib import Path

import pytest

from peers import Sink, eventually, free_port
from postern import HOSTNAME, Gateway, Session, marker

QUEUED = re.compile(r"250 2\.6\.0 <[^>]+> \[InternalId=(msg_\w+), Hostname=\S+\] Queued mail for delivery")
HOPS = {
    "old": ("PIPELINING",),
    "eight": ("PIPELINING", "8BITMIME", "DSN"),
    "utf": ("PIPELINING", "8BITMIME", "SMTPUTF8"),
    "binary": ("PIPELINING", "8BITMIME", "CHUNKING", "BINARYMIME", "DSN"),
}


@pytest.fixture(scope="module")
def hops():
    sinks = {name: Sink(extensions=extensions) for name, extensions in HOPS.items()}
    yield sinks
    for sink in sinks.values():
        sink.stop()


@pytest.fixture(scope="module")
def relay(hops, tmp_path_factory, authority):
    """A gateway with a next hop of each make: old.example, eight.example …"""
    def change(config):
        config["acceptedDomains"] += [{"domain": f"{name}.example"} for name in hops]
        config["sendConnectors"] = [
            {"name": name, "addressSpaces": [f"{name}.example"], "smartHosts": [sink.host], "tls": "none"}
            for name, sink in hops.items()
        ]

    made = Gateway(tmp_path_factory.mktemp("content"), authority, 1, change)
    try:
        yield made.start()
    finally:
        made.shut()


class Sender:
    def __init__(self, gateway, hop, sink, parameters="", recipient="b", wish=""):
        self.gateway, self.sink = gateway, sink
        self.envelope = [f"MAIL FROM:<a@corp.example> {parameters}", f"RCPT TO:<{recipient}@{hop}.example> {wish}"]

    def _begin(self, peer):
        peer.say("EHLO x")
        for line in self.envelope:
            reply = peer.say(line.strip())
            assert reply.startswith("250"), reply

    def data(self, octets: bytes):
        with Session(self.gateway.smtp) as peer:
            self._begin(peer)
            assert peer.say("DATA").startswith("354")
            peer.send(octets)
            return self._taken(peer.reply())

    def chunks(self, *chunks: bytes):
        with Session(self.gateway.smtp) as peer:
            self._begin(peer)
            for index, chunk in enumerate(chunks):
                last = " LAST" if index == len(chunks) - 1 else ""
                peer.send(f"BDAT {len(chunk)}{last}\r\n".encode() + chunk)
            for chunk in chunks[:-1]:
                assert peer.reply() == f"250 2.0.0 {len(chunk)} octets received"
            return self._taken(peer.reply())

    def _taken(self, reply):
        """The transaction in which the next hop received it."""
        identifier = QUEUED.match(reply)
        assert identifier, reply
        message = self.gateway.admin.until(identifier.group(1))
        assert message["status"] == "relayed", message
        needle = identifier.group(1).encode()
        return next(taken for taken in self.sink.taken if needle in taken.octets)


@pytest.fixture
def sender(relay, hops):
    return lambda hop, *args, **more: Sender(relay, hop, hops[hop], *args, **more)


def judge(taken, eight=False):
    """What every next hop may expect of the lines it gets."""
    assert max(map(len, taken.octets.split(b"\r\n"))) <= 998
    rest = taken.octets.replace(b"\r\n", b"")
    assert b"\n" not in rest and b"\r" not in rest
    assert eight or taken.octets.isascii()
    return email.message_from_bytes(taken.octets, policy=email.policy.default)


RICH = (
    "From: Jürgen <a@corp.example>\r\nSubject: Grüße {}\r\nMIME-Version: 1.0\r\n"
    'Content-Type: multipart/mixed; boundary="b 1"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'
    "preamble\r\n--b 1\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    "Grüße an 你好 = alle\r\n.\r\n\r\n--b 1\r\nContent-Type: text/plain\r\n\r\nascii\r\n--b 1\r\n"
    'Content-Type: application/pdf; name="Übersicht.pdf"\r\nContent-Disposition: attachment; filename="Übersicht.pdf"\r\n'
    "Content-Transfer-Encoding: 8bit\r\n\r\n%PDF äöüäöü\r\n--b 1\r\nContent-Type: message/rfc822\r\n\r\n"
    "Subject: innen ä\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>ä {}</p>\r\n--b 1--\r\n"
)


def read(mail):
    leaves = [part for part in mail.walk() if not part.is_multipart()]
    return [(leaf.get_content_type(), leaf.get_payload(decode=True), leaf.get_filename()) for leaf in leaves]


def test_an_eight_bit_mail_reads_the_same_behind_a_next_hop_that_takes_seven(sender):
    word, long = marker(), "x" * 3000
    octets = RICH.format(word, long).encode().replace(b"\r\n.\r\n", b"\r\n..\r\n") + b".\r\n"
    taken = sender("old", "BODY=8BITMIME").data(octets)
    assert taken.parameters == ""
    mail = judge(taken)
    assert mail["Subject"] == f"Grüße {word}"
    assert mail["From"].addresses[0].display_name == "Jürgen"
    assert not [part.defects for part in mail.walk() if part.defects]
    text, plain, pdf, inner = read(mail)
    assert text == ("text/plain", "Grüße an 你好 = alle\r\n.\r\n".encode(), None)
    assert plain == ("text/plain", b"ascii", None)
    assert pdf == ("application/pdf", "%PDF äöüäöü".encode(), "Übersicht.pdf")
    assert inner == ("text/html", f"<p>ä {long}</p>".encode(), None)
    message = next(part for part in mail.walk() if part.get_content_type() == "message/rfc822")
    assert message.get_content()["Subject"] == "innen ä"


def test_it_goes_as_it_is_to_one_with_8bitmime_but_for_its_long_lines(sender):
    word = marker()
    stuffed = RICH.format(word, "short").replace("\r\n.\r\n", "\r\n..\r\n").encode()
    taken = sender("eight", "BODY=8BITMIME").data(stuffed + b".\r\n")
    assert taken.parameters == "BODY=8BITMIME"
    judge(taken, eight=True)
    assert RICH.format(word, "short").partition("preamble")[2].encode() in taken.octets
    taken = sender("eight").data(f"Subject: {word}\r\nX-Long: {'word ' * 400}\r\n\r\n{'y' * 1500}ä\r\n.\r\n".encode())
    mail = judge(taken, eight=True)
    assert mail.get_payload(decode=True) == b"y" * 1500 + "ä\r\n".encode()
    assert mail["X-Long"].split() == ["word"] * 400


def test_a_device_that_knows_no_mime_is_understood(sender):
    mail = judge(sender("old").data("Subject: Störung\r\n\r\nPapier fehlt: Fach ä\r\n.\r\n".encode()))
    assert (mail["Subject"], mail.get_content()) == ("Störung", "Papier fehlt: Fach ä\n".replace("\n", "\r\n"))
    assert mail["MIME-Version"] == "1.0"


def test_a_whole_mail_over_http_is_encoded_alike(relay, hops):
    word = marker()
    client = relay.ready_client("--scope", "messages:send", "--scope", "messages:read")
    octets = f"From: a@corp.example\nSubject: Grüße {word}\n\nFach ä\n{'x' * 2000}\n".encode()
    target = "/v1/messages?from=a@corp.example&to=b@old.example"
    answer = client.request("POST", target, octets, {"Content-Type": "message/rfc822"})
    assert answer.status == 202
    client.until(answer.id, "relayed")
    mail = judge(next(taken for taken in hops["old"].taken if answer.id.encode() in taken.octets))
    assert mail["Subject"] == f"Grüße {word}"
    assert mail.get_payload(decode=True).decode().split() == ["Fach", "ä", "x" * 2000]


def test_a_mail_in_chunks_is_the_mail_however_it_was_cut(sender):
    content = b"Subject: chunks\r\n\r\n.\r\nMAIL FROM:<evil@corp.example>\r\n.\r\n\r\nend\r\n"
    for size in (1, 7, 19, len(content)):
        taken = sender("eight").chunks(*[content[at : at + size] for at in range(0, len(content), size)], b"")
        assert taken.octets.endswith(b"\r\n\r\n" + content.partition(b"\r\n\r\n")[2])


def test_a_large_mail_is_encoded_without_being_held_in_memory(relay, hops, sender):
    def peak():
        status = Path(f"/proc/{relay.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) / 1024

    line = "Grüße an alle, und noch etwas mehr, damit es eine lange Zeile wird. ".encode() + b"\r\n"
    body = line * (24_000_000 // len(line))
    # What the store and the network take of a mail that goes as it is.
    plain = body.decode().replace("ü", "u").replace("ß", "s").encode()
    sender("old").data(b"Subject: plain\r\n\r\n" + plain + b".\r\n")
    before = peak()
    taken = sender("old").data(b"Subject: large\r\n\r\n" + body + b".\r\n")
    assert peak() - before < 16, "MB, for a mail of 24"
    assert judge(taken).get_payload(decode=True) == body


BINARY = bytes(range(256)) * 40 + b"\n.\n\r.\r\r\n.\r\n\x00"


def binary(word: str) -> bytes:
    return (
        f"Subject: {word}\r\nMIME-Version: 1.0\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    ).encode() + BINARY


def test_binary_content_is_kept_octet_for_octet(sender):
    taken = sender("binary", "BODY=BINARYMIME").chunks(binary(marker())[:100], binary(marker())[100:])
    assert taken.parameters == "BODY=BINARYMIME"
    assert taken.octets.partition(b"\r\n\r\n")[2] == BINARY


@pytest.mark.parametrize("hop", ["old", "eight"])
def test_binary_content_is_encoded_for_who_does_not_take_it(sender, hop):
    taken = sender(hop, "BODY=BINARYMIME").chunks(binary(marker()))
    mail = judge(taken)
    assert (mail["Content-Transfer-Encoding"], mail.get_payload(decode=True)) == ("base64", BINARY)


SLOPPY = {
    "From: printer": ("printer", "a@corp.example"),
    'From: "Ricoh MP C307"': ("Ricoh MP C307", "a@corp.example"),
    "From: root (Cron Daemon)": ("root (Cron Daemon)", "a@corp.example"),
    "From: Scan to Mail <scanner>": ("Scan to Mail <scanner>", "a@corp.example"),
    "From: Müller, Hans <hans@corp.example>": ("Müller, Hans", "hans@corp.example"),
    "From: <>": ("", "a@corp.example"),
    "From: UPS <ups@corp.example>\r\nSender: ups": ("UPS", "ups@corp.example"),
}


@pytest.mark.parametrize("header", SLOPPY)
def test_a_device_that_names_no_address_in_from_is_shown_by_that_name(relay, sender, header):
    mail = judge(sender("old").data(header.encode() + b"\r\nSubject: x\r\n\r\nx\r\n.\r\n"))
    [author] = mail["From"].addresses
    assert (author.display_name, author.addr_spec) == SLOPPY[header]
    assert mail["Sender"] is None


def test_what_names_no_author_is_refused_where_not_everybody_may_be_one(own):
    gateway = own(free_port(), lambda config: config["receiveConnectors"][1].update(
        withoutRights=["acceptAuthoritativeDomainSender"])).start()
    with Session(gateway.smtp) as peer:
        peer.envelope("a@other.example", "b@corp.example")
        refusal = "550 5.6.0 Message has an invalid From or Sender field"
        assert peer.data(b"From: boss@corp.example:;\r\n\r\nx\r\n.\r\n") == refusal


@pytest.mark.parametrize("hop", ["old", "eight"])
def test_content_with_nul_is_binary_whatever_the_client_says_of_it(sender, hop):
    taken = sender(hop).data(b"Subject: a\x00b\r\n\r\nnul\x00body\r\n.\r\n")
    assert b"\0" not in taken.octets
    mail = judge(taken)
    assert (mail["Subject"], mail.get_payload(decode=True)) == ("ab", b"nul\x00body\r\n")


@pytest.mark.parametrize("hop", HOPS)
def test_a_bare_return_in_the_header_of_binary_mail_ends_its_line_for_us_too(sender, hop):
    trick = b"Subject: Payroll\rFrom: ceo@corp.example\rBcc: hid@corp.example\r\rPlease pay.\r\n\r\nreal body\r\n"
    mail = judge(sender(hop, "BODY=BINARYMIME").chunks(trick))
    assert (mail["From"], mail["Subject"], mail["Bcc"]) == ("ceo@corp.example", "Payroll", None)
    assert mail.get_payload(decode=True) == b"Please pay.\r\n\r\nreal body\r\n"


def test_a_bare_return_hides_no_author_from_the_sender_rule(own):
    gateway = own(free_port(), lambda config: config["receiveConnectors"][1].update(
        withoutRights=["acceptAuthoritativeDomainSender"])).start()
    with Session(gateway.smtp) as peer:
        peer.say("EHLO x")
        assert peer.say("MAIL FROM:<ok@other.example> BODY=BINARYMIME").startswith("250")
        assert peer.say("RCPT TO:<b@corp.example>").startswith("250")
        trick = b"Subject: Payroll\rFrom: ceo@corp.example\r\rPlease pay.\r\n"
        peer.send(b"BDAT %d LAST\r\n" % len(trick) + trick)
        assert peer.reply().startswith("550 5.7.60")


def test_what_the_sender_wants_to_hear_reaches_a_next_hop_that_offers_dsn(sender):
    wish = "NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Anna+2BB@corp.example"
    given = "RET=HDRS ENVID=QQ+2B314"
    taken = sender("eight", given, wish=wish).data(b"Subject: x\r\n\r\nx\r\n.\r\n")
    assert (taken.parameters, taken.wishes) == (given, [wish])
    taken = sender("old", given, wish=wish).data(b"Subject: x\r\n\r\nx\r\n.\r\n")
    assert (taken.parameters, taken.wishes) == ("", [""])


def test_mail_that_needs_smtputf8_is_not_given_to_who_lacks_it(relay, sender):
    octets = "Subject: Grüße\r\n\r\nx\r\n.\r\n".encode()
    taken = sender("utf", "SMTPUTF8 BODY=8BITMIME", recipient="jürgen").data(octets)
    assert taken.parameters == "BODY=8BITMIME SMTPUTF8" and taken.recipients == ["jürgen@utf.example"]
    # Where only the header is international, it is written as ASCII for the others.
    mail = judge(sender("eight", "SMTPUTF8").data(octets))
    assert mail["Subject"] == "Grüße"
    with Session(relay.smtp) as peer:
        peer.say("EHLO x")
        peer.say("MAIL FROM:<a@corp.example> SMTPUTF8")
        assert peer.say("RCPT TO:<jürgen@eight.example>").startswith("250")
        identifier = QUEUED.match(peer.data(octets)).group(1)
    message = relay.admin.until(identifier)
    assert message["status"] == "failed"
    assert message["recipients"][0]["last_reply"]["enhanced"] == "5.6.7"


@pytest.mark.parametrize("form", ["json", "raw"])
def test_an_address_beyond_ascii_in_the_header_alone_asks_for_smtputf8_too(relay, hops, form):
    client = relay.client(relay.app("--relay", "external", "--sender", "*@corp.example"))

    def post(hop):
        if form == "json":
            return client.send(to=f"b@{hop}.example", reply_to="jürgen@corp.example")
        mail = f"From: a@corp.example\r\nTo: b@{hop}.example\r\nCc: jürgen@corp.example\r\n\r\nx\r\n".encode()
        return client.request(
            "POST", f"/v1/messages?to=b@{hop}.example", mail, {"Content-Type": "message/rfc822"}
        )

    before = len(hops["utf"].taken)
    relay.admin.until(post("utf").json()["id"], "relayed")
    [taken] = hops["utf"].taken[before:]
    assert taken.parameters == "BODY=8BITMIME SMTPUTF8" and "jürgen@corp.example".encode() in taken.octets
    message = relay.admin.until(post("eight").json()["id"], "failed", "relayed")
    assert message["recipients"][0]["last_reply"]["enhanced"] == "5.6.7"


ENDS = [b"\n", b"\r", b"\r\n", b"\r\r\n", b"\n\r", b"\0\r\n", b"\r\0\n", b"\r\n\0"]
TRICKS = [b + b"." + a for b, a in itertools.product(ENDS, ENDS) if b"\r\n.\r\n" not in b + b"." + a]


@pytest.mark.parametrize("with_nul", [False, True], ids=["lines", "with NUL"])
@pytest.mark.parametrize("hop", ["old", "eight"])
def test_nothing_that_is_smuggled_reaches_the_next_hop_as_a_mail(relay, hops, sender, hop, with_nul):
    tricks = [trick for trick in TRICKS if with_nul or b"\0" not in trick]
    evil = b"MAIL FROM:<evil@corp.example>\r\nRCPT TO:<victim@%s.example>\r\nDATA\r\nSubject: evil\r\n\r\n" % hop.encode()
    content = b"Subject: tricks\r\n\r\nx" + b"".join(trick + evil for trick in tricks)
    before = len(hops[hop].taken)
    octets = sender(hop).data(content + b"\r\n.\r\n").octets
    stays = email.message_from_bytes(octets).get_payload(decode=True)
    assert stays.count(b"<evil@corp.example>") == len(tricks), "it stays content"
    assert len(hops[hop].taken) == before + 1
    assert not [taken for taken in hops[hop].taken if taken.sender != "a@corp.example"]
    rest = octets.replace(b"\r\n", b"")
    assert b"\r" not in rest and b"\n" not in rest


@pytest.mark.parametrize("trick", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\r\n\0.\r\n"])
def test_a_trick_is_none_wherever_the_network_cuts_it(relay, trick):
    for cut in range(len(trick) + 1):
        with Session(relay.smtp) as peer:
            peer.peer.setsockopt(6, 1, 1)  # TCP_NODELAY: the cut arrives as one
            peer.envelope("a@corp.example", "b@old.example")
            peer.say("DATA")
            peer.send(b"Subject: x\r\n\r\nx" + trick[:cut])
            peer.send(trick[cut:] + b"MAIL FROM:<evil@corp.example>\r\n.\r\n")
            assert QUEUED.match(peer.reply())
            assert peer.say("NOOP") == "250 2.0.0 OK", "one reply for one mail"


def test_a_mail_of_exactly_the_size_that_was_shown_is_taken(own, sink):
    hop = sink()

    def small(config):
        config["receiveConnectors"][1]["limits"]["messageSize"] = "64KB"
        config["sendConnectors"][0]["limits"] = {"messageSize": "64KB"}

    gateway = own(hop.host, small).start()
    head = b"Subject: x\r\n\r\n"
    for octets, expected in ((65536, "250 2.6.0"), (65537, "552 5.3.4")):
        content = head + (b"y" * 76 + b"\r\n") * 800
        content += b"z" * 200 + b"\r\n"
        content += b"z" * 900 + b"\r\n"
        content += (b"z" * 998 + b"\r\n") * 2
        content += b"z" * (octets - len(content) - 2) + b"\r\n"
        assert len(content) == octets
        with Session(gateway.smtp) as peer:
            assert "SIZE 65536" in peer.say("EHLO x")
            peer.say("MAIL FROM:<a@corp.example>")
            peer.say("RCPT TO:<b@corp.example>")
            assert peer.data(content + b".\r\n").startswith(expected)
        with Session(gateway.smtp) as peer:
            peer.say("EHLO x")
            peer.say("MAIL FROM:<a@corp.example>")
            peer.say("RCPT TO:<b@corp.example>")
            peer.send(f"BDAT {octets} LAST\r\n".encode() + content)
            assert peer.reply().startswith(expected)
    assert len(hop.wait(2)) == 2


def test_the_trace_names_the_message_the_connector_and_tls(relay, hops):
    word = marker()
    with smtplib.SMTP("127.0.0.1", relay.smtp, timeout=15) as peer:
        peer.starttls(context=ssl._create_unverified_context())
        peer.sendmail("a@corp.example", ["b@old.example"], f"Subject: {word}\n\nBcc: not a field\n")
    needle = word.encode()
    taken = eventually(lambda: next((t for t in hops["old"].taken if needle in t.octets), None))
    received = taken.mail.get_all("Received")[0]
    assert re.search(r"\bid msg_\w+", received)
    assert f"by {HOSTNAME} (Postern, Default Frontend)" in received
    assert re.search(r"with ESMTPS \(TLSv1\.[23]", received)
    assert taken.mail["From"] == "a@corp.example" and taken.mail["Date"] and taken.mail["Message-ID"]
