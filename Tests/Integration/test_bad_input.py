"""Bad input gets a clear error in the contract's words, and keeps nothing."""

import base64
import contextlib
import gzip
import json
import sqlite3
import time
import uuid

import pytest

from peers import eventually
from postern import Session, exchange, marker

GOOD = {"from": "app@corp.example", "to": "ops@corp.example", "subject": "s", "text": "t"}


def refused(client, body, status, code, content_type="application/json", **headers):
    headers = {"Content-Type": content_type} | headers
    answer = client.post("/v1/messages", body=body if isinstance(body, bytes) else body.encode(), headers=headers)
    assert (answer.status, answer.code) == (status, code), answer
    return answer


@pytest.mark.parametrize(
    "text, line, column",
    [
        ('{"from": "a@corp.example",\n  "to": }', 2, 9),
        ('{"from": "a@corp.example"', 1, None),
        ("{'from': 1}", 1, 2),
        ('{"to": "a" "b"}', 1, None),
        ('{"a": 01}', 1, None),
        ('{"a": "\x01"}', 1, None),
        ('{"a": "\\ud800"}', 1, None),
        ('{"a": 1, "a": 2}', 1, None),
        ("[" * 5000, 1, None),
        ('{"a": 1} x', 1, None),
        ("", 1, None),
        ("\ufeff{}", 1, None),
    ],
)
def test_broken_json_is_400_and_says_where(client, text, line, column):
    answer = refused(client, text, 400, "invalid_json")
    detail = answer.json()["detail"]
    assert f"line {line}" in detail, detail
    assert column is None or f"column {column}" in detail, detail


def test_broken_utf8_is_400(client):
    refused(client, b'{"subject": "\xff\xfe"}', 400, "invalid_json")


