"""The SMTP door, spoken to by smtplib, curl and by hand; test_clients.py brings the other clients."""

import base64
import re
import shutil
import smtplib
import ssl
import subprocess
import time

import pytest

from peers import eventually
from postern import HOSTNAME, Session, marker

QUEUED = re.compile(
    r"^250 2\.6\.0 <([^>]+)> \[InternalId=(msg_[0-9a-z]+), Hostname=relay\.test\.example\] Queued mail for delivery$"
)


@pytest.fixture(scope="module")
def trusting(gateway):
    return ssl.create_default_context(cafile=str(gateway.authority.file))


def mail(word: str, body="x") -> bytes:
    return f"From: printer@corp.example\r\nTo: ops@corp.example\r\nSubject: {word}\r\n\r\n{body}\r\n.\r\n".encode()


def test_the_greeting_and_the_keywords_are_those_of_the_dialect(gateway):
    with Session(gateway.smtp) as peer:
        date = r"\w{3}, \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}"
        assert re.fullmatch(rf"220 {HOSTNAME} Postern ESMTP ready at {date}", peer.greeting)
        lines = peer.say("EHLO printer").split("\n")
        assert lines[0] == f"250-{HOSTNAME} Hello [127.0.0.1]"
        keywords = {line[4:].split(" ")[0] for line in lines[1:]}
        assert {"SIZE", "PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME", "STARTTLS"} <= keywords
        assert "AUTH" not in keywords, "no AUTH in the clear"
        assert next(line for line in lines if "SIZE" in line)[4:] == f"SIZE {36 << 20}"
        assert peer.say("QUIT") == "221 2.0.0 Service closing transmission channel"
        assert peer.reply() == ""


def test_a_printers_mail_is_relayed_and_can_be_followed_by_its_internal_id(gateway, admin, postfix):
    word = marker()
    with Session(gateway.smtp) as peer:
        assert peer.envelope("printer@corp.example", "ops@corp.example") == [
            "250 2.1.0 Sender OK",
            "250 2.1.5 Recipient OK",
        ]
        assert peer.say("DATA") == "354 Start mail input; end with <CRLF>.<CRLF>"
        peer.send(mail(word))
        identifier = QUEUED.match(peer.reply()).group(2)
    message = admin.until(identifier)
    assert (message["status"], message["application"], message["connector"]) == ("relayed", None, "Default Frontend")
    arrived = postfix.one(word)
    assert arrived.sender == "printer@corp.example"
    assert any(HOSTNAME in line and identifier in line for line in arrived.mail.get_all("Received"))


def test_commands_out_of_order_are_told_what_is_missing(gateway):
    with Session(gateway.smtp) as peer:
        assert peer.say("MAIL FROM:<a@corp.example>") == "503 5.5.2 Send hello first"
        peer.say("EHLO x")
        assert peer.say("RCPT TO:<a@corp.example>") == "503 5.5.2 Need mail command"
        assert peer.say("DATA") in ("503 5.5.2 Need mail command", "503 5.5.2 Need rcpt command")
        peer.say("MAIL FROM:<a@corp.example>")
        assert peer.say("DATA") == "503 5.5.2 Need rcpt command"


def test_unknown_and_malformed_commands_are_named_as_such(gateway):
    with Session(gateway.smtp) as peer:
        peer.say("EHLO x")
        assert peer.say("FLY") == "500 5.3.3 Unrecognized command"
        assert peer.say("MAIL").startswith("501 5.5.4")
        assert peer.say("MAIL FROM:<a@corp.example> COLOUR=red").startswith(("501 5.5.4", "555 5.5.4"))
        assert peer.say("NOOP").startswith("250 ")


def test_too_many_errors_close_the_connection(gateway):
    with Session(gateway.smtp) as peer:
        peer.say("EHLO x")
        replies = [peer.say("FLY") for _ in range(6)]
        assert replies[0] == "500 5.3.3 Unrecognized command"
        assert "421 4.7.0 Too many errors" in replies
        assert peer.reply() == ""


