/// What a next hop's reply means, by the phase in which it came.
enum Finding: Equatable, Sendable {
    case accepted
    /// For this mail: later may be better.
    case deferred
    /// For this mail: never.
    case failed
    /// Too many recipients in one transaction: the rest at once in the next (RFC 5321 §4.5.3.1.10).
    case again
    /// Of this host: another may do.
    case hostCondition
    /// Of the route, whatever the mail: quota, logon, a service that is closing. Mail waits.
    case routeCondition
}

/// The phases of an attempt, in order.
package enum Phase: String, Sendable, CaseIterable {
    case resolve, connect, greeting, hello, startTLS, handshake, authentication
    case mail, recipient, data, content, afterContent
}

extension Finding {
    init(on reply: HopReply, in phase: Phase) {
        let isPositive = phase == .data ? reply.code == 354 : reply.code / 100 == 2
        switch phase {
        case _ where isPositive:
            self = .accepted
        case .resolve, .connect, .greeting, .hello, .startTLS, .handshake:
            self = .hostCondition
        case .authentication:
            self = .routeCondition
        case .recipient where reply.isTooManyRecipients:
            self = .again
        case .mail where reply.isLogonDemand || reply.isSystemTrouble || reply.isSenderPaused:
            self = .routeCondition
        case .mail, .recipient, .data, .content, .afterContent:
            self = reply.isQuota ? .routeCondition : reply.code / 100 == 5 ? .failed : .deferred
        }
    }
}

extension HopReply {
    /// 421 closes the service for all mail, 4.3.2 is what an Exchange says that does not serve now;
    /// quotas and revoked permissions are of the account, not of the recipient (field lesson 17).
    fileprivate var isQuota: Bool {
        code == 421 || code == 432 || enhanced == "4.3.2" || UpstreamTrouble(self) != nil
    }

    /// It has too much to do: fewer conversations at once may help.
    var isOverload: Bool { code == 421 || code == 432 || enhanced == "4.4.5" }

    /// The next hop wants TLS or a logon that this route was not given.
    fileprivate var isLogonDemand: Bool {
        [530, 534, 535, 538, 454].contains(code) || (code == 451 && text.contains("STARTTLS"))
    }

    /// Mail system full or not accepting (RFC 3463 §3.4).
    fileprivate var isSystemTrouble: Bool { enhanced == "4.3.1" || enhanced == "4.3.2" }

    /// X.2.1 before any recipient was named is about the account that sends (Google's 450 4.2.1).
    fileprivate var isSenderPaused: Bool { code == 450 && enhanced == "4.2.1" }

    fileprivate var isTooManyRecipients: Bool {
        code == 452 && (enhanced == "4.5.3" || text.lowercased().contains("too many recipients"))
    }
}
