import Crypto
import Mail
import Policy
import Store
import Wire

/// The header field `Idempotency-Key` of a mail. It counts for one source and one envelope: a client
/// that splits its recipients over transactions loses none (contract section 9).
struct SMTPIdempotency {
    let scope: String
    let key: String
    private let fingerprint: [UInt8]

    /// Nil for a mail without a key. What is longer than a key may be is none: the mail still counts.
    init?(_ facts: SMTPTransactionFacts, _ mail: RawMail, _ client: Client) {
        guard let text = mail.header.first("Idempotency-Key")?.text,
            (1...257).contains(text.utf8.count), let digest = mail.bodyDigest
        else { return nil }
        scope =
            if case .application(let applicant) = client.principal {
                applicant.id.description
            } else {
                "\(client.connector.name) \(client.peer)"
            }
        let recipients = facts.recipients.map(\.description).sorted().joined(separator: " ")
        key = "\(StructuredString.parse(text) ?? text) \(facts.sender) \(recipients)"
        var header = mail.header
        for name in Self.passing { header.remove(name) }
        fingerprint = digest + SHA256.digest(header.octets.span)
    }

    /// What a client or the way makes anew for each attempt.
    private static let passing = [
        "Date", "Message-ID", "Received", "Return-Path", "DKIM-Signature",
    ]

    func claim(answering reply: SMTPReply, at now: Timestamp) -> IdempotencyClaim {
        IdempotencyClaim(
            scope: scope,
            key: key,
            fingerprint: fingerprint,
            answer: StoredAnswer(status: reply.code, body: Array(reply.text.utf8)),
            expires: now + .seconds(86_400)
        )
    }
}

extension Reply {
    static let keyReused = Reply(
        554,
        "5.6.0",
        "This Idempotency-Key was used for another message"
    )
    static let keyInUse = Reply(
        451,
        "4.5.0",
        "A message with this Idempotency-Key is being taken; try again"
    )
}
