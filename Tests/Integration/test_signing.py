"""DKIM: keys made by `dkim new`, and signatures that another implementation verifies over what really arrives."""

import os
import re
import signal
import stat
from pathlib import Path

import dkim
import pytest

from peers import eventually
from postern import EXIT_CONFIGURATION, EXIT_USAGE, Session, marker

EXIT_CANNOT_CREATE = 73


class Zone:
    """The keys of a domain, made by the command and published nowhere but here."""

    def __init__(self, gateway, *algorithms, domain="corp.example"):
        self.records, self.entries = {}, []
        for number, algorithm in enumerate(algorithms):
            file = gateway.folder / f"{algorithm}{number}.pem"
            words = ["--domain", domain, "--selector", f"s{number}", "--algorithm", algorithm, "--key", file]
            made = gateway.ask("dkim", "new", *words)
            self.records[made["record_name"] + "."] = made["record"]
            self.entries.append({"domain": domain, "selector": f"s{number}", "keyFile": str(file)})

    def signatures(self, octets: bytes) -> list[bool]:
        """Of each signature, whether it holds."""
        count = len(re.findall(rb"(?im)^DKIM-Signature:", octets))
        return [self._holds(octets, number) for number in range(count)]

    def _holds(self, octets, number):
        try:
            return dkim.DKIM(octets).verify(idx=number, dnsfunc=self._ask)
        except dkim.ValidationError:
            return False

    def _ask(self, name, timeout=5):
        name = name.decode() if isinstance(name, bytes) else name
        return self.records.get(name, "").encode()


@pytest.fixture
def signing(own, sink):
    """A gateway that signs with those keys, and the sink behind it."""

    def make(*algorithms, domain="corp.example", **sink_options):
        hop = sink(**sink_options)
        gateway = own(hop.port)
        zone = Zone(gateway, *algorithms, domain=domain)
        gateway.config["sendConnectors"][0]["dkim"] = zone.entries
        gateway.write()
        return gateway.start(), hop, zone

    return make


MAILS = {
    "json": {"text": "Grüße\n\n\n.\n..two  spaces \t\n\n\n", "subject": "Täglicher Bericht " + "x" * 200},
    "html": {"text": "t", "html": "<p>" + "ü" * 3000, "attachments": [{"filename": "a.bin", "content": "AAECAwQ="}]},
    "empty": {"text": "", "subject": "nothing"},
}


@pytest.mark.parametrize("extensions", [("PIPELINING", "8BITMIME", "SMTPUTF8"), ()], ids=["8bit", "7bit"])
def test_signatures_hold_over_what_arrives(signing, extensions):
    gateway, hop, zone = signing("rsa", "ed25519", extensions=extensions, size=10_000_000)
    client = gateway.ready_client()
    for name, mail in MAILS.items():
        answer = client.send(mail | {"bcc": ["hidden@corp.example"]}, headers={"Prefer": "wait=10"})
        assert answer.json()["status"] == "relayed", name
    raw = "From: a@Corp.Example\r\nBcc: x@corp.example\r\nSubject:  two\r\n\tlines \r\n\r\n..dot\r\nü " + "y" * 2000 + "\r\n \r\n"
    with Session(gateway.smtp) as peer:
        peer.envelope("a@corp.example", "b@corp.example")
        assert peer.data(raw.encode() + b".\r\n").startswith("250")
    for taken in hop.wait(4):
        assert zone.signatures(taken.octets) == [True, True], taken.octets
        assert b"\nBcc:" not in taken.octets
        assert max(map(len, taken.octets.split(b"\r\n"))) <= 998
        size = re.search(r"SIZE=(\d+)", taken.parameters)
        assert size is None or int(size.group(1)) == len(taken.octets)


def test_a_changed_octet_or_a_second_author_breaks_the_signature(signing):
    gateway, hop, zone = signing("ed25519")
    gateway.ready_client().send(headers={"Prefer": "wait=10"})
    octets = hop.wait(1)[0].octets
    assert zone.signatures(octets) == [True]
    assert zone.signatures(octets.replace(b"Test.", b"test.")) == [False]
    assert zone.signatures(b"From: other@corp.example\r\n" + octets) == [False], "From is sealed"


@pytest.mark.parametrize(
    "author, signed", [("a@corp.example", True), ("a@deep.corp.example", True), ("a@xcorp.example", False)]
)
def test_who_is_signed_for_is_a_matter_of_the_from_field(signing, author, signed):
    gateway, hop, zone = signing("ed25519")
    with Session(gateway.smtp) as peer:
        peer.envelope("envelope@corp.example", "b@corp.example")
        peer.data(f"From: {author}\r\n\r\nHi\r\n.\r\n".encode())
    assert zone.signatures(hop.wait(1)[0].octets) == ([True] if signed else [])