def test_rset_and_a_new_hello_forget_the_envelope(gateway):
    with Session(gateway.smtp) as peer:
        peer.envelope("a@corp.example", "b@corp.example")
        assert peer.say("RSET").startswith("250 2.0.0")
        assert peer.say("DATA").startswith("503")
        peer.envelope("a@corp.example", "b@corp.example")
        peer.say("HELO x")
        assert peer.say("DATA").startswith("503")


def test_small_talk_is_answered(gateway):
    with Session(gateway.smtp) as peer:
        assert peer.say("NOOP").startswith("250 ")
        assert peer.say("VRFY postmaster").startswith("252 2.1.5")
        assert peer.say("EXPN all").startswith("502 5.5.1")
        assert peer.say("HELP").startswith("214 2.0.0")


def test_hello_may_be_empty_or_odd_and_paths_may_lack_brackets(gateway):
    for hello in ("HELO", "EHLO", "EHLO ", "HELO under_score", "EHLO 10.1.2.3", "ehlo LocalHost"):
        with Session(gateway.smtp) as peer:
            assert peer.say(hello).startswith("250"), hello
            assert peer.say("MAIL FROM: a@corp.example") == "250 2.1.0 Sender OK"
            assert peer.say("rcpt to: <b@corp.example>") == "250 2.1.5 Recipient OK"


def test_a_whole_pipelined_transaction_is_answered_in_order(gateway, postfix):
    word = marker()
    with Session(gateway.smtp) as peer:
        peer.say("EHLO x")
        peer.send(
            b"MAIL FROM:<a@corp.example>\r\nRCPT TO:<b@corp.example>\r\nRCPT TO:<x@elsewhere.example>\r\nDATA\r\n"
        )
        assert [peer.reply()[:9] for _ in range(4)] == ["250 2.1.0", "250 2.1.5", "550 5.7.5", "354 Start"]
        peer.send(mail(word) + b"MAIL FROM:<a@corp.example>\r\nRSET\r\nQUIT\r\n")
        assert QUEUED.match(peer.reply())
        assert [peer.reply()[:3] for _ in range(3)] == ["250", "250", "221"]
    postfix.one(word)


