/// A mail described, to be written as MIME. It has no Bcc: who gets a copy unseen is the envelope's
/// affair alone.
package struct Draft: Sendable {
    package var from: NamedMailbox
    package var to: [NamedMailbox] = []
    package var cc: [NamedMailbox] = []
    package var replyTo: [NamedMailbox] = []
    package var subject: String?
    package var text: String?
    package var html: String?
    /// Further fields, each checked by `checkHeader`.
    package var headers: [(name: String, value: String)] = []
    package var attachments: [Attachment] = []
    /// With its angle brackets.
    package var messageID: String
    package var date: Timestamp
    package var importance: Importance?
    /// Mails of one key show as one thread: all refer to a message that was never sent.
    package var threadKey: String?

    package init(from: NamedMailbox, messageID: String, date: Timestamp) {
        self.from = from
        self.messageID = messageID
        self.date = date
    }

    /// The addresses that its header names.
    package var mailboxes: [Mailbox] { ([from] + to + cc + replyTo).map(\.mailbox) }

    package struct Attachment: Sendable {
        package enum Disposition: String, Sendable {
            case attachment
            case inline
        }

        package enum Content: Sendable {
            case octets([UInt8])
            /// Already base64 in lines that end in CRLF, kept elsewhere under this number.
            case elsewhere(Int)
        }

        package var filename: String?
        /// Anything but `type/subtype` with parameters is written as application/octet-stream.
        package var contentType: String
        /// With or without angle brackets; what `cid:` in the HTML names.
        package var contentID: String?
        package var disposition: Disposition
        package var content: Content

        package init(
            filename: String?,
            contentType: String,
            contentID: String? = nil,
            disposition: Disposition = .attachment,
            content: Content
        ) {
            self.filename = filename
            self.contentType = contentType
            self.contentID = contentID
            self.disposition = disposition
            self.content = content
        }
    }

    package enum Segment: Sendable, Equatable {
        case octets([UInt8])
        case elsewhere(Int)
    }

    /// The whole mail in order, adjacent octets joined. The same draft and seed give the same octets.
    package func composed(boundary seed: UInt64) -> [Segment] {
        var writer = MIMEWriter(seed: seed, room: estimatedOctets)
        appendHeader(to: &writer.octets)
        writer.write(root, isRoot: true)
        return writer.segments()
    }

    /// Enough for most, so that the buffer is made once.
    private var estimatedOctets: Int {
        let texts = (text?.utf8.count ?? 0) + (html?.utf8.count ?? 0)
        return 1024 + texts + texts / 8
    }
}
