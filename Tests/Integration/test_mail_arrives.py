"""What is posted arrives at a real Postfix as a mail that Python's parser reads, and the status tells what Postfix said."""

import base64
import email.utils
import os
import re
import time
import uuid

from postern import HOSTNAME, marker

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def test_a_posted_alert_is_relayed_and_its_status_holds_the_reply_of_the_next_hop(client, postfix):
    word = marker()
    answer = client.send(subject=f"Backup {word}", text="412 files\n", from_="Backup <backup@corp.example>")

    assert answer.status == 202
    accepted = answer.json()
    assert answer.headers["location"] == f"/v1/messages/{accepted['id']}"
    assert accepted["recipients"] == [{**accepted["recipients"][0], "address": "ops@corp.example", "route": "Next"}]

    arrived = postfix.one(word)
    assert arrived.sender == "backup@corp.example"
    assert arrived.recipient == "ops@corp.example"
    assert arrived.mail["From"] == "Backup <backup@corp.example>"
    assert arrived.mail["To"] == "ops@corp.example"
    assert arrived.mail["Subject"] == f"Backup {word}"
    assert arrived.mail["Message-ID"] == accepted["message_id"]
    assert arrived.text == "412 files\n"

    message = client.until(accepted["id"], "relayed")
    reply = message["recipients"][0]["last_reply"]
    assert (reply["code"], reply["enhanced"]) == (250, "2.0.0")
    queued_as = re.search(r"queued as (\w+)", reply["text"]).group(1)
    assert queued_as in postfix.log, "the reply kept is not the one Postfix gave"
    assert message["recipients"][0]["attempts"] == 1
    assert message["recipients"][0]["next_attempt_at"] is None


def test_date_and_message_id_are_supplied_and_well_formed(client, postfix):
    word = marker()
    client.send(subject=word)
    mail = postfix.one(word).mail
    assert abs(email.utils.parsedate_to_datetime(mail["Date"]).timestamp() - time.time()) < 60
    assert re.fullmatch(rf"<[^@<>\s]+@{re.escape(HOSTNAME)}>", mail["Message-ID"])
    assert mail["MIME-Version"] == "1.0"


def test_subject_names_and_text_keep_every_character(client, postfix):
    word = marker()
    subject = f"Größe überschritten – 容量不足 ✉ {word} " + "ä" * 120
    answer = client.send(
        subject=subject,
        text="Grüße\nZeile zwei: 你好\n.\n..punkte\nFrom here\n",
        from_={"name": 'Müller, Jürgen "JM"', "email": "jm@corp.example"},
        to=[{"name": "Søren", "email": "ops@corp.example"}],
    )
    arrived = postfix.one(answer.json()["message_id"])
    assert arrived.mail["Subject"] == subject
    assert arrived.text == "Grüße\nZeile zwei: 你好\n.\n..punkte\nFrom here\n"
    assert arrived.mail["From"].addresses[0].display_name == 'Müller, Jürgen "JM"'
    assert arrived.mail["To"].addresses[0].display_name == "Søren"
    head = arrived.octets.partition(b"\n\n")[0]
    assert head.isascii(), "header fields are to be encoded words, not raw UTF-8"
    assert max(map(len, arrived.octets.split(b"\n"))) <= 998


