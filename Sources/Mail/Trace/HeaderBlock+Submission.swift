extension HeaderBlock {
    /// What a mail without them is given, and who it is then from.
    package struct Completion: Sendable {
        package var sender: ReversePath
        /// From of a mail that names none and whose path is null.
        package var postmaster: Mailbox
        package var now: Timestamp
        /// With its angle brackets.
        package var messageID: String

        package init(
            sender: ReversePath,
            postmaster: Mailbox,
            now: Timestamp,
            messageID: String
        ) {
            self.sender = sender
            self.postmaster = postmaster
            self.now = now
            self.messageID = messageID
        }
    }

    /// The header section of a submitted mail as it may go out: Date, From and Message-ID added
    /// where they are missing or empty (RFC 6409 §8), and what is nobody's business taken out.
    package func completed(with completion: Completion) -> HeaderBlock {
        var header = self
        header.fields.removeAll { field in Self.private.contains { field.isNamed($0) } }
        var missing: [HeaderField] = []
        if header.takesField("Date") {
            missing.append(HeaderField(name: "Date", value: completion.now.rfc5322))
        }
        if header.takesField("From") {
            let author = completion.sender.mailbox ?? completion.postmaster
            missing.append(HeaderField(name: "From", addresses: [NamedMailbox(mailbox: author)]))
        }
        if header.takesField("Message-ID") {
            missing.append(HeaderField(name: "Message-ID", tokens: [completion.messageID]))
        }
        header.fields.append(contentsOf: missing)
        return header
    }

    /// Blind copies, the envelope's own field (RFC 5321 §4.4), and a key that is meant for us.
    private static let `private` = ["Bcc", "Resent-Bcc", "Return-Path", "Idempotency-Key"]

    /// Whether the field is to be added; one without content is taken out for it.
    private mutating func takesField(_ name: String) -> Bool {
        guard !fields.contains(where: { $0.isNamed(name) && !$0.isBlank }) else {
            return false
        }
        remove(name)
        return true
    }
}

extension HeaderBlock {
    /// The message id with its angle brackets; nil where there is none or an empty one.
    package var messageID: String? {
        guard let text = first("Message-ID")?.text, !text.isEmpty else { return nil }
        return text
    }

    /// How many gateways took it before (RFC 5321 §6.3).
    package var hops: Int {
        fields.reduce(0) { $0 + ($1.isNamed("Received") ? 1 : 0) }
    }

    /// Every address of From and of Sender: whoever the reader is shown as the author. Throws where
    /// one of them names somebody, but no address. Two From fields are for the caller to refuse.
    package func authors() throws(AddressError) -> [NamedMailbox] {
        var authors: [NamedMailbox] = []
        for field in fields where field.isNamed("From") || field.isNamed("Sender") {
            authors += try Self.authors(in: field)
        }
        return authors
    }

    private static func authors(in field: HeaderField) throws(AddressError) -> [NamedMailbox] {
        let named = try AddressList.parse(field.text)
        guard !named.isEmpty || field.text.isEmpty else {
            throw AddressError("\(field.name) holds no address")
        }
        return named
    }

    /// Gives a From in which no author can be read a form that has one, and takes such a Sender out.
    /// Devices put their name there, cron `root (Cron Daemon)`.
    package mutating func mendAuthors(sentBy sender: Mailbox) {
        fields = fields.compactMap { field in
            let isFrom = field.isNamed("From")
            guard isFrom || field.isNamed("Sender"), (try? Self.authors(in: field)) == nil else {
                return field
            }
            guard isFrom else { return nil }
            let author = NamedMailbox(mending: field.text, sentBy: sender)
            return HeaderField(name: "From", addresses: [author])
        }
    }
}