def test_size_is_judged_when_announced_and_when_sent(own, postfix):
    def small(config):
        config["receiveConnectors"][1]["limits"] |= {"messageSize": "100KB", "headerSize": "10KB", "recipients": 2}

    gateway = own(postfix.port, small).start()
    with Session(gateway.smtp) as peer:
        assert "SIZE 102400" in peer.say("EHLO x")
        assert (
            peer.say("MAIL FROM:<a@corp.example> SIZE=200000")
            == "552 5.3.4 Message size exceeds fixed maximum message size"
        )
        peer.envelope("a@corp.example", "b@corp.example", "c@corp.example")
        assert peer.say("RCPT TO:<d@corp.example>") == "452 4.5.3 Too many recipients"
        assert peer.data(mail(marker(), "x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * 3000)).startswith("552 5.3.4")
        peer.envelope("scan@corp.example", "b@corp.example")
        assert peer.data(b"X: " + b"x" * 90 + b"\r\n" + b" y\r\n" * 3000 + mail(marker())).startswith("552 5.3.4 Message h")
        assert peer.envelope("a@corp.example", "b@corp.example")[-1].startswith("250")
        assert QUEUED.match(peer.data(mail(marker()))), "a refusal does not spoil what follows"
        peer.say("QUIT")
    told = re.findall(r"refused .* at=(\w+) subject=(\S+) reply=\"(552|452)", gateway.log)
    assert told == [
        ("MAIL", "a@corp.example", "552"),
        ("RCPT", "d@corp.example", "452"),
        ("DATA", "a@corp.example", "552"),
        ("DATA", "scan@corp.example", "552"),
    ]
    [door] = [one for one in gateway.ask("connector", "list") if one["name"] == "Default Frontend"]
    assert door["refused"] == 4
    [seen] = eventually(lambda: gateway.ask("source", "list"), what="the source")
    assert seen["refusals"] == 4


SMUGGLED = (
    b"MAIL FROM:<evil@corp.example>\r\nRCPT TO:<victim@corp.example>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n"
)


@pytest.mark.parametrize(
    "end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\n.\r", b"\n\n.\r\n"]
)
def test_content_ends_at_crlf_dot_crlf_and_nowhere_else(gateway, admin, postfix, end):
    word = marker()
    with Session(gateway.smtp) as peer:
        peer.envelope("a@corp.example", "b@corp.example")
        peer.say("DATA")
        peer.send(f"Subject: {word}\r\n\r\nbefore".encode() + end + SMUGGLED)
        reply = peer.reply()
        assert QUEUED.match(reply), reply
        peer.send(b"NOOP\r\n")
        assert peer.reply().startswith("250"), "what was smuggled must not have been taken as commands"
    identifier = QUEUED.match(reply).group(2)
    assert admin.until(identifier)["status"] == "relayed"
    arrived = postfix.one(word)
    assert b"victim@corp.example" in arrived.octets, "it stays content"
    assert [m for m in postfix.delivered() if m.recipient == "victim@corp.example"] == []


def test_bare_line_ends_are_normalised_and_dots_survive(gateway, postfix):
    word = marker()
    with Session(gateway.smtp) as peer:
        peer.envelope("a@corp.example", "b@corp.example")
        assert QUEUED.match(peer.data(f"Subject: {word}\n\none\ntwo\r\n..\r\n..three\r\nfour\r\n.\r\n".encode()))
    arrived = postfix.one(word)
    assert arrived.mail.get_payload() == "one\ntwo\n.\n.three\nfour\n"


def test_missing_fields_are_supplied_and_bcc_is_removed(gateway, postfix):
    word = marker()
    with Session(gateway.smtp) as peer:
        peer.envelope("printer@corp.example", "b@corp.example")
        assert QUEUED.match(peer.data(f"Subject: {word}\r\nBcc: secret@corp.example\r\n\r\nx\r\n.\r\n".encode()))
    arrived = postfix.one(word)
    assert arrived.mail["Date"] and arrived.mail["Message-ID"]
    assert "printer@corp.example" in arrived.mail["From"]
    assert "Bcc" not in arrived.mail and b"secret@" not in arrived.octets


def test_eight_bit_content_arrives_octet_for_octet(gateway, postfix):
    word = marker()
    with Session(gateway.smtp) as peer:
        peer.say("EHLO x")
        peer.say("MAIL FROM:<a@corp.example> BODY=8BITMIME")
        peer.say("RCPT TO:<b@corp.example>")
        text = f"Subject: {word}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        text += "Content-Transfer-Encoding: 8bit\r\n\r\nGrüße 你好\r\n.\r\n"
        assert QUEUED.match(peer.data(text.encode()))
    assert postfix.one(word).text.strip() == "Grüße 你好"


def test_the_null_sender_is_taken(gateway, postfix):
    word = marker()
    with Session(gateway.smtp) as peer:
        assert peer.envelope("", "ops@corp.example") == ["250 2.1.0 Sender OK", "250 2.1.5 Recipient OK"]
        assert QUEUED.match(peer.data(mail(word)))
    assert postfix.one(word).sender == ""


def test_a_client_that_hangs_up_before_the_dot_has_sent_nothing(gateway, postfix, admin):
    word = marker()
    with Session(gateway.smtp) as peer:
        peer.envelope("a@corp.example", "b@corp.example")
        peer.say("DATA")
        peer.send(mail(word)[:-3])
    with Session(gateway.smtp) as peer:  # and one that hangs up right after it has
        peer.envelope("a@corp.example", "b@corp.example")
        peer.data(mail(word + "whole"))
    postfix.one(word + "whole")
    subjects = [message["subject"] for message in admin.get(f"/v1/messages?subject={word}").json()["data"]]
    assert subjects == [word + "whole"]


# --- STARTTLS and AUTH ------------------------------------------------------------------------------------------------


def test_starttls_shows_the_configured_certificate_and_forgets_the_clear(gateway, trusting):
    with smtplib.SMTP("127.0.0.1", gateway.smtp, timeout=15) as peer:
        peer.ehlo()
        peer.starttls(context=trusting)
        assert peer.sock.version() in ("TLSv1.2", "TLSv1.3")
        assert peer.docmd("MAIL", "FROM:<a@corp.example>") == (503, b"5.5.2 Send hello first")
        peer.ehlo()
        assert not peer.has_extn("starttls")


def test_commands_slipped_in_behind_starttls_are_discarded(gateway, trusting):
    with Session(gateway.smtp) as peer:
        peer.say("EHLO x")
        peer.send(b"STARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@corp.example>\r\n")
        assert peer.reply().startswith("220 2.0.0")
        # The handshake works, and nothing of the clear text is answered inside it.
        peer.peer = trusting.wrap_socket(peer.peer, server_hostname="127.0.0.1")
        assert peer.say("NOOP").startswith("250 ")
        assert peer.say("RCPT TO:<a@corp.example>").startswith("503")


def test_old_protocol_versions_are_refused(gateway):
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with Session(gateway.smtp) as peer:
        peer.say("EHLO x")
        peer.say("STARTTLS")
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            old.wrap_socket(peer.peer)


def test_auth_is_offered_inside_tls_and_takes_a_key_by_plain_and_by_login(gateway, trusting, client, postfix):
    app = gateway.app("--relay", "external")
    for mechanism in ("PLAIN", "LOGIN"):
        word = marker()
        with smtplib.SMTP("127.0.0.1", gateway.submission, timeout=15) as peer:
            peer.ehlo()
            assert not peer.has_extn("auth")
            peer.starttls(context=trusting)
            peer.ehlo()
            assert {"PLAIN", "LOGIN"} <= set(peer.esmtp_features["auth"].split())
            peer.user, peer.password = "printer", app.key
            method = peer.auth_plain if mechanism == "PLAIN" else peer.auth_login
            assert peer.auth(mechanism, method) == (235, b"2.7.0 Authentication successful")
            peer.sendmail("a@corp.example", ["far@elsewhere.example"], f"From: a@corp.example\nSubject: {word}\n\nx\n")
        assert postfix.one(word).recipient == "far@elsewhere.example"
        assert gateway.client(app).get(f"/v1/messages?subject={word}").json()["data"], "it is the application's message"


def test_auth_login_prompts_exactly_with_and_without_an_initial_response(gateway, trusting):
    app = gateway.app()
    user, password = (base64.b64encode(text.encode()).decode() for text in ("any", app.key))
    for first in ("AUTH LOGIN", "auth login", f"AUTH login {user}"):
        with Session(gateway.submission) as peer:
            encrypt(peer, trusting)
            reply = peer.say(first)
            if not first.endswith(user):
                assert reply == "334 VXNlcm5hbWU6"
                reply = peer.say(user)
            assert reply == "334 UGFzc3dvcmQ6"
            assert peer.say(password) == "235 2.7.0 Authentication successful"
            assert peer.say("AUTH PLAIN").startswith("503")


def encrypt(peer: Session, context):
    peer.say("EHLO x")
    assert peer.say("STARTTLS").startswith("220")
    peer.peer = context.wrap_socket(peer.peer, server_hostname="127.0.0.1")
    peer.say("EHLO x")


def test_a_failed_auth_keeps_the_session_and_mail_then_gets_530(gateway, trusting):
    with Session(gateway.submission) as peer:
        encrypt(peer, trusting)
        wrong = base64.b64encode(b"\0any\0nonsense").decode()
        assert peer.say(f"AUTH PLAIN {wrong}") == "535 5.7.3 Authentication unsuccessful"
        assert peer.say("MAIL FROM:<a@corp.example>").startswith("530 5.7.57")
        assert peer.say("AUTH CRAM-MD5") == "504 5.7.4 Unrecognized authentication type"
        assert peer.say("AUTH PLAIN !!!").startswith("501 5.5.2")
        assert peer.say("AUTH PLAIN").startswith("334")
        assert peer.say("*").startswith("501")


def test_a_key_that_may_not_send_from_here_is_535(gateway, trusting):
    app = gateway.app()
    no_scope = gateway.app("--scope", "messages:read").key
    elsewhere = gateway.app("--ip", "127.0.0.99").key
    expired = gateway.ask("key", "issue", "--app", app.name, "--expires", "1s")["key"]
    eventually(lambda: gateway.client(expired).get("/v1/me").status == 401, within=4)
    for key in (no_scope, elsewhere, expired):
        with Session(gateway.submission) as peer:
            encrypt(peer, trusting)
            assert peer.say("AUTH PLAIN " + base64.b64encode(f"\0u\0{key}".encode()).decode()).startswith("535 5.7.3")


def test_repeated_wrong_logons_close_the_connection(gateway, trusting):
    wrong = base64.b64encode(b"\0any\0nonsense").decode()
    with Session(gateway.submission) as peer:
        encrypt(peer, trusting)
        replies = [peer.say(f"AUTH PLAIN {wrong}") for _ in range(4)]
        assert "421 4.7.0 Too many errors" in "\n".join(replies)


# --- what else connects -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "octets", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(600)]
)
def test_a_client_of_another_protocol_is_sent_away(gateway, octets):
    with Session(gateway.smtp) as peer:
        peer.send(octets)
        while reply := peer.reply():
            assert not reply.startswith("250")


