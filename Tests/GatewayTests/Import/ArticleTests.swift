import Mail
import Policy
import Testing

@testable import Gateway

/// The founding articles' four situations, decided by what an export became.
@Suite("An imported Exchange decides as Exchange did")
struct ArticleTests {
    struct Situation: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let port: Int
        let peer: String
        let isLoggedOn: Bool
        let recipient: String
        /// What Exchange answers to RCPT, or to MAIL.
        let reply: String?
    }

    static let relay = "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain"
    static let situations = [
        Situation(
            testDescription: "anonymous, internal recipient, default frontend",
            port: 25,
            peer: "10.9.9.9",
            isLoggedOn: false,
            recipient: "anna@corp.example",
            reply: nil
        ),
        Situation(
            testDescription: "anonymous, below a relay domain",
            port: 25,
            peer: "2001:db8::9",
            isLoggedOn: false,
            recipient: "bob@a.lab.example",
            reply: nil
        ),
        Situation(
            testDescription: "anonymous, external recipient, default frontend",
            port: 25,
            peer: "10.9.9.9",
            isLoggedOn: false,
            recipient: "x@elsewhere.example",
            reply: relay
        ),
        Situation(
            testDescription: "logged on at 587, external recipient",
            port: 587,
            peer: "10.9.9.9",
            isLoggedOn: true,
            recipient: "x@elsewhere.example",
            reply: nil
        ),
        Situation(
            testDescription: "not logged on at 587",
            port: 587,
            peer: "10.9.9.9",
            isLoggedOn: false,
            recipient: "anna@corp.example",
            reply: "530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during"
                + " MAIL FROM"
        ),
        Situation(
            testDescription: "anonymous by range, external recipient",
            port: 25,
            peer: "10.1.20.7",
            isLoggedOn: false,
            recipient: "x@elsewhere.example",
            reply: nil
        ),
        Situation(
            testDescription: "anonymous by a-b range, external recipient",
            port: 25,
            peer: "10.1.31.9",
            isLoggedOn: false,
            recipient: "x@elsewhere.example",
            reply: nil
        ),
        Situation(
            testDescription: "anonymous beside the range, external recipient",
            port: 25,
            peer: "10.1.31.10",
            isLoggedOn: false,
            recipient: "x@elsewhere.example",
            reply: relay
        ),
    ]

    static let forms = [
        "receive-connectors.json", "receive-connectors-as-numbers.json", "receive-connectors.csv",
        "receive-connectors-utf16.csv",
    ]

    @Test("in each situation, from each form of export", arguments: situations, forms)
    func decision(_ situation: Situation, _ form: String) throws {
        let records = try Exports.records(
            form,
            "accepted-domains.json",
            "send-connectors.json",
            "permissions.json"
        )
        let rules = try ExchangeImport(records, Exports.certificate).loaded().rulebook
        let peer = try #require(IPAddress(situation.peer))
        let local = try #require(IPAddress(peer.family == .v4 ? "192.0.2.1" : "2001:db8::1"))
        let connector = try #require(rules.connector(at: local, port: situation.port, for: peer))
        // What ExchangeUsers hold: any recipient, and one's own address.
        let user = Applicant(
            id: ApplicationID(high: 1, low: 1),
            name: "user",
            mayRelay: true,
            senders: []
        )
        let offer = Submission(
            client: Client(
                connector: connector,
                peer: peer,
                principal: situation.isLoggedOn ? .application(user) : .anonymous,
                isSecure: situation.isLoggedOn
            ),
            sender: .mailbox(try Mailbox(parsing: "fax@corp.example")),
            recipients: [try Mailbox(parsing: situation.recipient)],
            octets: 1000
        )
        let decision = rules.decide(offer)
        let reply = decision.refusal.map {
            "\($0.reply.code) \($0.reply.enhanced) \($0.reply.text)"
        }
        #expect(reply == situation.reply)
    }

    @Test("every form of export becomes the same file", arguments: forms)
    func sameness(_ form: String) throws {
        let others = ["accepted-domains.csv", "send-connectors.json", "permissions.json"]
        let read = { (form: String) in
            let records = try Exports.records(form) + others.flatMap { try Exports.records($0) }
            return try ExchangeImport(records, Exports.certificate).configuration
        }
        #expect(try read(form) == read(Self.forms[0]))
    }
}
