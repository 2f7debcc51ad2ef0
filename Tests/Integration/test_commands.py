"""The command line: the same whether the server runs or not, exit codes after sysexits, and words that cure."""

import json
import os
import re
import shlex
import subprocess

import pytest

from peers import eventually, free_port
from postern import BINARY, EXIT_CONFIGURATION, EXIT_DATA, EXIT_TEMPORARY, EXIT_USAGE, Client, Session, marker

# --- running and stopped ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
def test_applications_and_keys_are_managed_whether_the_server_runs_or_not(own, postfix, running):
    gateway = own(postfix.port)
    if running:
        gateway.start()
    made = gateway.ask(
        "app", "add", "backup", "--relay", "external", "--sender", "*@corp.example", "--scope", "messages:send", "--scope",
        "messages:read", "--rate", "600/min", "--ip", "127.0.0.0/8", "--default-from", "b@corp.example", "--default-to", "o@corp.example",
    )  # fmt: skip
    assert (made["name"], made["relay"], made["senders"], made["rate"]) == (
        "backup",
        "external",
        ["*@corp.example"],
        "600/min",
    )
    assert gateway.run("app", "add", "backup").status == 73, "a name is taken once"
    second = gateway.ask("key", "issue", "--app", "backup", "--expires", "30d")
    rotated = gateway.ask("key", "rotate", second["id"], "--overlap", "1h")
    listed = gateway.ask("key", "list", "--app", "backup")
    assert len(listed) == 3 and all("key" not in key for key in listed)
    assert {second["id"], rotated["id"]} <= {key["id"] for key in listed} | {"key_" + key["id"] for key in listed}
    assert [row["id"] for row in gateway.ask("app", "list")] == [made["id"]]
    shown = gateway.ask("app", "show", "backup")
    assert (shown["default_from"], shown["default_to"], shown["ip_ranges"]) == (
        "b@corp.example",
        ["o@corp.example"],
        ["127.0.0.0/8"],
    )
    if not running:
        gateway.start()
    for key in (made["key"], second["key"], rotated["key"]):
        eventually(lambda: gateway.client(key).get("/v1/me").status == 200, within=1)
    assert gateway.client(made["key"]).post("/v1/messages", {"text": "x"}).status == 202
    if not running:
        gateway.stop()
    assert gateway.run("key", "revoke", second["id"]).status == 0
    assert gateway.run("app", "remove", "backup").status == 0
    if not running:
        gateway.start()
    eventually(lambda: gateway.client(made["key"]).get("/v1/me").status == 401, within=1)
    assert gateway.ask("app", "list") == []


@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
def test_messages_and_the_queue_are_shown_whether_the_server_runs_or_not(own, running):
    gateway = own(next_hop=free_port(), change=lambda config: config["delivery"].update(retry=["1h"])).start()
    client = gateway.ready_client()
    answer = client.send(subject="Shown", to=["a@corp.example", "b@corp.example"])
    client.until(answer.id, "deferred")
    if not running:
        gateway.stop()
    shown = gateway.ask("message", "show", answer.id)
    assert (shown["id"], shown["subject"], shown["status"]) == (answer.id, "Shown", "deferred")
    events = gateway.ask("message", "events", answer.id)
    assert any("deferred" in event["type"] for event in events)
    source = gateway.run("message", "source", answer.id)
    assert source.status == 0 and "Subject: Shown" in source.out
    assert [row["id"] for row in gateway.ask("queue", "list")] == [answer.id]
    assert gateway.ask("queue", "summary")["depth"] == 2
    assert gateway.run("message", "show", "msg_00000000000000000000000000").status == EXIT_DATA


def test_connectors_and_domains_are_listed(gateway):
    connectors = gateway.ask("connector", "list")
    assert [c["name"] for c in connectors] == [c["name"] for c in gateway.config["receiveConnectors"]]
    assert connectors[0]["bindings"] == [f"127.0.0.1:{gateway.http}"]
    assert gateway.ask("domain", "list")[0]["domain"] == "corp.example"
    table = gateway.run("connector", "list").out
    assert "Default Frontend" in table and str(gateway.smtp) in table


@pytest.mark.parametrize(
    "kind", ["app", "key", "credential", "connector", "domain", "route", "source", "suppression", "queue"]
)
def test_a_list_in_json_is_objects_with_ids(gateway, kind):
    app = gateway.app()
    gateway.ask("credential", "add", "--app", app.name, "--username", marker("dev"))
    gateway.run("suppression", "add", "left@corp.example")
    gateway.client(app).send(send_at="2030-01-01T00:00:00Z")
    with Session(gateway.smtp) as peer:
        peer.envelope("a@corp.example", "b@corp.example")
    listed = eventually(lambda: gateway.ask(kind, "list"), what="one of them")
    ids = [one["id"] for one in listed]
    assert all(isinstance(id, str) and id for id in ids) and len(set(ids)) == len(ids)