@pytest.mark.parametrize(
    "field, value, pointer",
    [
        ("from", 7, "/from"),
        ("from", "nobody", "/from"),
        ("from", ["a@corp.example", "b@corp.example"], "/from"),
        ("from", "a@corp.example\r\nBcc: x@corp.example", "/from"),
        ("to", [], "/to"),
        ("to", None, "/to"),
        ("to", "no address", "/to"),
        ("to", "a@b@c", "/to"),
        ("to", "a@-corp.example", "/to"),
        ("to", "a..b@corp.example", "/to"),
        ("to", "a" * 70 + "@corp.example", "/to"),
        ("to", ["ok@corp.example", "bad@"], "/to/1"),
        ("to", [{"email": "ok@corp.example"}, {"name": "x"}], "/to/1/email"),
        ("to", {"email": "ok@corp.example", "nick": "x"}, "/to/nick"),
        ("to", {"email": "ok@corp.example", "name": "x\r\nBcc: y@corp.example"}, "/to/name"),
        ("cc", [{"email": 5}], "/cc/0/email"),
        ("bcc", "x y@corp.example", "/bcc"),
        ("reply_to", "x@", "/reply_to"),
        ("subject", 5, "/subject"),
        ("subject", "a\r\nBcc: x@corp.example", "/subject"),
        ("subject", "a\nb", "/subject"),
        ("subject", "a\rb", "/subject"),
        ("subject", "a\0b", "/subject"),
        ("text", {"a": 1}, "/text"),
        ("html", 1, "/html"),
        ("headers", ["X-A"], "/headers"),
        ("headers", {"X-A": 1}, "/headers/X-A"),
        ("headers", {"X-A": "a\r\nBcc: x@corp.example"}, "/headers/X-A"),
        ("headers", {"X A": "a"}, "/headers/X A"),
        ("headers", {"X-A:": "a"}, "/headers/X-A:"),
        ("headers", {"X/A\r\n": "a"}, "/headers/X~1A\r\n"),
        ("headers", {"": "a"}, "/headers/"),
        ("headers", {"Subject": "a"}, "/headers/Subject"),
        ("headers", {"bcc": "x@corp.example"}, "/headers/bcc"),
        ("headers", {"Sender": "boss@corp.example"}, "/headers/Sender"),
        ("headers", {"Date": "now"}, "/headers/Date"),
        ("headers", {"Message-ID": "<a@b>"}, "/headers/Message-ID"),
        ("headers", {"content-type": "text/html"}, "/headers/content-type"),
        ("headers", {"Received": "x"}, "/headers/Received"),
        ("headers", {"Resent-From": "x@corp.example"}, "/headers/Resent-From"),
        ("headers", {"DKIM-Signature": "x"}, "/headers/DKIM-Signature"),
        ("attachments", {}, "/attachments"),
        ("attachments", [{"filename": "a"}], "/attachments/0/content"),
        ("attachments", [{"filename": "a", "content": "!!!!"}], "/attachments/0/content"),
        ("attachments", [{"filename": "a", "content": "QQ"}], "/attachments/0/content"),
        ("attachments", [{"filename": "a", "content": "QQ==QQ=="}], "/attachments/0/content"),
        ("attachments", [{"filename": "a\r\nX: y", "content": "QQ=="}], "/attachments/0/filename"),
        ("attachments", [{"filename": "a", "content": "QQ==", "content_type": "text/plain\r\nX: y"}], "/attachments/0/content_type"),
        ("attachments", [{"filename": "a", "content": "QQ==", "content_type": "nothing"}], "/attachments/0/content_type"),
        ("attachments", [{"filename": "a", "content": "QQ==", "content_id": "x>\r\ny"}], "/attachments/0/content_id"),
        ("attachments", [{"filename": "a", "content": "QQ==", "disposition": "sideways"}], "/attachments/0/disposition"),
        ("attachments", [{"filename": "a", "content": "QQ==", "size": 1}], "/attachments/0/size"),
        ("tags", "one", "/tags"),
        ("tags", [1], "/tags/0"),
        ("metadata", [], "/metadata"),
        ("metadata", {"a": 1}, "/metadata/a"),
        ("external_id", 5, "/external_id"),
        ("send_at", "tomorrow", "/send_at"),
        ("expires_at", "2020-13-01T00:00:00Z", "/expires_at"),
        ("priority", "urgent", "/priority"),
        ("dry_run", "yes", "/dry_run"),
        ("recipients", "x", "/recipients"),
        ("a/b~c", 1, "/a~1b~0c"),
    ],
)  # fmt: skip
def test_a_bad_field_is_422_with_its_json_pointer(client, field, value, pointer):
    answer = client.post("/v1/messages", GOOD | {field: value})
    assert (answer.status, answer.code) == (422, "validation_failed"), answer
    assert answer.pointers == [pointer]
    assert answer.json()["retryable"] is False
    assert all(error["detail"] for error in answer.json()["errors"])


def test_all_faults_of_a_message_are_told_at_once(client):
    answer = client.post("/v1/messages", {"from": "x", "to": ["ok@corp.example", "y"], "colour": "red", "text": 1})
    assert set(answer.pointers) == {"/from", "/to/1", "/colour", "/text"}


@pytest.mark.parametrize(
    "missing, pointer", [({"from": None}, "/from"), ({"to": None}, "/to"), ({"text": None}, "/text")]
)
def test_a_message_needs_a_sender_a_recipient_and_something_to_say(client, missing, pointer):
    body = {name: value for name, value in (GOOD | missing).items() if value is not None}
    answer = client.post("/v1/messages", body)
    assert (answer.status, answer.code) == (422, "validation_failed")
    assert answer.pointers == [pointer]


@pytest.mark.parametrize("value", [[], "text", 7, None, True])
def test_a_message_is_an_object(client, value):
    answer = client.post("/v1/messages", body=json.dumps(value).encode(), headers={"Content-Type": "application/json"})
    assert (answer.status, answer.code) == (422, "validation_failed")