def test_one_source_may_hold_twenty_connections(gateway):
    held = []
    try:
        for _ in range(20):
            held.append(Session(gateway.smtp, source="127.0.0.21"))
        assert all(peer.greeting.startswith("220") for peer in held)
        with Session(gateway.smtp, source="127.0.0.21") as one_more:
            assert one_more.greeting == (
                "421 4.3.2 The maximum number of concurrent connections has exceeded a limit, closing transmission channel"
            )
        with Session(gateway.smtp, source="127.0.0.22") as other:
            assert other.greeting.startswith("220")
    finally:
        for peer in held:
            peer.peer.close()
    assert eventually(lambda: greeting(gateway.smtp, "127.0.0.21").startswith("220"), within=3)


def greeting(port, source) -> str:
    with Session(port, source=source) as peer:
        return peer.greeting


def test_a_source_that_no_connector_serves_is_told_421(own, postfix):
    def only_printers(config):
        del config["receiveConnectors"][1]

    gateway = own(postfix.port, only_printers).start()
    assert greeting(gateway.smtp, "127.0.0.1") == "421 4.3.2 Service not available"
    assert greeting(gateway.smtp, "127.0.0.7").startswith("220")


# --- real clients -----------------------------------------------------------------------------------------------------


def command(*words, input=""):
    if not shutil.which(words[0]):
        pytest.skip(f"{words[0]} is not installed")
    return subprocess.run([str(word) for word in words], input=input, capture_output=True, text=True, timeout=30)


