import Mail
import Policy
import Store
import Wire

/// message/rfc822: a whole mail as the body, its envelope in the query or in its header.
extension MessageIntake {
    func readRaw(
        _ body: any RequestBody,
        from: String?,
        to: [String]
    ) async throws(Problem) -> Reading {
        let intake = RawMailIntake(store: store, headerLimit: limits.headerSize)
        do {
            var lines = LineEndings()
            while let piece = try await body.next() {
                var normal: [UInt8] = []
                lines.normalise(piece.span, into: &normal)
                try await stored { () async throws(StoreError) in try await intake.receive(normal) }
                guard !intake.isHeaderOversize else {
                    throw Problem(
                        413,
                        "payload_too_large",
                        "the mail's header exceeds \(limits.headerSize) octets"
                    )
                }
            }
            let mail = try await stored { () async throws(StoreError) in try await intake.finish() }
            return ([try candidate(from: mail, sender: from, to)], [])
        } catch let error as FormErrors {
            intake.abandon()
            return ([], error.items)
        } catch {
            intake.abandon()
            throw error as? Problem ?? .malformed("the mail cannot be read")
        }
    }

    private func candidate(
        from mail: RawMail,
        sender: String?,
        _ to: [String]
    ) throws(FormErrors) -> Candidate {
        let id = MessageID(at: now)
        let sender = try envelopeSender(sender, mail)
        let recipients = try envelopeRecipients(to, mail)
        guard let authors = mail.authors, mail.header.all("From").count <= 1 else {
            throw FormErrors(items: [
                .init("", "invalid_address", "the mail needs one From field with sound addresses")
            ])
        }
        let (content, found) = mail.prepared(
            for: .init(
                sender: .mailbox(sender),
                postmaster: postmaster,
                now: now,
                messageID: "<\(id)@\(hostname)>"
            ),
            trace: received(id, recipients)
        )
        var details = found
        details.origin = "http"
        details.requiresSMTPUTF8 =
            ([sender] + recipients).contains(where: \.needsSMTPUTF8) || mail.needsSMTPUTF8
        return Candidate(
            id: id,
            createdAt: now,
            sender: .mailbox(sender),
            recipients: recipients,
            authors: authors,
            content: content,
            details: details,
            hops: mail.header.hops
        )
    }

    private func envelopeSender(
        _ text: String?,
        _ mail: RawMail
    ) throws(FormErrors) -> Mailbox {
        if let text { return try mailbox(text, "from") }
        if let field = mail.header.first("From"), let named = try? AddressList.parse(field.text),
            let first = named.first
        {
            return first.mailbox
        }
        if let text = defaults.from { return try mailbox(text, "from") }
        throw FormErrors(items: [
            .init("", "missing", "no sender: give ?from=, or a From field in the mail")
        ])
    }

    private func envelopeRecipients(
        _ texts: [String],
        _ mail: RawMail
    ) throws(FormErrors) -> [Mailbox] {
        var recipients: [Mailbox] = []
        for text in texts { recipients.append(try mailbox(text, "to")) }
        if recipients.isEmpty {
            for name in ["To", "Cc", "Bcc"] {
                for field in mail.header.all(name) {
                    let named = try? AddressList.parse(field.text)
                    guard let named else {
                        throw FormErrors(items: [
                            .init(
                                "",
                                "invalid_address",
                                "the mail's \(name) field is no address list"
                            )
                        ])
                    }
                    recipients += named.map(\.mailbox)
                }
            }
        }
        if recipients.isEmpty {
            for text in defaults.to { recipients.append(try mailbox(text, "to")) }
        }
        guard !recipients.isEmpty else {
            throw FormErrors(items: [
                .init("", "missing", "no recipient: give ?to=, or a To field in the mail")
            ])
        }
        var seen: Set<Mailbox> = []
        return recipients.filter { seen.insert($0).inserted }
    }

    private func mailbox(_ text: String, _ name: String) throws(FormErrors) -> Mailbox {
        do {
            return try NamedMailbox(parsing: text).mailbox
        } catch {
            throw FormErrors(items: [
                .init("", "invalid_address", "the query parameter \(name): \(error.reason)")
            ])
        }
    }
}
