import Mail
import Store
import Wire

/// In which form a mail goes to a next hop that offers so much.
struct Carriage {
    private let entry: QueueEntry
    private let offer: SMTPCapabilities
    private let returnPath: ReturnPath?
    /// Octets of the fields that are put above the content on its way out.
    var added = 0

    init(
        _ entry: QueueEntry,
        to offer: SMTPCapabilities,
        returningTo returnPath: ReturnPath? = nil
    ) {
        self.entry = entry
        self.offer = offer
        self.returnPath = entry.sender == .null ? nil : returnPath
    }

    /// Content goes in chunks to whoever takes them (RFC 3030 §2): no dot has to be found in it, and
    /// no leave awaited.
    var isChunked: Bool { offer.chunking }

    /// Binary content as it is (RFC 3030 §3).
    var isRaw: Bool {
        entry.traits.contains(.isBinary) && offer.chunking && offer.binaryMIME
            && (smtpUTF8 || !entry.traits.contains(.isInternational)
                || !entry.traits.contains(.hasRawHeader))
    }

    var needsReencoding: Bool {
        let traits = entry.traits
        guard !traits.isEmpty, !isRaw else { return false }
        return traits.contains(.isBinary) || traits.contains(.hasLongLines)
            || (traits.contains(.is8Bit) && !capacity.takes8BitBody)
            || (traits.contains(.hasRawHeader) && !capacity.takes8BitHeader)
    }

    var capacity: ContentCapacity {
        // RFC 6531 §3.1 demands 8BITMIME of whoever offers SMTPUTF8.
        let takes8Bit = offer.eightBitMIME || smtpUTF8
        // A header declared as UTF-8 is nothing for who did not offer that. One that just is 8-bit
        // goes where 8-bit content goes, as most relays send it.
        let isInternational = entry.traits.contains(.isInternational)
        return ContentCapacity(
            takes8BitBody: takes8Bit,
            takes8BitHeader: isInternational ? smtpUTF8 : takes8Bit
        )
    }

    var mail: SMTPClientCommand {
        let dsn = offer.dsn ? entry.dsn : nil
        return .mail(
            returnPath.map { .mailbox($0.address(of: entry.id)) } ?? entry.sender,
            SMTPMailParameters(
                // Re-encoded it has another size, which nobody knows yet.
                size: offer.declaresSize && !needsReencoding ? entry.octets + added : nil,
                body: body,
                smtpUTF8: smtpUTF8,
                returns: dsn?.returns,
                envelopeID: dsn?.envelopeID
            )
        )
    }

    func rcpt(_ entry: QueueEntry) -> SMTPClientCommand {
        guard offer.dsn, entry.dsn != nil || returnPath != nil else { return .rcpt(entry.mailbox) }
        var recipient = entry.dsn?.recipient ?? DSNRecipient()
        if returnPath != nil, recipient.originalRecipient == nil {
            // What comes back must name the recipient as we do, whatever aliases there are on the way.
            let type = entry.mailbox.needsSMTPUTF8 ? "utf-8" : "rfc822"
            recipient.originalRecipient = OriginalRecipient(field: "\(type);\(entry.mailbox)")
        }
        if !smtpUTF8, recipient.originalRecipient?.isASCII == false {
            recipient.originalRecipient = nil
        }
        return .rcpt(entry.mailbox, recipient)
    }

    private var smtpUTF8: Bool {
        entry.requiresSMTPUTF8 || (entry.traits.contains(.isInternational) && offer.smtpUTF8)
    }

    private var body: SMTPBody? {
        if isRaw { return .binaryMIME }
        return entry.traits.contains(.is8Bit) && offer.eightBitMIME ? .eightBitMIME : nil
    }
}
