import Mail
import Store
import Wire

/// A message as the API describes it, read and found sound.
struct MessageForm {
    var draft: Draft
    let sender: Mailbox
    let recipients: [Mailbox]
    /// Where each recipient stands.
    let places: [Place]
    var details: MessageDetails
    let isDryRun: Bool

    /// A field, or an element of the list in it.
    struct Place {
        let field: String
        let index: Int?

        /// RFC 6901, below the message.
        var pointer: String { index.map { "/\(field)/\($0)" } ?? "/\(field)" }
    }

    /// What is taken where the request says nothing.
    struct Defaults {
        var from: String?
        var to: [String] = []
    }

    /// The form, or all that is wrong with it. `attachments` counts the contents that came with it.
    static func read(
        _ value: JSONValue,
        at pointer: String = "",
        defaults: Defaults,
        id: MessageID,
        hostname: String,
        now: Timestamp
    ) throws(FormErrors) -> MessageForm {
        guard var form = FormReader(value, at: pointer) else {
            throw FormErrors(items: [.init(pointer, "wrong_type", "a message must be an object")])
        }
        let envelope = readEnvelope(&form, defaults)
        var draft = Draft(
            from: envelope.from,
            messageID: "<\(id)@\(hostname)>",
            date: now
        )
        draft.to = envelope.to
        draft.cc = envelope.cc
        draft.subject = form.line("subject")
        draft.replyTo = form.addresses("reply_to") ?? []
        draft.text = form.string("text")
        draft.html = form.string("html")
        draft.headers = readHeaders(&form)
        draft.attachments = AttachmentFields.read(&form)
        let details = readDetails(&form, &draft, now)
        let isDryRun = form.bool("dry_run") ?? false
        if draft.text == nil, draft.html == nil, draft.attachments.isEmpty, form.problems.isEmpty {
            form.note("text", "missing", "a message needs one of text, html or attachments")
        }
        form.finish()
        guard form.problems.isEmpty, let sender = envelope.sender else {
            throw FormErrors(items: form.problems)
        }
        return MessageForm(
            draft: draft,
            sender: sender,
            recipients: envelope.recipients,
            places: envelope.places,
            details: details,
            isDryRun: isDryRun
        )
    }
}

/// All that is wrong with a form.
struct FormErrors: Error {
    let items: [Problem.Item]
}

extension MessageForm {
    private struct Envelope {
        /// A placeholder where there is none; then `sender` is nil and a problem is noted.
        var from: NamedMailbox
        var sender: Mailbox?
        var to: [NamedMailbox]
        var cc: [NamedMailbox]
        var recipients: [Mailbox]
        var places: [Place]
    }

    private static func readEnvelope(_ form: inout FormReader, _ defaults: Defaults) -> Envelope {
        let before = form.problems.count
        let from =
            form.address("from") ?? defaults.from.flatMap { try? NamedMailbox(parsing: $0) }
        var to = form.addresses("to") ?? []
        let cc = form.addresses("cc") ?? []
        let bcc = form.addresses("bcc") ?? []
        let isSound = form.problems.count == before
        if to.isEmpty, cc.isEmpty, bcc.isEmpty {
            to = defaults.to.compactMap { try? NamedMailbox(parsing: $0) }
        }
        if from == nil, isSound {
            form.note("from", "missing", "a message needs from; this application has no default")
        }
        var places: [Place] = []
        var recipients: [Mailbox] = []
        var seen: Set<Mailbox> = []
        for (name, mailboxes) in [("to", to), ("cc", cc), ("bcc", bcc)] {
            let isList = form.isList(name)
            for (index, named) in mailboxes.enumerated() where seen.insert(named.mailbox).inserted {
                places.append(Place(field: name, index: isList ? index : nil))
                recipients.append(named.mailbox)
            }
        }
        if recipients.isEmpty, isSound {
            form.note(
                "to",
                "missing",
                "a message needs a recipient; this application has no default"
            )
        }
        let nobody = NamedMailbox(mailbox: Mailbox(localPart: "nobody", domain: "invalid"))
        return Envelope(
            from: from ?? nobody,
            sender: from?.mailbox,
            to: to,
            cc: cc,
            recipients: recipients,
            places: places
        )
    }

    private static func readHeaders(
        _ form: inout FormReader
    ) -> [(name: String, value: String)] {
        let headers = form.dictionary("headers") ?? []
        for (name, value) in headers {
            do {
                try Draft.checkHeader(name: name, value: value)
            } catch {
                form.note([
                    .init(
                        form.place("headers") + "/" + JSONPointer.escaped(name),
                        "invalid_header",
                        error.reason
                    )
                ])
            }
        }
        return headers
    }

    private static func readDetails(
        _ form: inout FormReader,
        _ draft: inout Draft,
        _ now: Timestamp
    ) -> MessageDetails {
        var details = MessageDetails(
            headerMessageID: draft.messageID,
            subject: draft.subject ?? "",
            octets: 0
        )
        details.externalID = form.line("external_id", maximum: 255)
        details.tags = form.strings("tags", maximum: 10) ?? []
        details.metadata = (form.dictionary("metadata") ?? []).map { ($0.name, $0.value) }
        draft.importance = form.choice("priority", Importance.self)
        details.priority = Priority(draft.importance)
        details.sendAt = form.timestamp("send_at")
        details.expiresAt = form.timestamp("expires_at")
        details.threadKey = form.line("thread_key", maximum: 255)
        if let expiry = details.expiresAt, expiry <= max(now, details.sendAt ?? now) {
            form.note("expires_at", "invalid", "expires_at must lie after send_at and after now")
        }
        draft.threadKey = details.threadKey
        return details
    }
}

extension Priority {
    /// The lane of a mail that says it is that urgent.
    init(_ importance: Importance?) {
        self =
            switch importance {
            case .critical: .critical
            case .high: .high
            case .low: .low
            case .normal, nil: .normal
            }
    }
}
