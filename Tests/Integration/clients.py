"""The mail clients that Debian and PyPI offer, each told to hand in one mail.

A client is a function of a `Job`. It answers `Sent`: whether the client believes that its mail was taken, and what it printed.
One that is not installed skips its test; `./deploy/test` installs them all.
"""

import shutil
import smtplib
import ssl
import subprocess
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest

from postern import ROOT

UNPACKED = ROOT / ".build" / "clients"
NULLMAILER = UNPACKED / "nullmailer" / "usr" / "lib" / "nullmailer" / "smtp"


@dataclass
class Job:
    port: int
    sender: str
    recipient: str
    subject: str
    text: str
    authority: Path  # whom a client that checks certificates trusts
    source: str | None = None  # the address to come from
    key: str | None = None  # logs on with it, inside STARTTLS
    mechanism: str = "PLAIN"

    @property
    def mail(self) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self.sender, self.recipient, self.subject
        mail.set_content(self.text, charset="utf-8", cte="8bit")
        return mail


@dataclass
class Sent:
    taken: bool
    said: str


def run(*words, octets=b"", within=30) -> Sent:
    program = str(words[0])
    if not shutil.which(program, path="/usr/bin:/bin:/usr/sbin:/sbin"):
        pytest.skip(f"{program} is not installed")
    done = subprocess.run([str(word) for word in words], input=octets, capture_output=True, timeout=within)
    return Sent(done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace"))


def python(job: Job) -> Sent:
    source = (job.source, 0) if job.source else None
    try:
        with smtplib.SMTP("127.0.0.1", job.port, local_hostname="WIN-APP01", timeout=15, source_address=source) as peer:
            if job.key:
                peer.starttls(context=ssl.create_default_context(cafile=str(job.authority)))
                peer.ehlo()
                # smtplib takes the first of its own list that the server offers too; so only one stays on offer.
                peer.esmtp_features["auth"] = job.mechanism
                peer.login("any", job.key)
            peer.send_message(job.mail, job.sender, [job.recipient])
            return Sent(True, "")
    except smtplib.SMTPRecipientsRefused as error:
        code, text = error.recipients[job.recipient]
        return Sent(False, f"{code} {text.decode()}")


def swaks(job: Job) -> Sent:
    words = ["swaks", "--server", "127.0.0.1", "--port", job.port, "--from", job.sender, "--to", job.recipient]
    words += ["--data", "-"]
    words += ["--local-interface", job.source] if job.source else []
    if job.key:
        words += ["--tls", "--auth", job.mechanism, "--auth-user", "any", "--auth-password", job.key]
    return run(*words, octets=bytes(job.mail))


def curl(job: Job) -> Sent:
    words = ["curl", "-sv", f"smtp://127.0.0.1:{job.port}/scanner", "--mail-from", job.sender, "--mail-rcpt", job.recipient]
    words += ["--upload-file", "-"]
    words += ["--interface", job.source] if job.source else []
    if job.key:
        words += ["--ssl-reqd", "--cacert", job.authority, "--user", f"any:{job.key}"]
        words += ["--login-options", f"AUTH={job.mechanism}"]
    return run(*words, octets=bytes(job.mail).replace(b"\n", b"\r\n"))


def msmtp(job: Job) -> Sent:
    words = ["msmtp", "--file=/dev/null", "--host=127.0.0.1", f"--port={job.port}", f"--from={job.sender}"]
    words += [f"--source-ip={job.source}"] if job.source else []
    if job.key:
        words += ["--tls=on", "--tls-starttls=on", f"--tls-trust-file={job.authority}"]
        words += [f"--auth={job.mechanism.lower()}", "--user=any", f"--passwordeval=echo {job.key}"]
    return run(*words, job.recipient, octets=bytes(job.mail))


def s_nail(job: Job) -> Sent:
    logon = f"any:{job.key}@" if job.key else ""
    words = ["s-nail", "-:/", "-S", "v15-compat=y", "-S", f"mta=smtp://{logon}127.0.0.1:{job.port}"]
    words += ["-S", f"from={job.sender}", "-S", "sendwait", "-S", "nosave", "-S", "hostname=nail.corp.example", "-S", "ttycharset=utf-8"]
    words += ["-S", "sendcharsets=utf-8", "-S", f"smtp-auth={job.mechanism.lower() if job.key else 'none'}"]
    if job.key:
        # It looks for the address among the certificate's names of hosts alone.
        words += ["-S", "smtp-use-starttls", "-S", "tls-verify=ignore"]
    return run(*words, "-s", job.subject, job.recipient, octets=job.text.encode())


def bsmtp(job: Job) -> Sent:
    words = ["bsmtp", "-4", "-8", "-h", f"127.0.0.1:{job.port}", "-f", job.sender, "-s", job.subject, job.recipient]
    return run(*words, octets=job.text.encode())


def nullmailer(job: Job) -> Sent:
    """Its protocol program, as nullmailer-send calls it: options on standard input, the mail on descriptor 3."""
    options = ["host=127.0.0.1", f"port={job.port}"]
    options += [f"source={job.source}"] if job.source else []
    if job.key:
        options += ["starttls", f"x509cafile={job.authority}", "user=any", f"pass={job.key}"]
        options += ["auth-login"] if job.mechanism == "LOGIN" else []
    envelope = f"{job.sender}\n{job.recipient}\n\n".encode()
    file = job.authority.parent / f"{job.subject}.nullmailer"
    file.write_bytes(envelope + bytes(job.mail))
    if not NULLMAILER.exists():
        pytest.skip("nullmailer is not unpacked")
    return run("sh", "-c", 'HELOHOST=ups exec "$0" 3<"$1"', NULLMAILER, file, octets="\n".join([*options, "", ""]).encode())


def dma(job: Job) -> Sent:
    """The DragonFly Mail Agent: it spools and delivers by itself, and bounces to its own host what is refused."""
    folder = job.authority.parent / job.subject
    (folder / "dma").mkdir(parents=True)
    settings = ["SMARTHOST 127.0.0.1", f"PORT {job.port}", "MAILNAME ups.corp.example"]
    if job.key:
        settings += ["AUTHPATH /etc/dma/auth.conf", "SECURETRANSFER", "STARTTLS"]
        (folder / "dma" / "auth.conf").write_text(f"any|127.0.0.1:{job.key}\n")
    (folder / "dma" / "dma.conf").write_text("\n".join(settings) + "\n")
    return inside(
        UNPACKED / "dma", folder, "dma", "dma", "-D", "-i", "-f", job.sender, job.recipient, octets=bytes(job.mail)
    )


def inside(package: Path, etc: Path, spool: str, *words, octets=b"") -> Sent:
    """Runs a program as if its package were installed, in a mount namespace with a spool of its own."""
    if not package.exists():
        pytest.skip(f"{package.name} is not unpacked")
    script = f"""
        mount -t overlay overlay -o lowerdir={etc}:/etc /etc &&
        mount -t overlay overlay -o lowerdir={package}/usr:/usr /usr &&
        mount -t tmpfs tmpfs /var/spool && mkdir -m 770 /var/spool/{spool} && chgrp mail /var/spool/{spool} || exit 125
        exec "$@"
    """
    sent = run("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *words, octets=octets)
    if "Operation not permitted" in sent.said:
        pytest.skip("mounts are not permitted here")
    return sent


CLIENTS = {
    client.__name__: client for client in (python, swaks, curl, msmtp, s_nail, bsmtp, nullmailer, dma)
}
# What a client cannot be told: to come from an address, to log on, to choose the mechanism, to say that it was refused.
CANNOT = {
    "s_nail": {"range"},
    "bsmtp": {"range", "PLAIN", "LOGIN"},
    "dma": {"range", "PLAIN", "refusal"},
}


def able(what: str) -> list[str]:
    return [name for name in CLIENTS if what not in CANNOT.get(name, ())]
