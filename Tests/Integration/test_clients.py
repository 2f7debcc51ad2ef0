"""The clients that Debian and PyPI offer, in the four situations of the articles that Exchange administrators know:
internal relay works out of the box, external relay is refused by name, and there are two cures, a logon or a range."""

import smtplib
import ssl

import pytest

from clients import CLIENTS, Job, able, python, run
from peers import RelayingPostfix, eventually, free_port
from postern import marker

TEXT = "Grüße vom Drucker\n.\n..zwei Punkte\n你好\nEnde\n"


@pytest.fixture
def job(gateway):
    """Makes jobs for this gateway."""

    def make(**changes) -> Job:
        normal = Job(gateway.smtp, "printer@corp.example", "ops@corp.example", marker(), TEXT, gateway.authority.file)
        for name, value in changes.items():
            setattr(normal, name, value)
        return normal

    return make


@pytest.fixture(scope="module")
def relaying(gateway):
    """The key of an application that may send outside."""
    return gateway.app("--relay", "external").key


def arrived(postfix, job: Job):
    """The one mail of the job, after a look at all that a reader of it sees."""
    mail = postfix.one(job.subject)
    assert (mail.sender, mail.recipient) == (job.sender, job.recipient)
    assert mail.mail["Subject"] == job.subject
    assert [address.addr_spec for address in mail.mail["From"].addresses] == [job.sender]
    assert [address.addr_spec for address in mail.mail["To"].addresses] == [job.recipient]
    assert mail.mail["Date"].datetime and mail.mail["Message-ID"]
    assert mail.text.rstrip("\n") == job.text.rstrip("\n")  # swaks ends with a line more
    assert not mail.mail.defects
    return mail


@pytest.mark.parametrize("name", able("internal"))
def test_internal_relay_works_out_of_the_box(gateway, postfix, job, name):
    internal = job()
    sent = CLIENTS[name](internal)
    assert sent.taken, sent.said
    arrived(postfix, internal)


@pytest.mark.parametrize("name", able("refusal"))
def test_external_relay_is_refused_by_name(gateway, postfix, job, name):
    external = job(recipient="someone@elsewhere.example")
    sent = CLIENTS[name](external)
    assert not sent.taken, sent.said
    # What the administrator sees on the client's side is what a search finds.
    assert "Unable to relay recipient in non-accepted domain" in sent.said
    assert not [mail for mail in postfix.delivered() if external.subject.encode() in mail.octets]


@pytest.mark.parametrize(("mechanism", "name"), [(m, n) for m in ("PLAIN", "LOGIN") for n in able(m)])
def test_the_first_cure_is_a_logon_inside_tls(gateway, postfix, job, relaying, mechanism, name):
    external = job(port=gateway.submission, recipient="someone@elsewhere.example", key=relaying, mechanism=mechanism)
    sent = CLIENTS[name](external)
    assert sent.taken, sent.said
    received = arrived(postfix, external).mail.get_all("Received")
    assert any("ESMTPSA" in line for line in received), received


@pytest.mark.parametrize("name", able("range"))
def test_the_second_cure_is_a_range_of_ones_own(gateway, postfix, job, name):
    external = job(recipient="someone@elsewhere.example", source="127.0.0.7")
    sent = CLIENTS[name](external)
    assert sent.taken, sent.said
    arrived(postfix, external)


@pytest.mark.parametrize("name", [name for name in able("LOGIN") if name in able("refusal")])
def test_a_wrong_password_is_what_the_client_reports(gateway, postfix, job, name):
    wrong = job(port=gateway.submission, key="nonsense", mechanism="LOGIN")
    try:
        sent = CLIENTS[name](wrong)
    except smtplib.SMTPAuthenticationError as error:
        assert error.smtp_code == 535
        return
    assert not sent.taken, sent.said
    assert "535" in sent.said or "uthenticat" in sent.said, sent.said


def test_a_postfix_hands_in_its_mail_with_sasl(gateway, postfix, authority, job, relaying):
    branch = RelayingPostfix(authority.issue("branch.test.example", "127.0.0.1"), authority, gateway.submission, relaying)
    try:
        branch.start()
        external = job(port=branch.port, recipient="someone@elsewhere.example")
        assert python(external).taken
        assert "branch.test.example" in " ".join(arrived(postfix, external).mail.get_all("Received"))
        sent = eventually(lambda: [line for line in branch.log.splitlines() if "status=sent" in line])
        assert "250 2.6.0" in sent[0] and "Queued mail for delivery" in sent[0]
    finally:
        branch.stop()


def test_tls_from_the_first_octet(own, postfix):
    def add(config):
        config["receiveConnectors"].append(
            {
                "name": "Implicit",
                "protocol": "smtp",
                "bindings": [f"127.0.0.1:{port}"],
                "tls": {"mode": "implicit"},
                "authentication": ["plain", "login"],
                "permissionGroups": ["applications"],
            }
        )

    port = free_port()
    gateway = own(postfix.port, add).start()
    app, ca = gateway.app(), gateway.authority.file
    words = [marker() for _ in range(4)]
    with smtplib.SMTP_SSL("127.0.0.1", port, context=ssl.create_default_context(cafile=str(ca)), timeout=15) as peer:
        peer.login("any", app.key)
        peer.sendmail("ups@corp.example", "ops@corp.example", f"Subject: {words[0]}\n\nx\n")
    mails = [f"Subject: {word}\r\nTo: ops@corp.example\r\n\r\nx\r\n".encode() for word in words]
    to = ("--from=ups@corp.example", "ops@corp.example")
    logon = ("--auth-user", "any", "--auth-password", app.key)
    for sent in (
        run("swaks", f"--server=127.0.0.1:{port}", "--tlsc", *logon, to[0], f"--to={to[1]}", "--data=-", octets=mails[1]),
        run("curl", "-sS", f"smtps://127.0.0.1:{port}", "--cacert", ca, "--user", f"any:{app.key}", "--mail-from", to[0][7:],
            "--mail-rcpt", to[1], "--upload-file", "-", octets=mails[2]),
        run("msmtp", "--file=/dev/null", "--host=127.0.0.1", f"--port={port}", "--tls=on", "--tls-starttls=off",
            f"--tls-trust-file={ca}", "--auth=login", "--user=any", f"--passwordeval=echo {app.key}", *to, octets=mails[3]),
    ):  # fmt: skip
        assert sent.taken, sent.said
    for word in words:
        assert postfix.one(word).sender == "ups@corp.example"