def test_a_large_mail_is_signed_without_sitting_in_memory(signing):
    gateway, hop, zone = signing("rsa")

    def peak():
        status = Path(f"/proc/{gateway.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) / 1024

    body = b"".join(b"%08d %s\r\n" % (n, b"z" * 66) for n in range(260_000))
    assert len(body) > 20_000_000
    peaks = []
    # Mail that nobody signs comes first, until the caches of the store and of malloc have their full size.
    for author in [b"a@other.example"] * 4 + [b"a@corp.example"]:
        with Session(gateway.smtp, within=60) as peer:
            peer.envelope("a@corp.example", "b@corp.example")
            assert peer.data(b"From: " + author + b"\r\n\r\n" + body + b".\r\n").startswith("250")
        hop.wait(len(peaks) + 1, within=30)
        peaks.append(peak())
    assert peaks[-1] - peaks[-2] < 10, "MB, for a mail of 20"
    assert [zone.signatures(taken.octets) for taken in hop.taken] == [[]] * 4 + [[True]]


# --- the command and the configuration --------------------------------------------------------------------------------


def test_a_new_key_is_private_and_comes_with_what_to_publish(own):
    gateway = own()
    file = gateway.folder / "k.pem"
    ran = gateway.run("dkim", "new", "--domain", "Corp.Example", "--selector", "p1", "--key", file)
    assert ran.status == 0, ran
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert f'dkim: [{{ domain: "corp.example", selector: "p1", keyFile: "{file}" }}]' in ran.out
    record = re.search(r"(\S+)\. 3600 IN TXT \( (.*?) \)", ran.out, re.S)
    strings = re.findall(r'"([^"]*)"', record.group(2))
    assert record.group(1) == "p1._domainkey.corp.example"
    assert max(map(len, strings)) <= 255 and "".join(strings).startswith("v=DKIM1; k=rsa; p=MII")
    before = file.read_text()
    again = gateway.run("dkim", "new", "--domain", "corp.example", "--key", file)
    assert again.status == EXIT_CANNOT_CREATE and file.read_text() == before, "a key is never overwritten"


@pytest.mark.parametrize(
    "words, named",
    [
        ([], "--domain"),
        (["--domain", "no domain"], "no domain"),
        (["--domain", "d.example", "--selector", "a_b"], "a_b"),
        (["--domain", "d.example", "--algorithm", "dsa"], "dsa"),
    ],
)
def test_what_makes_no_key_is_named(own, words, named):
    gateway = own()
    ran = gateway.run("dkim", "new", *words)
    assert ran.status == EXIT_USAGE and named in ran.err
    assert not list(gateway.folder.glob("*.pem"))


def test_check_finds_keys_that_cannot_sign(own, tmp_path):
    gateway = own()
    text, good = tmp_path / "text", tmp_path / "good.pem"
    text.write_text("no key")
    gateway.ask("dkim", "new", "--domain", "d.example", "--key", good)
    for entry, words in [
        ({"keyFile": str(tmp_path / "absent")}, "cannot be read"),
        ({"keyFile": str(text)}, "holds no RSA or Ed25519 private key"),
        ({"keyFile": str(good), "selector": "a b"}, "selector"),
        ({"keyFile": str(good), "expires": "1d"}, "unknown key"),
    ]:
        config = gateway.copy_of_config()
        config["sendConnectors"][0]["dkim"] = [{"domain": "corp.example", "selector": "p1"} | entry]
        gateway.write(config)
        ran = gateway.run("check")
        assert ran.status == EXIT_CONFIGURATION and words in ran.all and "sendConnectors[0].dkim[0]" in ran.all, ran


def test_a_renewed_key_signs_after_a_reload(signing):
    gateway, hop, zone = signing("ed25519")
    client = gateway.ready_client()
    client.send(headers={"Prefer": "wait=10"})
    renewed = Zone(gateway, "rsa", "ed25519")
    gateway.config["sendConnectors"][0]["dkim"] = renewed.entries[1:]
    gateway.write()
    gateway.signal(signal.SIGHUP)
    eventually(lambda: "reloaded" in gateway.log, what="the new configuration")
    word = marker()
    client.send(subject=word, headers={"Prefer": "wait=10"})
    assert zone.signatures(hop.taken[0].octets) == [True]
    assert renewed.signatures(hop.taken[1].octets) == [True]
