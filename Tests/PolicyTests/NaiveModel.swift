import Mail

@testable import Policy

/// Contract sections 4 and 9 said again, as plainly as they stand there and by other means than the
/// code: names and numbers as text, no rule object, every candidate list sorted in full.
struct NaiveModel {
    struct Verdict: Equatable, CustomStringConvertible {
        var rule = "none"
        var reply = "none"
        /// `recipient by route`, or `recipient refused with reply`.
        var recipients: [String] = []
        var isAccepted = false
        var description: String { "\(isAccepted) \(rule) \(reply) \(recipients)" }
    }

    let book: Rulebook

    // MARK: 1

    func connector(at local: String, port: Int, for peer: String) -> String? {
        let peer = unmapped(peer)
        let local = unmapped(local)
        let wildcard = local.contains(":") ? "::" : "0.0.0.0"
        for place in [local, wildcard] {
            var candidates: [(size: Double, name: String)] = []
            for connector in book.receiveConnectors where connector.isEnabled {
                let bound = connector.bindings.contains { binding in
                    let text = binding.description
                    return text == "\(place):\(port)" || text == "[\(place)]:\(port)"
                }
                guard bound else { continue }
                if connector.remoteRanges.isEmpty {
                    candidates.append((.infinity, connector.name))
                }
                for range in connector.remoteRanges where holds(range.description, peer) {
                    candidates.append((size(range.description), connector.name))
                }
            }
            if let best = candidates.sorted(by: { $0.size < $1.size }).first { return best.name }
        }
        return nil
    }

    private func unmapped(_ address: String) -> String {
        address.hasPrefix("::ffff:") ? String(address.dropFirst(7)) : address
    }

    /// By the digits: an address is its text in base 2, a block a common beginning.
    private func holds(_ range: String, _ peer: String) -> Bool {
        let ends = range.split(separator: "-").map { bits(String($0)) }
        let digits = bits(peer)
        if ends.count == 2 {
            return digits.count == ends[0].count && ends[0] <= digits && digits <= ends[1]
        }
        let parts = range.split(separator: "/").map(String.init)
        let block = bits(parts[0])
        let length = parts.count == 2 ? Int(parts[1]) ?? 0 : block.count
        return block.count == digits.count && block.prefix(length) == digits.prefix(length)
    }

    /// How many addresses.
    private func size(_ range: String) -> Double {
        let ends = range.split(separator: "-").map { value(bits(String($0))) }
        if ends.count == 2 { return ends[1] - ends[0] + 1 }
        let parts = range.split(separator: "/").map(String.init)
        guard parts.count == 2, let length = Int(parts[1]) else { return 1 }
        return (length..<bits(parts[0]).count).reduce(1) { size, _ in size * 2 }
    }

    private func value(_ bits: String) -> Double {
        bits.reduce(0) { $0 * 2 + ($1 == "1" ? 1 : 0) }
    }

    private func bits(_ address: String) -> String {
        guard address.contains(":") else {
            return address.split(separator: ".").map { digits($0, radix: 10, width: 8) }.joined()
        }
        let halves = address.halves(around: "::").map { $0.split(separator: ":") }
        let missing = 8 - halves.reduce(0) { $0 + $1.count }
        let zeros = Array(repeating: Substring("0"), count: halves.count == 2 ? missing : 0)
        let groups = halves[0] + zeros + (halves.count == 2 ? halves[1] : [])
        return groups.map { digits($0, radix: 16, width: 16) }.joined()
    }

    private func digits(_ text: Substring, radix: Int, width: Int) -> String {
        let digits = String(Int(text, radix: radix) ?? 0, radix: 2)
        return String(repeating: "0", count: width - digits.count) + digits
    }

    // MARK: Words about addresses

    private func accepted(_ domain: String) -> Bool {
        book.acceptedDomains.contains { fits($0.domain.description, domain) }
    }

    private func fits(_ pattern: String, _ domain: String) -> Bool {
        if pattern == "*" { return true }
        guard pattern.hasPrefix("*.") else { return pattern == domain }
        let base = pattern.dropFirst(2).split(separator: ".")
        return Array(domain.split(separator: ".").suffix(base.count)) == Array(base)
    }

    private func matches(_ pattern: String, _ mailbox: Mailbox) -> Bool {
        if pattern == "*" { return true }
        let parts = pattern.split(separator: "@").map(String.init)
        return (parts[0] == "*" || parts[0] == mailbox.localPart.lowercased())
            && fits(parts[1], mailbox.domain)
    }

    // MARK: 2 to 7