def test_curl_submits_over_smtp_and_posts_over_http(gateway, client, postfix, tmp_path):
    word = marker()
    file = tmp_path / "mail"
    file.write_bytes(mail(word)[:-3])
    sent = command(
        "curl", "-sS", "--url", f"smtp://127.0.0.1:{gateway.smtp}/scanner", "--mail-from", "printer@corp.example",
        "--mail-rcpt", "ops@corp.example", "--upload-file", file,
    )  # fmt: skip
    assert sent.returncode == 0, sent.stderr
    postfix.one(word)
    word = marker()
    posted = command(
        "curl", "-sS", "--fail-with-body", "-H", f"Authorization: Bearer {client.key}", "-F", "from=app@corp.example",
        "-F", "to=ops@corp.example", "-F", f"subject={word}", "-F", "text=hi", "-F", f"file=@{file};filename=mail.txt",
        f"http://127.0.0.1:{gateway.http}/v1/messages",
    )  # fmt: skip
    assert posted.returncode == 0, posted.stdout
    assert [part.get_filename() for part in postfix.one(word).mail.iter_attachments()] == ["mail.txt"]


def test_an_idempotency_key_in_a_mail_counts_and_does_not_travel(gateway, postfix):
    word, key = marker(), marker("key")
    ids = []
    for _ in range(2):
        with Session(gateway.smtp) as peer:
            peer.envelope("a@corp.example", "b@corp.example")
            octets = f"Idempotency-Key: {key}\r\n".encode() + mail(word)
            ids.append(QUEUED.match(peer.data(octets)).group(2))
    assert ids[0] == ids[1]
    assert b"Idempotency-Key" not in postfix.one(word).octets
    with Session(gateway.smtp) as peer:
        peer.envelope("a@corp.example", "other@corp.example")
        assert QUEUED.match(peer.data(octets)), "another recipient is another envelope"
    with Session(gateway.smtp) as peer:
        peer.envelope("a@corp.example", "b@corp.example")
        assert peer.data(f"Idempotency-Key: {key}\r\n".encode() + mail("other")).startswith("554 5.6.0")
    for more, told in [
        (b"X-Severity: critical\r\n", "554 5.6.0"),
        (b"Content-Type: text/html\r\n", "554 5.6.0"),
        (b"Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nMessage-ID: <again@device>\r\n", "250 2.6.0"),
    ]:
        with Session(gateway.smtp) as peer:
            peer.envelope("a@corp.example", "b@corp.example")
            reply = peer.data(more + octets)
            assert reply.startswith(told), (more, reply)
            assert told != "250 2.6.0" or QUEUED.match(reply).group(2) == ids[0]