def test_a_running_server_is_asked_though_its_file_is_broken_meanwhile(own):
    gateway = own().start()
    broken = gateway.copy_of_config()
    broken["receiveConnectors"][1]["preset"] = "legacy"
    gateway.write(broken)
    assert gateway.run("check").status == 78
    names = {one["name"] for one in gateway.ask("connector", "list")}
    assert "Default Frontend" in names
    words = ("--from", "a@corp.example", "--to", "b@corp.example")
    assert gateway.ask("explain", *words, "--port", gateway.smtp)["accepted"]
    assert gateway.run("send", *words, "--text", "x").status == 0
    assert gateway.stop() == 0
    ran = gateway.run("connector", "list")
    assert ran.status == 78 and "receiveConnectors[1].preset" in ran.err, "nobody but the file is left to ask"


def test_a_command_without_sense_is_64_and_help_is_0(gateway):
    for words in (
        ["fly"],
        ["app"],
        ["app", "add"],
        ["app", "add", "x", "--colour", "red"],
        ["key", "issue"],
        ["explain", "--from", "a@b"],
    ):
        ran = gateway.run(*words)
        assert ran.status == EXIT_USAGE, (words, ran)
        assert ran.err and not ran.out
    for words in (["--help"], ["serve", "--help"], ["app", "add", "--help"], ["version"]):
        ran = gateway.run(*words, config=False)
        assert ran.status == 0 and ran.out, words
    assert gateway.run("app", "add", marker(), "--sender", "@@").status in (EXIT_USAGE, EXIT_DATA)
    assert gateway.run("app", "add", marker(), "--ip", "300.1.1.1").status in (EXIT_USAGE, EXIT_DATA)
    assert gateway.run("app", "show", "nobody").status == EXIT_DATA


def test_the_configuration_may_be_named_by_the_environment(gateway):
    assert gateway.run("domain", "list", config=False, env={"POSTERN_CONFIG": str(gateway.file)}).status == 0
    missing = gateway.run("domain", "list", config=False, env={"POSTERN_CONFIG": "/nonexistent/postern.json5"})
    assert missing.status == EXIT_CONFIGURATION and "/nonexistent/postern.json5" in missing.all


# --- send -------------------------------------------------------------------------------------------------------------


def test_send_submits_from_a_shell_as_a_local_user(gateway, postfix):
    word = marker()
    sent = gateway.ask(
        "send", "--from", "cron@corp.example", "--to", "ops@corp.example", "--subject", word, input="Line one\n"
    )
    assert sent["id"].startswith("msg_")
    arrived = postfix.one(word)
    assert (arrived.sender, arrived.recipient, arrived.text) == ("cron@corp.example", "ops@corp.example", "Line one\n")
    assert any(str(os.getuid()) in line for line in arrived.mail.get_all("Received")), (
        "the caller's uid is in the trace"
    )


def test_send_is_held_to_the_rules_and_says_so(gateway):
    ran = gateway.run("send", "--from", "cron@corp.example", "--to", "x@elsewhere.example", "--subject", "x", input="x")
    assert ran.status == 77, ran
    assert "550 5.7.54" in ran.all


def test_send_as_an_application_needs_its_key(gateway, postfix):
    word, app = marker(), gateway.app("--relay", "external")
    words = ("send", "--app", app.name, "--from", "a@corp.example", "--to", "far@elsewhere.example", "--subject", word)
    assert gateway.run(*words, input="x").status in (EXIT_USAGE, 77)
    assert gateway.run(*words, input="x", env={"POSTERN_KEY": app.key}).status == 0
    assert postfix.one(word).recipient == "far@elsewhere.example"


def test_send_without_a_server_says_try_again(own):
    ran = own().run("send", "--from", "a@corp.example", "--to", "b@corp.example", "--subject", "x", input="x")
    assert ran.status == EXIT_TEMPORARY


# --- check ------------------------------------------------------------------------------------------------------------


def broken(gateway, change) -> str:
    config = gateway.copy_of_config()
    change(config)
    gateway.write(config)
    ran = gateway.run("check")
    assert ran.status == EXIT_CONFIGURATION, ran
    assert str(gateway.file) in ran.all, "the file is named"
    return ran.all


def line_of(gateway, text) -> int:
    return 1 + next(n for n, line in enumerate(gateway.file.read_text().splitlines()) if text in line)