def test_text_html_inline_picture_and_attachments_form_one_tree(client, postfix):
    word = marker()
    table = os.urandom(30_000)
    answer = client.send(
        subject=word,
        text="plain",
        html='<p>Grün <img src="cid:chart"></p>',
        attachments=[
            {"filename": "chart.png", "content_type": "image/png", "content": b64(PNG), "content_id": "chart",
             "disposition": "inline"},
            {"filename": "Übersicht 2026.bin", "content_type": "application/octet-stream", "content": b64(table)},
            {"filename": "notes.txt", "content_type": "text/plain", "content": b64(b"one\r\ntwo\r\n")},
        ],
    )  # fmt: skip
    assert answer.status == 202, answer
    mail = postfix.one(word).mail

    assert mail.get_body(("plain",)).get_content().strip() == "plain"
    assert mail.get_body(("html",)).get_content().strip() == '<p>Grün <img src="cid:chart"></p>'
    pictures = [part for part in mail.walk() if part["Content-ID"] == "<chart>"]
    assert [part.get_content() for part in pictures] == [PNG]
    assert pictures[0].get_content_disposition() == "inline"
    attached = {part.get_filename(): part for part in mail.iter_attachments()}
    assert attached["Übersicht 2026.bin"].get_content() == table
    assert attached["notes.txt"].get_payload(decode=True) == b"one\r\ntwo\r\n"
    assert [d for part in mail.walk() for d in part.defects] == []


def test_an_attachment_of_several_megabytes_arrives_octet_for_octet(client, postfix):
    word, octets = marker(), os.urandom(6_000_000)
    answer = client.send(
        subject=word, attachments=[{"filename": "scan.pdf", "content_type": "application/pdf", "content": b64(octets)}]
    )
    assert answer.status == 202, answer
    attached = list(postfix.one(word).mail.iter_attachments())
    assert [part.get_content() for part in attached] == [octets]


def test_cc_is_shown_bcc_is_not_and_all_of_them_receive(client, postfix):
    word = marker()
    client.send(
        {"headers": {"X-Job": "nightly", "List-Id": "<alerts.corp.example>"}},
        subject=word,
        to=["a@corp.example", "b@corp.example"],
        cc="Carl <c@corp.example>",
        bcc=["d@corp.example"],
        reply_to="helpdesk@corp.example",
    )
    mails = postfix.about(word, count=4)
    assert sorted(mail.recipient for mail in mails) == [f"{name}@corp.example" for name in "abcd"]
    for arrived in mails:
        assert arrived.mail["To"] == "a@corp.example, b@corp.example"
        assert arrived.mail["Cc"] == "Carl <c@corp.example>"
        assert arrived.mail["Reply-To"] == "helpdesk@corp.example"
        assert arrived.mail["X-Job"] == "nightly"
        assert arrived.mail["List-Id"] == "<alerts.corp.example>"
        assert "Bcc" not in arrived.mail
        assert "d@corp.example" not in str(arrived.mail["To"]) + str(arrived.mail["Cc"])


def test_lines_longer_than_smtp_allows_arrive_unchanged(client, postfix):
    word = marker()
    text = "x" * 5000 + "ü" * 3000 + "\n"
    client.send(subject=word, text=text, html=f"<p>{'y' * 9000}</p>")
    arrived = postfix.one(word)
    assert arrived.text == text
    assert max(map(len, arrived.octets.split(b"\n"))) <= 998


def test_a_priority_is_kept_with_the_message(client):
    for priority in ("critical", "high", "normal", "low"):
        answer = client.send(priority=priority)
        assert answer.status == 202
        assert client.message(answer.id)["priority"] == priority


def test_a_raw_mail_is_relayed_as_it_is(client, postfix):
    word = marker()
    raw = (
        f"From: Scanner <scanner@corp.example>\r\nTo: ops@corp.example\r\nSubject: {word}\r\n"
        f"Message-ID: <{word}@scanner.corp.example>\r\nX-Scanner: 7\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße\r\n.\r\nEnde\r\n"
    ).encode()
    answer = client.post("/v1/messages", body=raw, headers={"Content-Type": "message/rfc822"})
    assert answer.status == 202, answer
    assert answer.json()["message_id"] == f"<{word}@scanner.corp.example>"
    arrived = postfix.one(word)
    assert (arrived.sender, arrived.recipient) == ("scanner@corp.example", "ops@corp.example")
    assert arrived.mail["X-Scanner"] == "7"
    assert arrived.text == "Grüße\n.\nEnde\n"


