import Mail
import Testing

@testable import Policy

/// Every combination of the facts that the rules know, each decided by the code and by the model.
@Suite("Every case of the decision")
struct EveryCaseTests {
    static let allRights: [Rights] = (0..<16).map { Rights(rawValue: $0) }
    static let securities: [(mode: TLSPolicy.Mode, isSecure: Bool)] = [
        (.none, false), (.offered, false), (.required, false), (.required, true),
        (.implicit, false), (.implicit, true),
    ]
    typealias Groups = Set<ReceiveConnector.PermissionGroup>
    static let groups: [Groups] = [
        [], [.anonymous], [.applications], [.anonymous, .applications],
    ]
    static let senders = ["", "a@corp.example", "a@deep.lab.example", "a@other.example"]
    static let recipients = [
        "x@corp.example", "x@sub.corp.example", "x@lab.example", "x@deep.lab.example",
        "x@other.example",
    ]
    static let authors: [[String]] = [
        [], ["a@corp.example"], ["a@corp.example", "a@other.example"],
    ]

    /// The anonymous with each set of rights, and applications of each kind, whom rights do not serve.
    static let anonymous = allRights.map { (Principal.anonymous, $0) }
    static let applications: [(Principal, Rights)] = [false, true].flatMap { mayRelay in
        [[], ["A@corp.example"], ["*@*.other.example", "*@*.lab.example"], ["*"]].flatMap {
            senders in
            [[], ["*@corp.example", "*@other.example"], ["X@deep.lab.example"]].map { recipients in
                (
                    Principal.app(mayRelay: mayRelay, senders: senders, recipients: recipients),
                    mayRelay ? Rights() : Rights(rawValue: 15)
                )
            }
        }
    }
    static let principals = anonymous + applications + [(.postern, [])]

    static let book = Rulebook(
        receiveConnectors: [],
        acceptedDomains: [
            AcceptedDomain(domain: domain("corp.example"), kind: .internalRelay),
            AcceptedDomain(domain: domain("*.lab.example"), kind: .externalRelay),
        ],
        sendConnectors: [
            route("Lab", ["*.deep.lab.example"]), route("Ours", ["corp.example", "*.lab.example"]),
            route("Rest", ["*"]) { $0.sources = ["C", "backup"] },
        ]
    )

    @Test("is decided as the contract says", arguments: principals)
    func decision(principal: Principal, rights: Rights) {
        let model = NaiveModel(book: Self.book)
        var accepted = 0
        for (mode, isSecure) in Self.securities {
            for groups in Self.groups {
                let connector = smtp {
                    $0.tls.mode = mode
                    $0.permissionGroups = groups
                    $0.rights = rights
                    $0.limits.messageSize = 1000
                }
                let client = client(principal, at: connector, isSecure: isSecure)
                for offer in Self.offers(of: client) {
                    let decision = Self.book.decide(offer)
                    let expected = model.verdict(on: offer, partially: false)
                    let actual = NaiveModel.Verdict(decision, on: offer)
                    if actual != expected { Issue.record("\(actual) is not \(expected): \(offer)") }
                    if let fault = Self.fault(in: decision) { Issue.record("\(fault): \(offer)") }
                    accepted += decision.approval == nil ? 0 : 1
                }
            }
        }
        #expect(accepted > 0, "somebody with these rights must get some mail through")
    }

    /// A session that is not let in is not asked about all the rest.
    private static func offers(of client: Client) -> [Submission] {
        let isTurnedAway =
            book.examineTLS(client).refusal != nil || book.examineSubmit(client).refusal != nil
        let senders = isTurnedAway ? [Self.senders[1]] : Self.senders
        var offers: [Submission] = []
        for sender in senders {
            for recipient in isTurnedAway ? [recipients[0]] : recipients {
                for names in authors {
                    for octets in [1000, 1001] {
                        offers.append(
                            Submission(
                                client: client,
                                sender: ReversePath(sender),
                                recipients: [Mailbox(recipient)],
                                authors: names.map { Mailbox($0) },
                                octets: octets
                            )
                        )
                    }
                }
            }
        }
        return offers
    }

    /// What an explanation must be, whatever it says.
    private static func fault(in decision: Decision) -> String? {
        let refusals = decision.findings.compactMap(\.refusal)
        if decision.approval != nil {
            return refusals.isEmpty ? nil : "an approval with a refusal among its reasons"
        }
        if refusals.count != 1 { return "not exactly one reason to refuse" }
        if decision.findings.last?.refusal != decision.refusal {
            return "rules asked after the last"
        }
        return decision.findings.contains { $0.note.isEmpty } ? "a reason without words" : nil
    }
}
