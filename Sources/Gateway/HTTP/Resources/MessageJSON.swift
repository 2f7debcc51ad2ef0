import Mail
import Policy
import Store
import Wire

/// How messages look in answers.
extension Receipt {
    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.member("id", offer.id.description)
        json.member("status", status.name)
        json.member("message_id", offer.details.headerMessageID)
        json.member("created_at", offer.createdAt)
        var place = 0
        json.members("recipients", approval.recipients) { recipient, json in
            json.beginObject()
            json.member("address", recipient.mailbox.description)
            json.member("status", status(at: place).name)
            place += 1
            json.member("route", recipient.route)
            json.endObject()
        }
        refused.write(to: &json)
        json.endObject()
    }
}

extension [RefusedRecipient] {
    /// The member `refused`, where there are any.
    func write(to json: inout JSONWriter) {
        guard !isEmpty else { return }
        json.members("refused", self) { refused, json in
            json.beginObject()
            json.member("address", refused.mailbox.description)
            json.member("code", Problem.code(for: refused.refusal.rule))
            json.key("smtp")
            refused.refusal.reply.write(to: &json)
            json.endObject()
        }
    }
}

extension Answer {
    static func accepted(_ receipts: [Receipt], isBatch: Bool) -> Answer {
        guard !isBatch else {
            return .json(202) { json in
                json.beginObject()
                json.members("data", receipts) { $0.write(to: &$1) }
                json.endObject()
            }
        }
        let answer = Answer.json(202) { receipts[0].write(to: &$0) }
        return answer.with("Location", "/v1/messages/\(receipts[0].offer.id)")
    }

    /// What is kept beside an idempotency key.
    var stored: StoredAnswer {
        guard case .octets(let octets) = body else { return StoredAnswer(status: status) }
        return StoredAnswer(
            status: status,
            headers: fields.map { ($0.name, $0.value) },
            body: octets
        )
    }

    init(replaying answer: StoredAnswer) {
        self.init(answer.status, "", answer.body)
        fields = answer.headers.map { (name: $0.0, value: $0.1) }
        fields.append(("Idempotency-Replayed", "true"))
    }
}

extension MessageRecord {
    /// `refused`: what the answer to a submission tells beside.
    func write(to json: inout JSONWriter, refused: [RefusedRecipient] = []) {
        json.beginObject()
        json.member("id", id.description)
        json.member("status", status.name)
        json.member("message_id", details.headerMessageID)
        json.member("created_at", createdAt)
        json.member("application", application?.description)
        json.member("connector", connector)
        json.member("from", sender.description)
        json.member("subject", details.subject)
        json.member("external_id", details.externalID)
        json.member("tags", details.tags)
        json.key("metadata")
        json.beginObject()
        for (key, value) in details.metadata {
            json.key(key)
            json.string(value)
        }
        json.endObject()
        json.member("priority", details.priority.name)
        json.member("thread_key", details.threadKey)
        json.member("send_at", details.sendAt)
        json.member("expires_at", details.expiresAt)
        json.member("size", details.octets)
        json.members("recipients", recipients) { $0.write(to: &$1) }
        refused.write(to: &json)
        json.endObject()
    }
}

extension RecipientRecord {
    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.member("address", mailbox.description)
        json.member("status", status.name)
        json.member("route", route)
        json.member("attempts", attempts)
        json.member("next_attempt_at", nextAttemptAt)
        json.key("last_reply")
        if let lastReply { lastReply.write(to: &json) } else { json.null() }
        json.endObject()
    }
}

extension NextHopReply {
    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.member("code", code)
        json.member("enhanced", enhanced)
        json.member("text", text)
        json.member("host", host)
        json.member("at", at)
        json.endObject()
    }
}

extension EventRecord {
    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.member("id", id)
        json.member("type", type)
        json.member("created_at", at)
        json.member("message", message?.description)
        json.member("recipient", recipient?.description)
        json.key("detail")
        let value = detail.flatMap { try? JSONValue.parse(Array($0.utf8).span) }
        if let value { json.value(value) } else { json.null() }
        json.endObject()
    }
}

extension Decision {
    /// The findings that concern one recipient: those of the whole, and its own.
    /// `logon` is why there was none, which is known before MAIL.
    func writeRules(to json: inout JSONWriter, logon: String? = nil) {
        var rules = findings.map { (name: $0.rule.rawValue, note: $0.note) }
        if let logon, let place = findings.firstIndex(where: { $0.rule == .submit }) {
            rules.insert((Rule.submit.rawValue, logon), at: place)
        }
        json.members("rules", rules) { rule, json in
            json.beginObject()
            json.member("name", rule.name)
            json.member("finding", rule.note)
            json.endObject()
        }
    }
}