def test_a_good_configuration_passes(own):
    ran = own().run("check")
    assert ran.status == 0, ran


def test_an_unknown_key_is_named_with_file_line_path_and_cure(own):
    gateway = own()

    def misspell(config):
        config["receiveConnectors"][1]["bindngs"] = config["receiveConnectors"][1].pop("bindings")

    words = broken(gateway, misspell)
    assert "receiveConnectors[1].bindngs" in words
    assert re.search(rf"\b{line_of(gateway, 'bindngs')}\b", words), "the line is named"
    assert re.search(r"\bbindings\b", words), "the cure is named"


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda c: c.update(hostname=5), ["hostname"]),
        (lambda c: c.pop("receiveConnectors"), ["receiveConnectors"]),
        (lambda c: c["receiveConnectors"][0].update(protocol="gopher"), ["receiveConnectors[0].protocol", "http"]),
        (lambda c: c["receiveConnectors"][0].update(authentication=["plain"]), ["receiveConnectors[0].authentication"]),
        (lambda c: c["receiveConnectors"][1].update(bindings=["127.0.0.1"]), ["receiveConnectors[1].bindings[0]"]),
        (lambda c: c["receiveConnectors"][2].update(remoteIPRanges=["10.0.0.300"]), ["receiveConnectors[2].remoteIPRanges[0]"]),
        (lambda c: c["receiveConnectors"][1]["limits"].update(messageSize="big"), ["receiveConnectors[1].limits.messageSize", "36MB"]),
        (lambda c: c["receiveConnectors"][1]["limits"].update(inactivity="5 minutes"), ["limits.inactivity"]),
        (lambda c: c["receiveConnectors"][1].update(preset="fast"), ["receiveConnectors[1].preset", "default-frontend"]),
        (lambda c: c["receiveConnectors"][1].update(rights=["fly"]), ["receiveConnectors[1].rights[0]", "acceptAnyRecipient"]),
        (lambda c: c["receiveConnectors"][1].update(name="HTTP API"), ["HTTP API"]),
        (lambda c: c["receiveConnectors"][3]["tls"].update(certificate="none such"), ["receiveConnectors[3].tls.certificate"]),
        (lambda c: c["certificates"][0].update(keyFile="/nonexistent.key"), ["certificates[0].keyFile", "/nonexistent.key"]),
        (lambda c: c["acceptedDomains"].append({"domain": "*corp.example"}), ["acceptedDomains[2].domain"]),
        (lambda c: c["acceptedDomains"].append({"domain": "corp.example"}), ["acceptedDomains[2]", "corp.example"]),
        (lambda c: c["acceptedDomains"][0].update(type="mine"), ["acceptedDomains[0].type", "internalRelay"]),
        (lambda c: c["sendConnectors"][0].update(delivery="mx"), ["sendConnectors[0]"]),
        (lambda c: c["sendConnectors"][0].pop("smartHosts"), ["sendConnectors[0]", "smartHosts"]),
        (lambda c: c["sendConnectors"][0].update(tls="maybe"), ["sendConnectors[0].tls", "opportunistic"]),
        (lambda c: c["sendConnectors"][0].update(authentication={"mechanism": "plain", "username": "x", "password": "y"}), ["password", "passwordFile"]),
        (lambda c: c["delivery"].update(retry=["often"]), ["delivery.retry[0]"]),
        (lambda c: c.update(limits={"storeFloor": -1}), ["limits.storeFloor"]),
    ],
)  # fmt: skip
def test_each_mistake_is_named_by_its_key_path(own, change, words):
    gateway = own()
    said = broken(gateway, change)
    for word in words:
        assert word in said, f"{word!r} is missing in: {said}"


def test_several_mistakes_are_told_at_once(own):
    def two(config):
        config["hostname"] = 5
        config["delivery"]["retry"] = ["often"]

    said = broken(own(), two)
    assert "hostname" in said and "delivery.retry[0]" in said


def test_a_file_that_is_no_json5_is_told_with_its_place(own):
    gateway = own()
    gateway.file.write_text("{\n  hostname: 'x',\n  log: { level: },\n}\n")
    ran = gateway.run("check")
    assert ran.status == EXIT_CONFIGURATION
    assert str(gateway.file) in ran.all and re.search(r"\b3\b", ran.all)


def test_json5_is_read_in_its_whole_grammar(own):
    gateway = own()
    config = gateway.copy_of_config()
    text = json.dumps(config, indent=1).replace('"hostname"', "/* a\n comment */ hostname").replace('"log"', "'log'")
    gateway.file.write_text("// first\n" + text.rstrip()[:-1] + ", limits: { queuedMessages: +0x10, }, }\n")
    assert gateway.run("check").status == 0