    func verdict(on offer: Submission, partially: Bool) -> Verdict {
        if let (rule, reply) = envelope(offer) { return Verdict(rule: rule, reply: reply) }
        var recipients: [String] = []
        var refusals: [(String, String)] = []
        let areTooMany = offer.recipients.count > offer.client.connector.limits.recipients
        for recipient in offer.recipients {
            if let (rule, reply) = permission(recipient, offer) {
                refusals.append((rule, reply))
                recipients.append("\(recipient) \(reply)")
                continue
            }
            if areTooMany { return Verdict(rule: "limits", reply: "452 4.5.3") }
            switch route(recipient, offer) {
            case .name(let name): recipients.append("\(recipient) by \(name)")
            case .reply(let reply):
                refusals.append(("route", reply))
                recipients.append("\(recipient) \(reply)")
            }
        }
        let isNobody = refusals.count == offer.recipients.count
        if let first = refusals.first, !partially || isNobody {
            return Verdict(rule: first.0, reply: first.1, recipients: recipients)
        }
        if offer.authors.contains(where: { !maySend(as: $0, offer) }) {
            return Verdict(rule: "sender", reply: "550 5.7.60")
        }
        if offer.hops > offer.client.connector.limits.hops {
            return Verdict(rule: "limits", reply: "554 5.4.6")
        }
        return Verdict(recipients: recipients, isAccepted: true)
    }

    private func envelope(_ offer: Submission) -> (String, String)? {
        let client = offer.client
        let connector = client.connector
        let demandsTLS =
            connector.tls.mode.rawValue == "required"
            || connector.tls.mode.rawValue == "implicit"
        if demandsTLS, !client.isSecure { return ("tls", "451 5.7.3") }
        let groups = connector.permissionGroups.map(\.rawValue)
        switch client.principal {
        case .postern: break
        case .anonymous where groups.contains("anonymous"): break
        case .application where groups.contains("applications"): break
        default: return ("submit", "530 5.7.57")
        }
        if case .mailbox(let mailbox) = offer.sender, !maySend(as: mailbox, offer) {
            return ("sender", "550 5.7.60")
        }
        let isExempt =
            client.principal == .anonymous
            && connector.rights.contains(.bypassMessageSizeLimit)
        if offer.octets > connector.limits.messageSize, !isExempt { return ("limits", "552 5.3.4") }
        let carries = book.sendConnectors.contains { offer.octets <= $0.messageSize ?? .max }
        if !carries, !book.sendConnectors.isEmpty { return ("limits", "552 5.3.4") }
        return nil
    }

    private func maySend(as mailbox: Mailbox, _ offer: Submission) -> Bool {
        switch offer.client.principal {
        case .postern: return true
        case .application(let applicant) where applicant.senders.isEmpty:
            return accepted(mailbox.domain)
        case .application(let applicant):
            return applicant.senders.contains { matches($0.description, mailbox) }
        case .anonymous:
            let rights = offer.client.connector.rights
            return accepted(mailbox.domain)
                ? rights.contains(.acceptAuthoritativeDomainSender)
                : rights.contains(.acceptAnySender)
        }
    }

    private func permission(_ recipient: Mailbox, _ offer: Submission) -> (String, String)? {
        let mayRelay =
            switch offer.client.principal {
            case .postern: true
            case .application(let applicant): applicant.mayRelay
            case .anonymous: offer.client.connector.rights.contains(.acceptAnyRecipient)
            }
        if !accepted(recipient.domain), !mayRelay { return ("recipient", "550 5.7.54") }
        if case .application(let applicant) = offer.client.principal, !applicant.recipients.isEmpty
        {
            let isNamed = applicant.recipients.contains { matches($0.description, recipient) }
            if !isNamed { return ("recipient", "550 5.7.1") }
        }
        return nil
    }

    private enum Way {
        case name(String)
        case reply(String)
    }

    private func route(_ recipient: Mailbox, _ offer: Submission) -> Way {
        var names = [offer.client.connector.name]
        if case .application(let applicant) = offer.client.principal {
            names.append(applicant.name)
        }
        let isOurs = offer.client.principal == .postern
        var all: [(specificity: Int, cost: Int, name: String, limit: Int)] = []
        for connector in book.sendConnectors {
            guard isOurs || connector.sources.isEmpty || !connector.sources.isDisjoint(with: names)
            else { continue }
            for space in connector.addressSpaces.map(\.description)
            where fits(space, recipient.domain) {
                // Labels tell: more of them is nearer, and a name itself is nearest.
                let labels = space == "*" ? 0 : space.split(separator: ".").count
                let specificity = space.hasPrefix("*") ? labels : 1000
                all.append(
                    (specificity, connector.cost, connector.name, connector.messageSize ?? .max)
                )
            }
        }
        if all.isEmpty { return .reply("550 5.4.4") }
        let fitting = all.filter { offer.octets <= $0.limit }.sorted { left, right in
            if left.specificity != right.specificity { return left.specificity > right.specificity }
            return left.cost != right.cost ? left.cost < right.cost : left.name < right.name
        }
        return fitting.first.map { .name($0.name) } ?? .reply("552 5.3.4")
    }
}

extension String {
    /// What stands before and behind the mark; the whole where it does not occur.
    fileprivate func halves(around mark: String) -> [Substring] {
        guard let place = firstRange(of: mark) else { return [self[...]] }
        return [self[..<place.lowerBound], self[place.upperBound...]]
    }
}
