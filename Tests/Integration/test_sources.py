"""Who has used which door: the inventory, the protocol log and what the audit makes of them."""

import csv
import smtplib
import ssl
import subprocess
import warnings

import pytest

from peers import eventually, free_port
from postern import Session
from test_connectors import reload, smtp
from test_smtp import mail

COLUMNS = "date-time connector-id session-id sequence-number local-endpoint remote-endpoint event data context".split()


def rows(gateway, *filters) -> list[dict]:
    return gateway.ask("source", "list", *filters)


def one(gateway, *filters) -> dict:
    found = rows(gateway, *filters)
    assert len(found) == 1, found
    return found[0]


def test_a_device_is_remembered_with_its_habits(gateway):
    with Session(gateway.smtp, "127.0.0.21") as peer:
        peer.send(b"HELO\n")
        peer.reply()
        peer.send(b"MAIL FROM:<ups@corp.example>\r\nRCPT TO:<ops@corp.example>\r\nRCPT TO:<x@elsewhere.example>\r\n")
        assert [peer.reply()[:3] for _ in range(3)] == ["250", "250", "550"]
        peer.say("DATA")
        peer.send(b"Subject: alarm\r\n\r\nGr\xfc\xdfe " + b"x" * 1000 + b"\nbare\r\n.\r\n")
        assert peer.reply().startswith("250")
    seen = eventually(
        lambda: (found := rows(gateway, "--address", "127.0.0.21")) and "no_quit" in found[0]["quirks"] and found[0],
        what="the end of the connection",
    )
    assert set(seen["quirks"]) == {
        "bare_line_end",
        "empty_helo",
        "no_quit",
        "missing_date",
        "missing_message_id",
        "missing_from",
        "undeclared_8bit",
        "long_lines",
    }
    assert (seen["connector"], seen["principal"], seen["messages"], seen["refusals"]) == (
        "Default Frontend",
        "anonymous",
        1,
        1,
    )
    assert seen["tls"] is None and seen["first_seen"] <= seen["last_seen"]


def test_a_from_without_an_address_is_a_quirk(gateway):
    with Session(gateway.smtp, source="127.0.0.23") as peer:
        peer.envelope("nas@corp.example", "ops@corp.example")
        assert peer.data(b"From: NAS\r\n\r\nx\r\n.\r\n").startswith("250")
        peer.say("QUIT")
    [seen] = eventually(lambda: rows(gateway, "--address", "127.0.0.23"), what="the row")
    assert "malformed_from" in seen["quirks"] and "missing_from" not in seen["quirks"]


def test_a_well_behaved_client_has_no_quirks_and_shows_its_tls_and_its_logon(gateway, authority):
    app = gateway.app()
    context = ssl.create_default_context(cafile=str(authority.file))
    with smtplib.SMTP(
        "127.0.0.1", gateway.submission, local_hostname="host.corp.example", source_address=("127.0.0.22", 0)
    ) as peer:
        peer.starttls(context=context)
        peer.login("any", app.key)
        text = "From: a@corp.example\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <x@y>\r\n\r\nx\r\n"
        peer.sendmail("a@corp.example", ["b@corp.example"], text)
        peer.sendmail("a@corp.example", ["b@corp.example"], text)
    seen = one(gateway, "--app", app.name)
    assert seen["tls"].startswith("TLSv1.") and seen["cipher"]
    assert (seen["mechanism"], seen["helo"], seen["quirks"]) == ("PLAIN", "host.corp.example", [])
    assert (seen["address"], seen["principal"], seen["messages"]) == ("127.0.0.22", app.name, 2)


def test_a_connection_without_a_mail_is_seen_too_and_its_tls_outlasts_one_in_the_clear(gateway, authority):
    context = ssl.create_default_context(cafile=str(authority.file))
    with smtplib.SMTP("127.0.0.1", gateway.smtp, source_address=("127.0.0.24", 0)) as peer:
        peer.starttls(context=context)
        peer.ehlo("probe")
        assert peer.docmd("MAIL", "FROM:<a@corp.example>")[0] == 250
        assert peer.docmd("RCPT", "TO:<x@elsewhere.example>")[0] == 550
    seen = eventually(lambda: rows(gateway, "--address", "127.0.0.24"), what="the end of the connection")[0]
    assert seen["tls"].startswith("TLSv1.") and seen["helo"] == "probe"
    assert (seen["messages"], seen["refusals"], seen["quirks"]) == (0, 1, [])
    with Session(gateway.smtp, "127.0.0.24") as peer:
        peer.say("EHLO clear")
        peer.say("QUIT")
    eventually(lambda: one(gateway, "--address", "127.0.0.24")["helo"] == "clear", what="a connection in the clear")
    assert one(gateway, "--address", "127.0.0.24")["tls"] == seen["tls"], "what it can is not what it did last"