def test_the_envelope_of_a_raw_mail_may_stand_in_the_query(client, postfix):
    word = marker()
    raw = f"From: scanner@corp.example\r\nTo: nobody@corp.example\r\nBcc: hidden@corp.example\r\nSubject: {word}\r\n\r\nx\r\n"
    answer = client.post(
        "/v1/messages?from=bounce@corp.example&to=one@corp.example&to=two@corp.example",
        body=raw.encode(),
        headers={"Content-Type": "message/rfc822"},
    )
    assert answer.status == 202, answer
    mails = postfix.about(word, count=2)
    assert sorted(mail.recipient for mail in mails) == ["one@corp.example", "two@corp.example"]
    assert {mail.sender for mail in mails} == {"bounce@corp.example"}
    assert all("Bcc" not in mail.mail for mail in mails)


def test_a_form_with_files_becomes_a_mail_with_attachments(client, postfix):
    word, boundary, octets = marker(), uuid.uuid4().hex, os.urandom(5000)
    fields = [
        ("from", "form@corp.example"),
        ("to", "a@corp.example"),
        ("to", "b@corp.example"),
        ("subject", word),
        ("text", "Grün"),
    ]
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields
    )
    body += (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="log 1.bin"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    body += octets + f"\r\n--{boundary}--\r\n".encode()
    answer = client.post(
        "/v1/messages", body=body, headers={"Content-Type": f"multipart/form-data; boundary={boundary}"}
    )
    assert answer.status == 202, answer
    mails = postfix.about(word, count=2)
    assert sorted(mail.recipient for mail in mails) == ["a@corp.example", "b@corp.example"]
    attached = list(mails[0].mail.iter_attachments())
    assert [(part.get_filename(), part.get_content()) for part in attached] == [("log 1.bin", octets)]
    assert mails[0].text.strip() == "Grün"


def test_a_recipient_whom_postfix_refuses_fails_with_its_words_and_the_others_are_relayed(client, postfix):
    word = marker()
    answer = client.send(subject=word, to=["good@corp.example", "refused@corp.example"])
    message = client.until(answer.id)
    assert message["status"] == "failed", "a message is as bad as its worst recipient"
    states = {r["address"]: r for r in message["recipients"]}
    assert states["good@corp.example"]["status"] == "relayed"
    assert states["refused@corp.example"]["status"] == "failed"
    reply = states["refused@corp.example"]["last_reply"]
    assert (reply["code"], reply["enhanced"]) == (550, "5.1.1")
    assert "Mailbox unknown here" in reply["text"]
    assert postfix.one(word).recipient == "good@corp.example"
    types = " ".join(client.events(answer.id))
    assert "failed" in types and "relayed" in types and "queued" in types


def test_a_deferred_recipient_waits_with_the_reply_and_a_next_attempt(client):
    answer = client.send(to="deferred@corp.example")
    message = client.until(answer.id, "deferred")
    recipient = message["recipients"][0]
    assert (recipient["last_reply"]["code"], recipient["last_reply"]["enhanced"]) == (450, "4.2.1")
    assert "Mailbox is busy" in recipient["last_reply"]["text"]
    assert recipient["next_attempt_at"] is not None
    client.until(answer.id, "deferred")
    assert client.post(f"/v1/messages/{answer.id}/cancel").status == 200


def test_the_host_of_the_last_reply_is_the_next_hop(client):
    message = client.until(client.send().id, "relayed")
    assert "127.0.0.1" in message["recipients"][0]["last_reply"]["host"]


def test_international_addresses_and_domains_pass(client, postfix):
    word = marker()
    answer = client.send(subject=word, to="grüße@münchen.lab.example")
    assert answer.status == 202, answer
    assert client.until(answer.id)["status"] == "relayed"
    assert postfix.one(word).mail["Subject"] == word


def test_a_quoted_local_part_survives(client, postfix):
    word = marker()
    answer = client.send(subject=word, to='"two words"@corp.example')
    assert answer.status == 202, answer
    assert postfix.one(word).recipient in ('"two words"@corp.example', "two words@corp.example")
