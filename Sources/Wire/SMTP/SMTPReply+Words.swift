/// The replies whose words administrators and devices know.
extension SMTPReply {
    package static func greeting(fqdn: String, date: String) -> SMTPReply {
        SMTPReply(220, nil, "\(fqdn) Postern ESMTP ready at \(date)")
    }
    /// The answer that makes the message ours: only ever given once it is on disk. Of the client's own
    /// message id it shows what leaves the line within 512 octets (RFC 5321 §4.5.3.1.5) of printable
    /// ASCII (§4.2), as clients stop reading at either.
    package static func queued(
        messageID: String,
        internalID: String,
        hostname: String
    ) -> SMTPReply {
        let end = " [InternalId=\(internalID), Hostname=\(hostname)] Queued mail for delivery"
        let room = 512 - "250 2.6.0 \r\n".utf8.count - end.utf8.count
        return SMTPReply(250, "2.6.0", shown(messageID, within: max(0, room)) + end)
    }

    private static func shown(_ text: String, within room: Int) -> String {
        let octets = text.utf8
        if octets.count <= room, octets.allSatisfy({ 32...126 ~= $0 }) { return text }
        return String(
            decoding: octets.prefix(room).map { 32...126 ~= $0 ? $0 : UInt8(ascii: "?") },
            as: UTF8.self
        )
    }

    static let ok = SMTPReply(250, "2.0.0", "OK")
    static let resetting = SMTPReply(250, "2.0.0", "Resetting")
    static let senderOK = SMTPReply(250, "2.1.0", "Sender OK")
    static let recipientOK = SMTPReply(250, "2.1.5", "Recipient OK")
    static let startMailInput = SMTPReply(
        354,
        nil,
        "Start mail input; end with <CRLF>.<CRLF>"
    )
    package static let help = SMTPReply(214, "2.0.0", "This is a Postern mail gateway")
    static func chunkReceived(octets: Int) -> SMTPReply {
        SMTPReply(250, "2.0.0", "\(octets) octets received")
    }
    static let readyToStartTLS = SMTPReply(220, "2.0.0", "SMTP server ready")
    package static let closing = SMTPReply(221, "2.0.0", "Service closing transmission channel")
    static let authenticated = SMTPReply(235, "2.7.0", "Authentication successful")
    /// RFC 5321 §3.5.3: an address is neither confirmed nor denied.
    static let cannotVerify = SMTPReply(252, "2.1.5", "Cannot VRFY user")

    static let tooManyErrors = SMTPReply(421, "4.7.0", "Too many errors")
    static let notSMTP = SMTPReply(421, "4.7.0", "This is an SMTP service, not HTTP")
    package static let notAvailable = SMTPReply(421, "4.3.2", "Service not available")
    package static let connectionTimedOut = SMTPReply(421, "4.4.1", "Connection timed out")
    package static let inputTimedOut = SMTPReply(451, "4.7.0", "Timeout waiting for client input")
    package static let mustStartTLS = SMTPReply(
        451,
        "5.7.3",
        "Must issue a STARTTLS command first"
    )
    package static let insufficientResources = SMTPReply(
        452,
        "4.3.1",
        "Insufficient system resources"
    )

    static let unrecognizedCommand = SMTPReply(500, "5.3.3", "Unrecognized command")
    static let lineTooLong = SMTPReply(500, "5.5.2", "Line too long")
    static let invalidCharacters = SMTPReply(500, "5.5.2", "Invalid characters in command")
    static let invalidArguments = SMTPReply(501, "5.5.4", "Invalid arguments")
    static let invalidSender = SMTPReply(501, "5.1.7", "Invalid address")
    static let invalidRecipient = SMTPReply(501, "5.1.3", "Invalid address")
    static let authenticationCanceled = SMTPReply(501, "5.7.0", "Authentication canceled")
    static let undecodableResponse = SMTPReply(501, "5.5.2", "Cannot decode response")
    static let notImplemented = SMTPReply(502, "5.5.1", "Command not implemented")
    static let helloFirst = SMTPReply(503, "5.5.2", "Send hello first")
    static let needMail = SMTPReply(503, "5.5.2", "Need mail command")
    static let needRecipient = SMTPReply(503, "5.5.2", "Need rcpt command")
    static let needChunk = SMTPReply(503, "5.5.2", "Need bdat command")
    static let senderAlreadyGiven = SMTPReply(503, "5.5.2", "Sender already specified")
    static let alreadyAuthenticated = SMTPReply(503, "5.5.2", "Already authenticated")
    static let notDuringMail = SMTPReply(
        503,
        "5.5.2",
        "Not permitted during a mail transaction"
    )
    static let alreadySecure = SMTPReply(503, "5.5.2", "TLS already started")
    static let unrecognizedMechanism = SMTPReply(
        504,
        "5.7.4",
        "Unrecognized authentication type"
    )
    package static let authenticationUnsuccessful = SMTPReply(
        535,
        "5.7.3",
        "Authentication unsuccessful"
    )
    package static let tooLarge = SMTPReply(
        552,
        "5.3.4",
        "Message size exceeds fixed maximum message size"
    )
    /// RFC 6531 §3.5.
    package static let needsSMTPUTF8 = SMTPReply(
        553,
        "5.6.7",
        "Address needs the SMTPUTF8 parameter"
    )
    static func unsupportedParameter(_ keyword: String) -> SMTPReply {
        // A client's words must not lengthen the line beyond 512 octets.
        SMTPReply(555, "5.5.4", "Unsupported parameter \(keyword.prefix(64))")
    }
}