def test_programs_over_http_are_sources_and_each_sees_its_own(gateway, admin):
    app = gateway.app()
    client = gateway.client(app, source="127.0.0.23")
    assert client.send().status == 202
    assert client.send(to="x@elsewhere.example").status == 403
    client.post("/v1/messages/batch", {"messages": [{"from": "a@corp.example", "to": "b@corp.example", "text": "x"}] * 3})
    own = client.get("/v1/sources").json()["data"]
    assert [(row["address"], row["connector"], row["messages"], row["refusals"]) for row in own] == [
        ("127.0.0.23", "HTTP API", 4, 1)
    ]
    assert own[0]["principal"] == app.name and own[0]["application"] == app.id
    assert client.get("/v1/sources?application=another").json()["data"] == []
    everyone = admin.get("/v1/sources?limit=200").json()["data"]
    assert len(everyone) > 1 and own[0] in everyone
    assert admin.get(f"/v1/sources?application={app.name}").json()["data"] == own
    assert admin.get("/v1/sources?address=127.0.0.22-127.0.0.24&connector=HTTP%20API").json()["data"] == own
    assert admin.get("/v1/sources?address=10.0.0.0/8").json()["data"] == []
    assert admin.get("/v1/sources?address=::/0").json()["data"] == [], "of IPv6 nobody has come"
    assert admin.get("/v1/sources?address=::ffff:127.0.0.23&connector=HTTP%20API").json()["data"] == own
    assert admin.get("/v1/sources?address=nowhere").status == 422
    assert admin.get("/v1/sources?colour=red").status == 422
    assert gateway.client().get("/v1/sources").status == 401
    reader = gateway.ready_client("--scope", "messages:send")
    assert reader.get("/v1/sources").status == 403


def test_the_list_is_read_page_by_page_and_survives_a_restart(own, postfix):
    gateway = own(postfix.port).start()
    for number in range(31, 36):
        with Session(gateway.smtp, f"127.0.0.{number}") as peer:
            peer.say("EHLO x")
            peer.say("QUIT")
    admin, seen, target = gateway.admin, [], "/v1/sources?limit=2"
    while target:
        page = admin.get(target).json()
        seen += [row["address"] for row in page["data"]]
        target = page["next_cursor"] and f"/v1/sources?limit=2&cursor={page['next_cursor']}"
    assert sorted(seen) == [f"127.0.0.{number}" for number in range(31, 36)]
    with Session(gateway.smtp, "127.0.0.36") as peer:
        peer.say("QUIT")
    assert gateway.stop() == 0
    assert len(rows(gateway)) == 6, "without a server too"
    assert "ADDRESS" in gateway.run("source", "list").out


def test_the_audit_names_who_still_needs_old_tls(own):
    port = free_port()

    def change(config):
        old = {"mode": "offered", "minimumVersion": "1.0"}
        config["receiveConnectors"].append(
            smtp("Legacy", f"127.0.0.1:{port}", remoteIPRanges=["127.0.0.0/24"], tls=old)
        )

    gateway = own(change=change).start()
    context = ssl._create_unverified_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    with smtplib.SMTP("127.0.0.1", port, local_hostname="copier", source_address=("127.0.0.51", 0)) as peer:
        peer.starttls(context=context)
        peer.ehlo()
    with Session(port, "127.0.0.52") as peer:
        peer.say("QUIT")

    def named():
        return [f for f in gateway.admin.get("/v1/audit").json()["data"] if f["code"] == "needs_old_tls"]

    found = eventually(named, what="the finding")
    assert [finding["subject"] for finding in found] == ["Legacy"]
    assert "127.0.0.51 (copier) still needs TLSv1;" in found[0]["detail"]
    assert "127.0.0.51 (copier) still needs TLSv1;" in gateway.run("check").out
    assert gateway.stop() == 0
    assert "127.0.0.51 (copier) still needs TLSv1;" in gateway.run("check").out, "without a server too"


# --- the protocol log ---------------------------------------------------------------------------------------------------


def logged(gateway) -> list[dict]:
    found = []
    for file in sorted((gateway.folder / "data" / "log").glob("RECV*.log")):
        lines = file.read_bytes().decode().split("\r\n")
        if len(lines) < 6:
            continue  # being written
        assert lines[4] == "#Fields: " + ",".join(COLUMNS)
        found += csv.DictReader([line for line in lines[5:] if line], COLUMNS)
    return found


