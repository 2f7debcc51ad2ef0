"""Devices at the SMTP door: user names and passwords, CRAM-MD5, client certificates, and what a failed logon costs."""

import base64
import concurrent.futures
import contextlib
import hashlib
import http.client
import re
import smtplib
import ssl
import stat
import subprocess
import threading
import time

import pytest

from peers import eventually, free_port
from postern import DOCUMENT, Answer, Session, marker, merged

MAIL = b"Subject: %s\r\n\r\nx\r\n"


def trusting(gateway, certificate=None):
    context = ssl.create_default_context(cafile=str(gateway.authority.file))
    if certificate:
        context.load_cert_chain(certificate.certificate, certificate.key)
    return context


def door(name, port, **keys):
    return {
        "name": name,
        "bindings": [f"127.0.0.1:{port}"],
        "permissionGroups": ["applications"],
        "authentication": ["plain", "login"],
        "allowPlaintextAuthentication": True,
        "limits": {"tarpit": "0s", "connectionsPerSource": 100, "logonFailures": 0},
    } | keys


@pytest.fixture(scope="module")
def ports():
    return {name: free_port() for name in ("open", "cram", "mixed", "slow", "certified", "implicit", "web")}


@pytest.fixture(scope="module")
def house(tmp_path_factory, authority, postfix, ports):
    """A gateway with a door for each kind of logon."""
    from fixtures import _running
    from postern import Gateway

    ca = {"clientCAFile": str(authority.file)}

    def change(config):
        config["receiveConnectors"] += [
            door("Open", ports["open"]),
            door("CRAM", ports["cram"], authentication=["plain", "login", "cram-md5"]),
            door("Mixed", ports["mixed"], permissionGroups=["applications", "anonymous"]),
            door("Slow", ports["slow"], limits={"tarpit": "1s"}),
            door("Certified", ports["certified"], tls={"mode": "required"} | ca),
            door("Implicit", ports["implicit"], tls={"mode": "implicit"} | ca),
            {
                "name": "Web",
                "protocol": "http",
                "bindings": [f"127.0.0.1:{ports['web']}"],
                "permissionGroups": ["applications"],
                "tls": {"mode": "implicit"} | ca,
            },
        ]

    made = Gateway(tmp_path_factory.mktemp("logons"), authority, postfix.port, change)
    _running.append(made)
    try:
        yield made.start()
    finally:
        _running.remove(made)
        made.shut()


@pytest.fixture(scope="module")
def scanners(house):
    return house.app()


def add(house, app, *flags, password=None, name=None):
    """A credential; (user name, password)."""
    name = name or marker("dev")
    flags = list(flags) + (["--password-stdin"] if password else [])
    made = house.ask("credential", "add", "--app", app.name, "--username", name, *flags, input=password)
    return name, password or made["password"]


def connect(port, source="127.0.0.1", **more):
    return smtplib.SMTP("127.0.0.1", port, timeout=20, local_hostname="tests", source_address=(source, 0), **more)


def plain(peer, name, password):
    return peer.docmd("AUTH", "PLAIN " + base64.b64encode(f"\0{name}\0{password}".encode()).decode())


# --- user names and passwords ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_a_device_submits_with_its_user_name_and_password(house, scanners, postfix, mechanism):
    name, password = add(house, scanners)
    assert re.fullmatch(r"[0-9A-Za-z]{20}", password)
    word = marker()
    with connect(house.submission) as peer:
        peer.starttls(context=trusting(house))
        peer.ehlo()
        peer.user, peer.password = name.upper(), password
        method = peer.auth_plain if mechanism == "PLAIN" else peer.auth_login
        assert peer.auth(mechanism, method) == (235, b"2.7.0 Authentication successful")
        assert peer.sendmail("scan@corp.example", ["ops@corp.example"], MAIL % word.encode()) == {}
    assert any("with ESMTPSA" in line for line in postfix.one(word).mail.get_all("Received"))
    listed = {one["username"]: one for one in house.ask("credential", "list")}
    assert listed[name]["application"] == scanners.id
    eventually(lambda: house.admin.get(f"/v1/credentials/{name}").json()["last_used_at"], within=5)