def test_an_open_relay_is_refused_unless_it_is_owned_up_to(own):
    gateway = own()

    def relay(ranges, **more):
        def change(config):
            config["receiveConnectors"][2].update(remoteIPRanges=ranges, **more)

        return change

    for ranges in (
        ["10.0.0.0/8"],
        ["203.0.112.0/23"],
        ["0.0.0.0/0", "::/0"],
        ["203.0.113.0/25", "203.0.114.0/24"],
        ["fc00::/40"],
    ):
        assert "Printers" in broken(gateway, relay(ranges)), ranges
    for ranges in (
        ["10.1.0.0/16"],
        ["203.0.113.0/24"],
        ["fd00:1::/48"],
        ["10.1.20.0/24", "10.1.30.7"],
        ["127.0.0.0/8"],
    ):
        config = gateway.copy_of_config()
        relay(ranges)(config)
        gateway.write(config)
        assert gateway.run("check").status == 0, ranges
    config = gateway.copy_of_config()
    relay(["10.0.0.0/8"], allowOpenRelay=True)(config)
    gateway.write(config)
    assert gateway.run("check").status == 0


@pytest.mark.parametrize("ranges", [["127.0.0.7"], ["127.0.0.5-127.0.0.9"], ["127.0.0.1", "127.0.0.10-127.0.0.11"]])
def test_ranges_of_one_binding_that_are_equal_or_cross_are_refused(own, ranges):
    def twin(config):
        printers = config["receiveConnectors"][2]
        printers["remoteIPRanges"] = ["127.0.0.7"] if ranges == ["127.0.0.7"] else ["127.0.0.7-127.0.0.10"]
        config["receiveConnectors"].append({**printers, "name": "Twin", "remoteIPRanges": ranges})

    words = broken(own(), twin)
    assert "Twin" in words and "Printers" in words


def test_check_warns_of_what_is_merely_risky(own, admin):
    ran = own().run("check")
    assert ran.status == 0 and "acceptAuthoritativeDomainSender" in ran.all
    findings = admin.get("/v1/audit").json()["data"]
    assert any("acceptAuthoritativeDomainSender" in json.dumps(finding) for finding in findings)
    assert all(finding["severity"] == "warning" for finding in findings)


# --- explain ----------------------------------------------------------------------------------------------------------

CASES = [
    ("printer@corp.example", "ops@corp.example", "127.0.0.1"),
    ("printer@corp.example", "x@elsewhere.example", "127.0.0.1"),
    ("printer@corp.example", "x@elsewhere.example", "127.0.0.7"),
    ("stranger@elsewhere.example", "ops@deep.lab.example", "127.0.0.1"),
    ("", "ops@corp.example", "127.0.0.1"),
]


@pytest.mark.parametrize("sender, recipient, ip", CASES)
def test_explain_gives_the_reply_that_the_smtp_door_gives(gateway, admin, sender, recipient, ip):
    said = gateway.ask(
        "explain", "--from", sender, "--to", recipient, "--ip", ip, "--local", "127.0.0.1", "--port", gateway.smtp
    )
    asked = admin.post("/v1/explain", {"from": sender, "to": recipient, "ip": ip, "port": gateway.smtp}).json()
    assert asked == {**asked, **{name: said[name] for name in ("accepted", "connector", "rule", "reply", "route")}}
    with Session(gateway.smtp, source=ip) as peer:
        live = peer.envelope(sender, recipient)[-1]
    assert said["accepted"] == live.startswith("250")
    if not said["accepted"]:
        assert live == f"{said['reply']['code']} {said['reply']['enhanced']} {said['reply']['text']}"
    assert said["connector"] == ("Printers" if ip == "127.0.0.7" else "Default Frontend")
    assert said["route"] == ("Next" if said["accepted"] else None)
    assert [rule["name"] for rule in said["rules"]][-1] == said["rule"], "the last rule asked has decided"


@pytest.mark.parametrize(
    "sender, recipient",
    [
        ("a@corp.example", "ops@corp.example"),
        ("a@corp.example", "x@elsewhere.example"),
        ("b@corp.example", "ops@corp.example"),
    ],
)
def test_explain_gives_the_reply_that_the_http_door_gives(gateway, sender, recipient):
    app = gateway.app("--sender", "a@corp.example")
    said = gateway.ask("explain", "--from", sender, "--to", recipient, "--app", app.name, "--port", gateway.http)
    live = gateway.client(app).send(from_=sender, to=recipient)
    assert said["accepted"] == (live.status == 202)
    if not said["accepted"]:
        assert live.json()["errors"][0]["smtp"] == said["reply"]
    assert said["connector"] == "HTTP API"