def test_the_protocol_log_tells_a_session_as_exchange_does(own, postfix):
    gateway = own(postfix.port, lambda config: config["receiveConnectors"][1].update(protocolLog=True)).start()
    with Session(gateway.smtp, "127.0.0.41") as peer:
        peer.say("EHLO printer,3rd")
        peer.say("MAIL FROM:<a@corp.example>")
        peer.say("RCPT TO:<b@corp.example>")
        peer.data(mail("secretcontent"))
        peer.send(b"MAIL FROM:<a@corp.example>\r\nRCPT TO:<b@corp.example>\r\nBDAT 17 LAST\r\n\r\nsecretcontent\r\n")
        assert [peer.reply()[:3] for _ in range(3)] == ["250"] * 3
        peer.say("QUIT")
    with Session(gateway.smtp, "127.0.0.7") as peer:
        peer.say("EHLO x")  # another connector, which keeps no log
    lines = eventually(lambda: (all_ := logged(gateway)) and all_[-1]["event"] == "-" and all_, what="the log")
    assert {line["connector-id"] for line in lines} == {"Default Frontend"}
    assert len({line["session-id"] for line in lines}) == 1
    assert [int(line["sequence-number"]) for line in lines] == list(range(len(lines)))
    assert lines[0]["remote-endpoint"].startswith("127.0.0.41:")
    assert lines[0]["local-endpoint"] == f"127.0.0.1:{gateway.smtp}"
    told = [(line["event"], line["data"]) for line in lines]
    assert told[0] == ("+", "") and told[1][0] == ">" and told[1][1].startswith("220 ")
    assert told[2] == ("<", "EHLO printer,3rd")
    assert told[3][1].startswith("250-relay.test.example Hello [127.0.0.41] SIZE ")
    assert told[4:9] == [
        ("<", "MAIL FROM:<a@corp.example>"),
        (">", "250 2.1.0 Sender OK"),
        ("<", "RCPT TO:<b@corp.example>"),
        (">", "250 2.1.5 Recipient OK"),
        ("<", "DATA"),
    ]
    assert ("<", "BDAT 17 LAST") in told and ("<", "QUIT") in told
    assert told[-2] == (">", "221 2.0.0 Service closing transmission channel")
    assert not any("secretcontent" in line["data"] for line in lines)


@pytest.mark.parametrize("tls", [False, True])
def test_no_secret_comes_into_the_protocol_log(own, tls):
    def change(config):
        connector = config["receiveConnectors"][3]
        connector["protocolLog"] = True
        if not tls:
            connector.update(tls={"mode": "offered"}, allowPlaintextAuthentication=True)
            connector["limits"] |= {"protocolErrors": 0, "logonFailures": 0}

    gateway = own(change=change).start()
    app = gateway.app()
    if tls:
        with smtplib.SMTP("127.0.0.1", gateway.submission) as peer:
            peer.starttls(context=ssl._create_unverified_context())
            peer.login("any", app.key)
            peer.quit()
        eventually(
            lambda: any("authenticated as " + app.name in line["data"] for line in logged(gateway)), what="the log"
        )
    secrets = ["AGFueQBzZWNyZXQ=", "c2VjcmV0", "dXNlcm5hbWU=", "c3RyYXk="]
    with Session(gateway.submission) as peer:
        peer.say("EHLO x")
        if not tls:
            peer.say("AUTH PLAIN AGFueQBzZWNyZXQ=")
            peer.say("AUTH LOGIN dXNlcm5hbWU=")
            peer.say("c2VjcmV0")
            peer.say("auth plain")
            peer.say("AGFueQBzZWNyZXQ=")
            peer.say("AUTH NTLM c3RyYXk=")
            peer.say(f"X-API-Key: {app.key}")
        else:
            peer.say("AUTH PLAIN AGFueQBzZWNyZXQ=")
            peer.say("AUTH LOGIN")
        peer.say("c3RyYXk=")  # the client did not see that AUTH was refused
        peer.say("QUIT")

    def text():
        return "".join(file.read_text() for file in (gateway.folder / "data" / "log").glob("RECV*.log"))

    eventually(lambda: ",<,QUIT," in text(), what="the log")
    assert "AUTH PLAIN ****" in text() and ",<,****," in text()
    for secret in secrets + [app.key]:
        assert secret not in text(), secret
        assert secret not in gateway.log, secret


def test_the_switch_holds_for_open_sessions_at_their_next_mail(own):
    gateway = own().start()
    connector = gateway.config["receiveConnectors"][1]

    def text():
        return "".join(file.read_text() for file in (gateway.folder / "data" / "log").glob("RECV*.log"))

    with Session(gateway.smtp, "127.0.0.41") as peer:
        peer.say("EHLO x")
        for switch, address in ((True, "first"), (False, "second"), (True, "third")):
            connector["protocolLog"] = switch
            reload(gateway)
            peer.say("MAIL FROM:<a@corp.example>")
            peer.say(f"RCPT TO:<{address}@corp.example>")
            peer.say("RSET")
    eventually(lambda: "third@corp.example" in text(), what="the log")
    assert "first@corp.example" in text() and "second@corp.example" not in text()