def test_swaks_and_curl_log_on_with_a_credential(house, scanners, postfix):
    name, password = add(house, scanners, password="pass word:ü")
    words = [marker(), marker()]
    swaks = [
        "swaks", "--server", f"127.0.0.1:{house.submission}", "--tls", "--auth", "LOGIN", "--auth-user", name,
        "--auth-password", password, "--from", "scan@corp.example", "--to", "ops@corp.example",
        "--header", f"Subject: {words[0]}", "--hide-all",
    ]  # fmt: skip
    done = subprocess.run(swaks, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done
    curl = [
        "curl", "-sS", "--ssl-reqd", "--cacert", str(house.authority.file), "--url",
        f"smtp://127.0.0.1:{house.submission}/tests", "--user", f"{name}:{password}", "--mail-from", "scan@corp.example",
        "--mail-rcpt", "ops@corp.example", "-T", "-",
    ]  # fmt: skip
    done = subprocess.run(curl, input=f"Subject: {words[1]}\r\n\r\nx\r\n", capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done
    for word in words:
        assert postfix.one(word).sender == "scan@corp.example"


def test_a_credential_works_and_ends_at_once_in_open_sessions_too(house, scanners):
    name, password = add(house, scanners, password="first")
    with connect(house.submission) as peer:
        peer.starttls(context=trusting(house))
        peer.login(name, password)
        assert peer.mail("scan@corp.example")[0] == 250
        peer.rset()
        assert house.run("credential", "remove", name.upper()).status == 0
        assert peer.mail("scan@corp.example")[0] == 530
    add(house, scanners, name=name, password="second")
    with connect(house.submission) as peer:
        peer.starttls(context=trusting(house))
        with pytest.raises(smtplib.SMTPAuthenticationError):
            peer.login(name, "first")
        assert peer.login(name, "second")[0] == 235


def test_a_credential_goes_with_its_application(house):
    app = house.app()
    name, password = add(house, app)
    house.ask("app", "remove", app.name)
    assert name not in {one["username"] for one in house.ask("credential", "list")}
    with connect(house.submission) as peer:
        peer.starttls(context=trusting(house))
        with pytest.raises(smtplib.SMTPAuthenticationError):
            peer.login(name, password)


def test_a_credential_is_bound_to_the_address_ranges_of_its_application(house, ports):
    app = house.app("--ip", "127.0.0.30", known=False)
    name, password = add(house, app)
    for source, code in [("127.0.0.30", 235), ("127.0.0.31", 535)]:
        with connect(ports["open"], source) as peer:
            peer.ehlo()
            assert plain(peer, name, password)[0] == code


def test_the_commands_work_without_a_server_and_say_what_is_wrong(own):
    gateway = own()
    app = gateway.app()
    made = gateway.ask("credential", "add", "--app", app.name, "--username", "Floor 1", "--cram-md5")
    assert made["id"].startswith("crd_") and len(made["password"]) == 20
    ran = gateway.run("credential", "add", "--app", app.name, "--username", "floor 1")
    assert ran.status == 73 and "there is a user floor 1 already" in ran.err
    assert gateway.run("credential", "add", "--app", "nobody", "--username", "x").status == 65
    ran = gateway.run("credential", "add", "--app", app.name, "--username", "x", "--password-stdin")
    assert ran.status == 65 and "standard input must hold the password" in ran.err
    assert gateway.run("credential", "add", "--username", "x").status == 64
    shown = gateway.run("credential", "add", "--app", app.name, "--username", "y", "--password-stdin", input="Waldmeister\n")
    assert shown.status == 0 and "Waldmeister" not in shown.all
    listed = gateway.run("credential", "list")
    assert "Floor 1" in listed.out and made["password"] not in listed.out
    key = gateway.folder / "data" / "credentials.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600 and key.stat().st_size == 32
    assert gateway.run("credential", "remove", made["id"]).status == 0
    assert gateway.run("credential", "remove", made["id"]).status == 65
    assert [one["username"] for one in gateway.ask("credential", "list")] == ["y"]
    store = b"".join(path.read_bytes() for path in (gateway.folder / "data").glob("postern.sqlite3*"))
    assert b"Waldmeister" not in store and made["password"].encode() not in store


def test_nobody_acts_for_another_and_the_log_says_so_without_the_name(house, scanners, ports):
    name, password = add(house, scanners)
    for identity, code in [(name.upper(), 235), ("", 235), ("anothername", 535)]:
        with connect(ports["open"], "127.0.0.33") as peer:
            peer.ehlo()
            word = base64.b64encode(f"{identity}\0{name}\0{password}".encode()).decode()
            assert peer.docmd("AUTH", "PLAIN " + word)[0] == code
    line = eventually(
        lambda: [line for line in house.log.splitlines() if "authorization identity" in line], what="the log's line"
    )[0]
    assert f"user={name}" in line and "peer=127.0.0.33" in line
    assert "anothername" not in house.log and password not in house.log


def test_the_log_says_what_to_mend_about_a_logon(house, ports):
    reader, distant = house.app("--scope", "messages:read"), house.app("--ip", "10.1.2.0/24", known=False)
    for app, reason in [(reader, "insufficientScope"), (distant, "addressNotAllowed")]:
        with connect(ports["open"], "127.0.0.34") as peer:
            peer.ehlo()
            assert plain(peer, "any", app.key)[0] == 535
        public = app.key.split("_")[1][:12]
        assert re.search(rf"logon failed: {reason} .* user=key_{public}", house.log), house.log[-2000:]
    name, password = add(house, house.app())
    with connect(ports["cram"], "127.0.0.34") as peer:
        peer.ehlo()
        peer.user, peer.password = name, password
        with pytest.raises(smtplib.SMTPAuthenticationError):
            peer.auth("CRAM-MD5", peer.auth_cram_md5)
    assert re.search(rf"logon failed: CRAM-MD5 needs a credential added with --cram-md5 .* user={name}", house.log)


def test_no_password_ever_stands_in_the_log(house, scanners, ports):
    name, password = add(house, scanners)
    with connect(ports["open"], "127.0.0.32") as peer:
        peer.ehlo()
        assert plain(peer, name, password + "x")[0] == 535
        assert plain(peer, password, name)[0] == 535
        assert plain(peer, name, password)[0] == 235
    eventually(lambda: "logon failed" in house.log, within=2)
    time.sleep(0.1)
    assert password not in house.log
    assert re.search(rf"logon failed.*{name}", house.log), "a user that is ours is named"


# --- CRAM-MD5 -------------------------------------------------------------------------------------------------------


def test_cram_md5_is_offered_where_it_is_asked_for_and_takes_credentials_made_for_it(house, scanners, ports):
    name, password = add(house, scanners, "--cram-md5")
    other, secret = add(house, scanners)
    with connect(ports["open"], "127.0.0.33") as peer:
        peer.ehlo()
        assert "CRAM-MD5" not in peer.esmtp_features["auth"]
        assert peer.docmd("AUTH", "CRAM-MD5")[0] == 504
    for user, word, code in [(name, password, 235), (name, password + "x", 535), (other, secret, 535)]:
        with connect(ports["cram"], "127.0.0.33") as peer:
            peer.ehlo()
            assert "CRAM-MD5" in peer.esmtp_features["auth"].split()
            peer.user, peer.password = user, word
            if code == 235:
                assert peer.auth("CRAM-MD5", peer.auth_cram_md5)[0] == 235
                assert peer.mail("scan@corp.example")[0] == 250
            else:
                with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
                    peer.auth("CRAM-MD5", peer.auth_cram_md5)
                assert caught.value.smtp_code == 535
    with connect(ports["cram"], "127.0.0.33") as peer:
        assert peer.login(name, password)[0] == 235, "smtplib takes CRAM-MD5 first"


def test_without_its_key_file_cram_md5_says_try_again_and_other_ways_still_work(own, postfix):
    port = free_port()
    gateway = own(postfix.port, lambda c: c["receiveConnectors"].append(door("CRAM", port, authentication=["plain", "cram-md5"])))
    app = gateway.app()
    name, password = add(gateway, app, "--cram-md5")
    (gateway.folder / "data" / "credentials.key").unlink()
    gateway.start()
    with connect(port) as peer:
        peer.ehlo()
        peer.user, peer.password = name, password
        with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
            peer.auth("CRAM-MD5", peer.auth_cram_md5)
        assert (caught.value.smtp_code, caught.value.smtp_error) == (454, b"4.7.0 Temporary authentication failure")
        assert plain(peer, name, password)[0] == 235
    assert "credentials.key: is missing" in gateway.log


# --- failed logons --------------------------------------------------------------------------------------------------


def test_an_attacker_is_shut_out_and_a_printer_at_another_address_is_not(house, scanners, ports):
    name, password = add(house, scanners)
    attacker, printer = "127.0.0.40", "127.0.0.41"
    replies = []
    with connect(ports["open"], attacker) as peer:
        peer.ehlo()
        while len(replies) < 40 and (not replies or replies[-1][0] == 535):
            replies.append(plain(peer, name, f"guess {len(replies)}"))
    assert [code for code, _ in replies] == [535] * 12 + [421]
    assert replies[-1][1] == b"4.7.0 Too many failed logons from your address, try again later"
    with connect(ports["open"], attacker) as peer:
        peer.ehlo()
        assert plain(peer, name, password)[0] == 421, "not even the right one is judged"
    with connect(ports["open"], printer) as peer:
        peer.ehlo()
        begin = time.monotonic()
        assert plain(peer, name, password)[0] == 235
        assert time.monotonic() - begin < 3
    with Session(house.smtp, source=attacker) as peer:
        assert peer.envelope("x@corp.example", "ops@corp.example")[-1].startswith("250"), "its mail is still taken"
    assert re.search(r"logons of 127\.0\.0\.40 are shut out for 300 s", house.log)
    metrics = house.client().get("/metrics").body.decode()
    turned = re.search(r'postern_logons_turned_away_total\{reason="failures"\} (\d+)', metrics)
    assert int(turned[1]) >= 2


def test_a_flood_of_guesses_does_not_keep_a_printer_waiting(house, scanners, ports):
    name, password = add(house, scanners)

    def guess(number):
        with connect(ports["open"], f"127.0.0.{50 + number % 6}") as peer:
            peer.ehlo()
            return plain(peer, f"nobody{number}", "guess")[0]

    with concurrent.futures.ThreadPoolExecutor(36) as pool:
        guesses = [pool.submit(guess, number) for number in range(36)]
        time.sleep(0.15)
        with connect(ports["open"], "127.0.0.59") as peer:
            peer.ehlo()
            begin = time.monotonic()
            assert plain(peer, name, password)[0] == 235
            waited = time.monotonic() - begin
        codes = {one.result() for one in guesses}
    assert waited < 3, waited
    assert codes <= {535, 454}


def test_a_crowd_of_strangers_does_not_keep_a_printer_out_that_has_logged_on_before(own):
    port = free_port()
    gateway = own(change=lambda config: config["receiveConnectors"].append(door("Open", port))).start()
    scanners = gateway.app()
    printer = "127.0.0.9"
    name, password = add(gateway, scanners)
    with connect(port, printer) as peer:
        peer.ehlo()
        assert plain(peer, name, password)[0] == 235
        assert peer.sendmail("scan@corp.example", ["ops@corp.example"], MAIL % b"x") == {}
    eventually(lambda: any(one["principal"] for one in gateway.ask("source", "list")), what="the inventory")
    gateway.kill()
    gateway.start()  # it is remembered over a restart, its password is not
    stop, codes = threading.Event(), set()

    def guess(number):
        with connect(port, f"127.0.1.{number + 1}") as peer:
            peer.ehlo()
            while not stop.is_set():
                codes.add(plain(peer, f"nobody{number}", "guess")[0])

    with concurrent.futures.ThreadPoolExecutor(60) as pool:
        guesses = [pool.submit(guess, number) for number in range(60)]
        try:
            eventually(lambda: 454 in codes, what="a full line")
            for _ in range(2):
                name, password = add(gateway, scanners)  # nothing is remembered of this one
                with connect(port, printer) as peer:
                    peer.ehlo()
                    assert plain(peer, name, password)[0] == 235
        finally:
            stop.set()
        for one in guesses:
            with contextlib.suppress(smtplib.SMTPException):
                one.result()
    assert codes <= {535, 454, 421}
    assert gateway.log.count("logon not judged") < 10, "a crowd fills no log"


def test_an_unknown_user_costs_as_much_as_a_known_one(house, scanners, ports):
    name, _ = add(house, scanners)
    times = {name: [], "nobody": []}
    for round in range(4):
        for user in times:
            with connect(ports["open"], f"127.0.0.{70 + round}") as peer:
                peer.ehlo()
                begin = time.monotonic()
                assert plain(peer, user, f"wrong {round}")[0] == 535
                times[user].append(time.monotonic() - begin)
    known, unknown = min(times[name]), min(times["nobody"])
    assert 0.4 < unknown / known < 2.5, times
    assert unknown > 0.01, "it was not hashed at all"


def test_a_failed_logon_is_answered_late_but_in_time(house, ports):
    with connect(ports["slow"], "127.0.0.80") as peer:
        peer.ehlo()
        begin = time.monotonic()
        assert plain(peer, "nobody", "wrong")[0] == 535
        assert 1 <= time.monotonic() - begin < 6


def test_a_suspect_address_waits_before_it_is_judged(house, scanners, ports):
    name, password = add(house, scanners)
    suspect, other = "127.0.0.82", "127.0.0.83"

    def fail(number):
        with connect(ports["slow"], suspect) as peer:
            peer.ehlo()
            return plain(peer, name, f"guess {number}")[0]

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        assert set(pool.map(fail, range(6))) == {535}
    waits = {}
    for source in (suspect, other):
        with connect(ports["slow"], source) as peer:
            peer.ehlo()
            begin = time.monotonic()
            assert plain(peer, name, password)[0] == 235
            waits[source] = time.monotonic() - begin
    assert waits[suspect] >= 1 > waits[other], waits


def test_after_a_failed_logon_mail_is_refused_or_taken_as_the_anonymous_clients_and_told(house, ports):
    wrong = base64.b64encode(b"\0u\0wrong").decode()
    with Session(ports["open"], source="127.0.0.81") as peer:
        peer.say("EHLO x")
        assert peer.say(f"AUTH PLAIN {wrong}") == "535 5.7.3 Authentication unsuccessful"
        assert peer.say("MAIL FROM:<a@corp.example>") == (
            "530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM"
        )
    with Session(ports["mixed"], source="127.0.0.81") as peer:
        peer.say("EHLO x")
        assert peer.say(f"AUTH PLAIN {wrong}").startswith("535 5.7.3")
        assert peer.say("MAIL FROM:<a@corp.example>").startswith("250")
        assert peer.say("RCPT TO:<x@elsewhere.example>").startswith("550 5.7.54"), "decided as the anonymous"
        assert peer.say("RCPT TO:<ops@corp.example>").startswith("250")
    line = eventually(lambda: re.search(r".*mail after a failed logon.*", house.log), within=2)[0]
    assert "Mixed" in line and re.search("warn", line, re.IGNORECASE)


# --- client certificates --------------------------------------------------------------------------------------------


def fingerprint(certificate) -> str:
    der = ssl.PEM_cert_to_DER_cert(certificate.certificate.read_text())
    digits = hashlib.sha256(der).hexdigest().upper()
    return ":".join(digits[place : place + 2] for place in range(0, 64, 2))


@pytest.fixture(scope="module")
def certified(house):
    certificate = house.authority.issue(marker("client"))
    app = house.app("--certificate", fingerprint(certificate), "--sender", "cert@corp.example")
    return app, certificate


def submits(house, ports, certificate, name, context=None):
    """The codes of MAIL as the certificate's application's sender, and as another."""
    context = context or trusting(house, certificate)
    if name == "implicit":
        peer = smtplib.SMTP_SSL("127.0.0.1", ports[name], timeout=20, local_hostname="tests", context=context)
    else:
        peer = connect(ports[name])
        peer.starttls(context=context)
    with peer:
        peer.ehlo()
        own = peer.mail("cert@corp.example")[0]
        peer.rset()
        return own, peer.mail("other@corp.example")[0]


@pytest.mark.parametrize("name", ["certified", "implicit"])
def test_a_listed_certificate_is_its_application_without_auth(house, ports, certified, name):
    assert submits(house, ports, certified[1], name) == (250, 550)
    assert submits(house, ports, None, name) == (530, 530), "none is asked for, not demanded"
    assert submits(house, ports, house.authority.issue(marker("other")), name) == (530, 530)


def test_the_inventory_tells_who_came_by_certificate(house, ports, certified):
    app, certificate = certified
    submits(house, ports, certificate, "certified")

    def seen():
        rows = house.admin.get("/v1/sources").json()["data"]
        return [row for row in rows if row["principal"] == app.name and row["mechanism"] == "CERTIFICATE"]

    eventually(seen, what="a source by certificate")


def test_a_certificate_of_another_authority_is_nobody(house, ports, tmp_path):
    from peers import Authority

    strange = Authority(tmp_path).issue("client.test.example")
    house.app("--certificate", fingerprint(strange))
    assert submits(house, ports, strange, "certified") == (530, 530)
    assert re.search(r"the client's certificate is not believed: \S.* connector=Certified", house.log)


def test_an_expired_certificate_is_nobody_and_the_log_says_why(house, ports):
    old = house.authority.issue(marker("old"), days=-0.5)
    house.app("--certificate", fingerprint(old))
    assert submits(house, ports, old, "implicit") == (530, 530)
    assert re.search(r"certificate is not believed: certificate has expired connector=Implicit", house.log)


def test_a_certificate_says_nothing_where_no_authority_is_configured(house, certified):
    with connect(house.submission) as peer:
        peer.starttls(context=trusting(house, certified[1]))
        peer.ehlo()
        assert peer.mail("cert@corp.example")[0] == 530


def web(house, ports, certificate, key=None):
    connection = http.client.HTTPSConnection(
        "127.0.0.1", ports["web"], timeout=20, context=trusting(house, certificate)
    )
    try:
        connection.request("GET", "/v1/me", headers={"X-API-Key": key} if key else {})
        response = connection.getresponse()
        answer = Answer("GET", response.status, merged(response.getheaders()), response.read())
    finally:
        connection.close()
    DOCUMENT.judge("GET", "/v1/me", answer)
    return answer


def test_a_certificate_is_a_credential_over_http_and_two_must_agree(house, ports, certified, scanners):
    app, certificate = certified
    me = web(house, ports, certificate)
    assert me.status == 200 and me.json()["application"]["name"] == app.name
    assert web(house, ports, certificate, app.key).status == 200
    assert web(house, ports, certificate, scanners.key).code == "invalid_credentials"
    assert web(house, ports, None).code == "missing_credentials"
    stranger = house.authority.issue(marker("nobody"))
    assert web(house, ports, stranger).code == "missing_credentials"
    assert web(house, ports, stranger, scanners.key).status == 200


def test_a_certificate_taken_off_the_list_ends_at_once(house, ports):
    certificate = house.authority.issue(marker("client"))
    app = house.app(known=False)
    change = lambda prints: house.admin.request(  # noqa: E731
        "PATCH", f"/v1/applications/{app.id}", json_body={"certificates": prints}
    )
    assert web(house, ports, certificate).status == 401
    assert change([fingerprint(certificate)]).json()["certificates"] == [fingerprint(certificate).replace(":", "").lower()]
    assert web(house, ports, certificate).status == 200
    with connect(ports["certified"]) as peer:
        peer.starttls(context=trusting(house, certificate))
        peer.ehlo()
        assert peer.mail("a@corp.example")[0] == 250
        peer.rset()
        assert change([]).status == 200
        assert peer.mail("a@corp.example")[0] == 530
    assert web(house, ports, certificate).status == 401