def test_a_name_beyond_ascii_does_not_make_a_plain_mail_8_bit(gateway):
    with Session(gateway.smtp) as peer:
        peer.say("EHLO x")
        assert peer.say("MAIL FROM:<a@corp.example> SMTPUTF8").startswith("250")
        assert peer.say("RCPT TO:<\u00e9@corp.example>").startswith("250")
        kept = QUEUED.match(peer.data(mail(marker()))).group(2)
    source = gateway.run("message", "source", kept).out
    assert "with UTF8SMTP" in source and source.isascii(), "a report of it must be able to go anywhere"


def test_a_long_word_of_the_client_makes_no_long_line(gateway):
    with Session(gateway.smtp) as peer:
        peer.say("EHLO x")
        reply = peer.say(f"MAIL FROM:<a@corp.example> {'Z' * 1900}=1")
        assert reply.startswith("555 5.5.4 Unsupported parameter ZZZ") and len(reply) < 510


def test_a_client_that_is_never_silent_is_ended_by_the_lifetime_too(own, postfix):
    def brief(config):
        next(c for c in config["receiveConnectors"] if c["name"] == "Default Frontend")["limits"] = {"lifetime": "1s"}

    gateway = own(postfix.port, brief).start()
    with Session(gateway.smtp) as session:
        replies, deadline = [], time.monotonic() + 6
        while (not replies or replies[-1].startswith("250")) and time.monotonic() < deadline:
            replies.append(session.say("NOOP"))
        assert replies[-1].startswith("421 4.4.1") and session.reply() == ""


def test_the_right_to_bypass_the_size_limit_bypasses_it(own, postfix):
    def small(config):
        for connector in config["receiveConnectors"]:
            if connector["name"] in ("Printers", "Default Frontend"):
                connector["limits"] = {"messageSize": "4KB"}
            if connector["name"] == "Printers":
                connector["rights"] = ["acceptAnyRecipient", "bypassMessageSizeLimit"]

    gateway = own(postfix.port, small).start()
    large = b"Subject: scan\r\n\r\n" + b"x" * 60 + b"\r\n"
    large += (b"x" * 70 + b"\r\n") * 200
    for source, expected in [("127.0.0.1", "552 5.3.4"), ("127.0.0.7", "250 2.6.0")]:
        with Session(gateway.smtp, source=source) as session:
            session.envelope("printer@corp.example", "ops@corp.example")
            assert session.data(large + b".\r\n").startswith(expected), source


@pytest.mark.parametrize(
    "author",
    [
        "From: boss@corp.example:;",
        "From: <printer@other.example> boss@corp.example",
        "From: boss@corp.example: printer@other.example;",
        "From : <boss@corp.example>",
    ],
)
def test_no_form_of_from_hides_an_address_from_the_sender_rule(own, postfix, author):
    def strict(config):
        connector = next(c for c in config["receiveConnectors"] if c["name"] == "Default Frontend")
        connector["withoutRights"] = ["acceptAuthoritativeDomainSender"]

    gateway = own(postfix.port, strict).start()
    with Session(gateway.smtp) as session:
        assert session.envelope("printer@other.example", "ops@corp.example")[-1].startswith("250")
        assert session.data(f"{author}\r\nSubject: x\r\n\r\nx\r\n.\r\n".encode()).startswith("550 5.")