def test_no_key_comes_into_a_log_with_a_webhook_at_the_wrong_port(own):
    gateway = own(change=lambda config: config["receiveConnectors"][1].update(protocolLog=True)).start()
    key = gateway.app().key
    with Session(gateway.smtp, "127.0.0.41") as peer:
        peer.send(f"POST /in/{key}/grafana HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert peer.reply()[:3] in ("421", "500", "502", "554")
    eventually(lambda: "speaks HTTP to an SMTP port: POST /in/... HTTP/1.1" in gateway.log, what="the warning")
    gateway.stop()
    said = "".join(file.read_text() for file in (gateway.folder / "data" / "log").glob("RECV*.log"))
    assert "POST ****" in said
    assert key not in said and key not in gateway.log


def test_a_full_disk_leaves_one_whole_file_of_the_protocol_log_and_one_warning(own):
    gateway = own(change=lambda config: config["receiveConnectors"][1].update(protocolLog=True))
    folder = gateway.folder / "data" / "log"
    folder.mkdir(parents=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("mounts are not permitted here")
    try:
        gateway.start()

        def flood(times):
            for _ in range(times):
                with Session(gateway.smtp, "127.0.0.41") as peer:
                    for number in range(20):
                        peer.say(f"NOOP {number:0100}")

        flood(40)
        eventually(lambda: "the protocol log is not written" in gateway.log, what="the warning")
        flood(5)
        [file] = folder.iterdir()
        full = file.read_bytes().decode()
        assert full.endswith("\r\n") and {len(row) for row in csv.reader(full.splitlines()[5:])} == {9}, "no line is cut"
        assert gateway.log.count("the protocol log is not written") == 1
        subprocess.run(["mount", "-o", "remount,size=1m", folder], check=True)
        flood(1)
        eventually(lambda: file.stat().st_size > len(full.encode()), what="more lines")
        assert {len(row) for row in csv.reader(file.read_bytes().decode().splitlines()[5:])} == {9}
    finally:
        gateway.stop()
        subprocess.run(["umount", folder], check=True)


def test_who_ends_a_session_is_told_and_its_tls_is_remembered(own, authority):
    change = lambda config: config["receiveConnectors"][1].update(protocolLog=True)  # noqa: E731
    gateway = own(change=change).start()
    with smtplib.SMTP("127.0.0.1", gateway.smtp, source_address=("127.0.0.61", 0)) as peer:
        peer.starttls(context=ssl.create_default_context(cafile=str(authority.file)))
        peer.ehlo("old")
        replies = [peer.docmd("FOO")[0] for _ in range(5)]
        assert replies[-1] == 500
        peer.close()
    eventually(lambda: any(line["event"] == "-" for line in logged(gateway)), what="its end")
    [end] = [line for line in logged(gateway) if line["event"] == "-"]
    assert end["context"] == "Local", "too many errors end a session on this side"
    [seen] = eventually(lambda: rows(gateway, "--address", "127.0.0.61"), what="the row")
    assert seen["tls"].startswith("TLSv1.") and seen["cipher"]


def test_a_client_sent_away_for_the_number_of_connections_is_in_the_protocol_log(own):
    limits = {"connectionsPerSource": 1}
    change = lambda config: config["receiveConnectors"][1].update(protocolLog=True, limits=limits)  # noqa: E731
    gateway = own(change=change).start()
    with Session(gateway.smtp):
        with Session(gateway.smtp) as second:
            assert second.greeting.startswith("421 4.3.2 The maximum number of concurrent connections")
            port = second.peer.getsockname()[1]

    def of_the_second():
        return [line for line in logged(gateway) if line["remote-endpoint"] == f"127.0.0.1:{port}"]

    lines = eventually(lambda: len(of_the_second()) == 3 and of_the_second(), what="its lines")
    assert [line["event"] for line in lines] == ["+", ">", "-"]
    assert lines[1]["data"] == second.greeting and len({line["session-id"] for line in lines}) == 1


def test_without_the_switch_there_is_no_protocol_log(gateway):
    assert not (gateway.folder / "data" / "log").exists()


def test_a_session_is_in_the_log_when_the_server_has_stopped(own):
    gateway = own(change=lambda config: config["receiveConnectors"][1].update(protocolLog=True)).start()
    for _ in range(20):
        with Session(gateway.smtp) as peer:
            peer.say("NOOP")
    assert gateway.stop() == 0
    assert len([line for line in logged(gateway) if line["data"] == "NOOP"]) == 20