def test_explain_knows_tls_size_and_the_lack_of_a_connector(gateway):
    def explain(*more):
        return gateway.ask("explain", "--from", "a@corp.example", "--to", "ops@corp.example", *more)["reply"]

    app = gateway.app()
    at = ("--port", gateway.submission, "--ip", "127.0.0.1")
    assert explain(*at)["enhanced"] == "5.7.3"
    assert explain(*at, "--tls")["enhanced"] == "5.7.57"
    assert explain(*at, "--tls", "--app", app.name)["code"] == 250
    assert explain("--port", gateway.smtp, "--size", 40 << 20)["enhanced"] == "5.3.4"
    assert explain("--port", 9)["code"] == 421


def test_explain_in_words_tells_rule_by_rule(gateway):
    ran = gateway.run(
        "explain",
        "--from",
        "a@corp.example",
        "--to",
        "x@elsewhere.example",
        "--ip",
        "127.0.0.1",
        "--port",
        gateway.smtp,
    )
    assert ran.status == 0
    assert "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain" in ran.out
    assert "Default Frontend" in ran.out


# --- demo -------------------------------------------------------------------------------------------------------------


def demo_words(tmp_path):
    ports = [free_port() for _ in range(3)]
    words = ["demo", "--http", ports[0], "--smtp", ports[1], "--submission", ports[2], "--data", tmp_path / "demo"]
    return ports, [BINARY, *map(str, words)]


def test_demo_once_sends_over_both_doors_and_ends(tmp_path):
    _, words = demo_words(tmp_path)
    done = subprocess.run([*words, "--once"], capture_output=True, text=True, timeout=30, cwd=tmp_path)
    assert done.returncode == 0, done
    assert len(set(re.findall(r"msg_[0-9a-z]{26}", done.stdout))) >= 2, "a receipt for each message"
    assert "delivered" in done.stdout


def test_the_curl_that_the_demo_prints_works_when_pasted(tmp_path):
    ports, words = demo_words(tmp_path)
    out = open(tmp_path / "out", "w+")
    process = subprocess.Popen(words, stdout=out, stderr=subprocess.STDOUT, cwd=tmp_path, stdin=subprocess.DEVNULL)
    try:
        printed = lambda: (tmp_path / "out").read_text()  # noqa: E731
        eventually(lambda: "curl" in printed() and _pasted(printed()) and _listens(ports[0]), what="the demo")
        key = re.search(r"psta_[0-9A-Za-z]{50}", printed()).group()
        pasted = subprocess.run(["bash", "-c", _pasted(printed())], capture_output=True, text=True, timeout=20)
        assert pasted.returncode == 0, pasted
        identifier = re.search(r"msg_[0-9a-z]{26}", pasted.stdout).group()
        assert Client(ports[0], key).until(identifier)["status"] == "delivered"
        assert str(ports[1]) in printed(), "the SMTP line names its port"
    finally:
        process.terminate()
        assert process.wait(35) == 0, printed()
        out.close()


def _listens(port) -> bool:
    try:
        return Client(port).get("/readyz").status == 200
    except OSError:
        return False


def _pasted(text: str) -> str | None:
    """The shell command that begins with curl: as many lines as bash needs to find it complete."""
    lines = text.splitlines()
    start = next((n for n, line in enumerate(lines) if line.strip().startswith("curl ")), len(lines))
    for end in range(start + 1, len(lines) + 1):
        command = "\n".join(lines[start:end])
        try:
            shlex.split(command)
        except ValueError:
            continue
        if not command.rstrip().endswith("\\"):
            return command
    return None


def test_explain_finds_a_door_that_is_not_on_loopback_and_the_postmaster(own):
    def elsewhere(config):
        connector = next(c for c in config["receiveConnectors"] if c["name"] == "Client Frontend")
        connector["bindings"] = ["192.0.2.25:2525"]
        config["postmaster"] = "admin@corp.example"

    gateway = own(1, elsewhere)
    app = gateway.app(known=False)
    said = gateway.ask("explain", "--from", "a@corp.example", "--to", "postmaster", "--port", "2525", "--app", app.name, "--tls")
    assert (said["accepted"], said["connector"]) == (True, "Client Frontend")


def test_check_warns_of_an_application_that_may_send_as_anyone(own):
    gateway = own(1)
    assert "any_sender" not in gateway.run("check", "--json").out
    name = gateway.app("--sender", "*", known=False).name
    found = gateway.ask("check")["findings"]
    assert [finding["subject"] for finding in found if finding["code"] == "any_sender"] == [name]