def test_refused_input_keeps_nothing_and_takes_nothing_with_it(client):
    external = marker("ext")
    for broken in ({"subject": "a\nb"}, {"colour": 1}, {"to": "x@elsewhere.example"}):
        assert client.post("/v1/messages", GOOD | {"external_id": external} | broken).status in (403, 422)
    assert client.get(f"/v1/messages?external_id={external}").json()["data"] == []
    assert client.post("/v1/messages", GOOD | {"external_id": external}).status == 202
    assert len(client.get(f"/v1/messages?external_id={external}").json()["data"]) == 1


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", None])
def test_a_body_of_an_unknown_kind_is_415(client, kind):
    headers = {"Content-Type": kind} if kind else {}
    answer = client.request("POST", "/v1/messages", body=b"x=y", headers=headers)
    assert (answer.status, answer.code) == (415, "unsupported_media_type")


def test_an_unknown_content_coding_is_415(client):
    refused(client, json.dumps(GOOD), 415, "unsupported_media_type", **{"Content-Encoding": "br"})


def test_a_gzip_body_is_read(client):
    external = marker("ext")
    body = gzip.compress(json.dumps(GOOD | {"external_id": external}).encode())
    answer = client.post(
        "/v1/messages", body=body, headers={"Content-Type": "application/json", "Content-Encoding": "gzip"}
    )
    assert answer.status == 202, answer
    assert client.get(f"/v1/messages?external_id={external}").json()["data"][0]["id"] == answer.id


@pytest.mark.parametrize("damage", ["cut", "noise", "checksum"])
def test_a_damaged_gzip_body_is_400(client, damage):
    whole = gzip.compress(json.dumps(GOOD).encode())
    body = {"cut": whole[:-9], "noise": b"not gzip at all", "checksum": whole[:-8] + bytes(4) + whole[-4:]}[damage]
    refused(client, body, 400, "malformed_request", **{"Content-Encoding": "gzip"})


def test_a_gzip_bomb_is_413_and_the_gateway_stays_small(gateway, client):
    bomb = gzip.compress(b'{"text": "' + b"a" * 300_000_000 + b'"}', 9)
    before = resident(gateway)
    refused(client, bomb, 413, "payload_too_large", **{"Content-Encoding": "gzip"})
    assert resident(gateway) - before < 150 << 20


def resident(gateway) -> int:
    with open(f"/proc/{gateway.process.pid}/statm") as file:
        return int(file.read().split()[1]) * 4096


def test_more_than_the_connectors_size_is_413_without_reading_it(own, postfix):
    def small(config):
        config["receiveConnectors"][0]["limits"] = {"messageSize": "1MB"}

    gateway = own(postfix.port, small).start()
    client = gateway.ready_client()
    answer = client.send(text="x" * 1_500_000)
    assert (answer.status, answer.code) == (413, "payload_too_large")
    content = base64.b64encode(bytes(900_000)).decode()  # 1.2 MB in base64: the limit bounds the built mail
    assert client.send(attachments=[{"filename": "a", "content": content}]).status == 413
    assert client.send(text="x" * 500_000).status == 202
    head = (
        f"POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {client.key}\r\nContent-Type: application/json\r\n"
        "Content-Length: 5000000\r\nExpect: 100-continue\r\n\r\n"
    )
    answers, _ = exchange(gateway.http, head.encode())
    assert [a.status for a in answers] == [413], "no 100 for a body that is refused"


def test_too_many_recipients_are_422_at_to(client):
    answer = client.send(to=[f"r{n}@corp.example" for n in range(201)])
    assert (answer.status, answer.code) == (422, "validation_failed")
    assert answer.pointers == ["/to"]
    assert client.send(to=[f"r{n}@corp.example" for n in range(200)]).status == 202


def test_a_raw_mail_or_form_that_cannot_be_read_is_refused(client):
    answer = client.post(
        "/v1/messages", body=b"Subject: no one\r\n\r\nx\r\n", headers={"Content-Type": "message/rfc822"}
    )
    assert (answer.status, answer.code) == (422, "validation_failed")
    answer = client.post(
        "/v1/messages", body=b"--x\r\nbroken", headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert (answer.status, answer.code) == (400, "malformed_request")
    answer = client.post("/v1/messages", body=b"x", headers={"Content-Type": "multipart/form-data"})
    assert (answer.status, answer.code) == (400, "malformed_request")
    boundary = uuid.uuid4().hex
    body = f'--{boundary}\r\nContent-Disposition: form-data; name="colour"\r\n\r\nred\r\n--{boundary}--\r\n'.encode()
    answer = client.post(
        "/v1/messages", body=body, headers={"Content-Type": f"multipart/form-data; boundary={boundary}"}
    )
    assert (answer.status, answer.code) == (422, "validation_failed")


@pytest.mark.parametrize(
    "identifier", ["msg_00000000000000000000000000", "msg_x", "nonsense", "%00", "..%2f..", "x" * 200]
)
def test_an_unknown_message_is_404(client, identifier):
    for method, tail in [("GET", ""), ("GET", "/events"), ("GET", "/source"), ("POST", "/cancel"), ("POST", "/retry")]:
        answer = client.request(method, f"/v1/messages/{identifier}{tail}")
        assert answer.status in (404, 400) if "%" in identifier else answer.status == 404, (tail, answer)


def test_an_unknown_path_is_404_and_never_a_redirect(client):
    for target in ("/v1/nothing", "/v2/messages", "/v1/messages/", "//v1/messages", "/v1//messages", "/V1/messages"):
        answer = client.get(target)
        assert (answer.status, answer.code) == (404, "not_found"), target


def test_list_parameters_are_checked(client):
    for query in (
        "limit=0",
        "limit=201",
        "limit=x",
        "cursor=nonsense",
        "status=flying",
        "created_after=yesterday",
        "colour=red",
    ):
        answer = client.get(f"/v1/messages?{query}")
        assert (answer.status, answer.code) == (422, "validation_failed"), query


# --- idempotency ------------------------------------------------------------------------------------------------------


def test_a_repeated_idempotency_key_replays_the_first_answer(client, postfix):
    word, key = marker(), marker("key")
    first = client.send(subject=word, headers={"Idempotency-Key": key})
    again = client.send(subject=word, headers={"Idempotency-Key": key})
    assert first.status == again.status == 202
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    client.until(first.id)
    postfix.one(word)


def test_a_key_with_another_body_or_target_is_422(client):
    key = marker("key")
    client.send(headers={"Idempotency-Key": key})
    answer = client.send(subject="other", headers={"Idempotency-Key": key})
    assert (answer.status, answer.code) == (422, "idempotency_payload_mismatch")
    answer = client.post("/v1/messages/batch", {"messages": [GOOD]}, headers={"Idempotency-Key": key})
    assert (answer.status, answer.code) == (422, "idempotency_payload_mismatch")


def test_a_key_counts_for_each_application_alone(gateway, client):
    key, other = marker("key"), gateway.ready_client()
    assert client.send(headers={"Idempotency-Key": key}).id != other.send(headers={"Idempotency-Key": key}).id


def test_a_refused_request_does_not_use_its_key_up(client):
    key = marker("key")
    assert client.send(to="x@elsewhere.example", headers={"Idempotency-Key": key}).status == 403
    assert client.send(headers={"Idempotency-Key": key}).status == 202


def test_an_idempotency_key_has_a_bounded_length(client):
    assert client.send(headers={"Idempotency-Key": "k" * 255}).status == 202
    assert client.send(headers={"Idempotency-Key": "k" * 256}).status in (400, 422)


def test_a_replay_serves_plain_and_zipped_alike(client):
    key, body = marker("key"), json.dumps(GOOD).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    first = client.post("/v1/messages", body=body, headers=headers)
    zipped = client.post("/v1/messages", body=gzip.compress(body), headers=headers | {"Content-Encoding": "gzip"})
    assert zipped.headers.get("idempotency-replayed") == "true" and zipped.id == first.id


def test_twenty_at_once_with_one_key_are_one_message(client, postfix):
    from concurrent.futures import ThreadPoolExecutor

    word, key = marker(), marker("key")
    with ThreadPoolExecutor(20) as pool:
        sent = [
            pool.submit(client.send, subject=word, external_id=word, headers={"Idempotency-Key": key})
            for _ in range(20)
        ]
    answers = [future.result() for future in sent]
    for answer in answers:
        if answer.status == 409:
            assert answer.code == "idempotency_key_in_use" and answer.headers["retry-after"]
        else:
            assert answer.status == 202
    taken = {answer.id for answer in answers if answer.status == 202}
    assert len(taken) == 1
    fresh = [a for a in answers if a.status == 202 and "idempotency-replayed" not in a.headers]
    assert len(fresh) == 1
    assert [m["id"] for m in client.get(f"/v1/messages?external_id={word}").json()["data"]] == list(taken)
    client.until(taken.pop())
    postfix.one(word)


def test_nothing_that_was_refused_disturbs_what_follows(gateway, client):
    assert eventually(lambda: client.send().status == 202)
    assert client.get("/readyz").status == 200


def test_the_content_of_mail_that_is_not_kept_leaves_the_disk(own, postfix):
    gateway = own(postfix.port).start()
    client = gateway.ready_client("--sender", "app@corp.example")
    content = base64.b64encode(bytes(1 << 20)).decode()
    message = {"attachments": [{"filename": "scan.pdf", "content": content}]}
    raw = b"From: app@corp.example\r\nTo: ops@corp.example\r\n\r\n" + (b"x" * 76 + b"\r\n") * 14000
    rfc822 = {"Content-Type": "message/rfc822"}

    def unowned() -> int:
        with contextlib.closing(sqlite3.connect(f"file:{gateway.folder}/data/postern.sqlite3?mode=ro", uri=True)) as db:
            return db.execute("SELECT count(*) FROM spool WHERE owners = 0").fetchone()[0]

    assert client.send(message, headers={"Idempotency-Key": '"k"'}).status == 202
    assert client.send(message, headers={"Idempotency-Key": '"k"'}).headers["idempotency-replayed"] == "true"
    assert client.send(message, dry_run=True).status == 200
    assert client.send(message, from_="boss@corp.example").status == 403
    assert client.send(message, colour="blue").status == 422
    assert client.send(message, headers={"Idempotency-Key": '"k"'}, subject="Other").status == 422
    batch = {"messages": [{"from": "boss@corp.example", "to": "ops@corp.example"} | message]}
    assert client.post("/v1/messages/batch", batch).status == 403
    assert client.post("/v1/messages/batch?mode=partial", batch).status == 202
    line = json.dumps(batch["messages"][0]).encode() + b"\n{"
    ndjson = {"Content-Type": "application/x-ndjson"}
    assert client.request("POST", "/v1/messages/batch", line, ndjson).status == 400
    assert client.request("POST", "/v1/messages?from=boss@corp.example", raw, rfc822).status == 403
    assert client.request("POST", "/v1/messages?to=nobody", raw, rfc822).status == 422
    with Session(gateway.smtp) as session:
        session.envelope("printer@corp.example", "ops@corp.example")
        assert session.data(b"From: a@corp.example\r\n" + raw + b".\r\n").startswith("550 5.6.0")
        for _ in range(31):
            raw = b"Received: by here\r\n" + raw
        session.envelope("printer@corp.example", "ops@corp.example")
        assert session.data(raw + b".\r\n").startswith("554 5.4.6")
    eventually(lambda: unowned() == 0, what="a store without contents that nobody owns")


def test_one_long_line_of_a_batch_is_read_as_it_comes(client):
    content = base64.b64encode(bytes(18 << 20)).decode()
    line = json.dumps(GOOD | {"dry_run": True, "attachments": [{"filename": "scan.pdf", "content": content}]}).encode()
    began = time.monotonic()
    answer = client.request("POST", "/v1/messages/batch", line, {"Content-Type": "application/x-ndjson"})
    assert (answer.status, answer.pointers) == (422, ["/messages/0/dry_run"])
    assert time.monotonic() - began < 3
