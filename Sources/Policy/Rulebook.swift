package import Mail

/// Everything the rules know of the configuration. A pure value: a reload makes a new one.
package struct Rulebook: Hashable, Sendable {
    package let receiveConnectors: [ReceiveConnector]
    package let acceptedDomains: [AcceptedDomain]
    package let sendConnectors: [SendConnector]
    /// Every connection is asked about, and most gateways have none.
    private let hasBalancers: Bool

    package init(
        receiveConnectors: [ReceiveConnector],
        acceptedDomains: [AcceptedDomain],
        sendConnectors: [SendConnector]
    ) {
        self.receiveConnectors = receiveConnectors
        self.acceptedDomains = acceptedDomains
        self.sendConnectors = sendConnectors
        hasBalancers = receiveConnectors.contains { !$0.proxies.isEmpty }
    }

    package func accepts(_ domain: String) -> AcceptedDomain? {
        acceptedDomains.first { $0.domain.matches(domain) }
    }
}

/// Who stands at the door, and how they came. A reference, because every step of a message's way
/// hands it on.
package final class Client: Sendable {
    package let connector: ReceiveConnector
    package let peer: IPAddress
    package let principal: Principal
    package let isSecure: Bool

    package init(
        connector: ReceiveConnector,
        peer: IPAddress,
        principal: Principal,
        isSecure: Bool
    ) {
        self.connector = connector
        self.peer = peer
        self.principal = principal
        self.isSecure = isSecure
    }

    /// The same client after a reload, a logon or a handshake.
    package func with(
        connector: ReceiveConnector? = nil,
        principal: Principal? = nil,
        isSecure: Bool? = nil
    ) -> Client {
        Client(
            connector: connector ?? self.connector,
            peer: peer,
            principal: principal ?? self.principal,
            isSecure: isSecure ?? self.isSecure
        )
    }
}

extension Client {
    /// Rule 4 refuses nobody, so no author has to be vouched for.
    package var mayWriteAsAnyone: Bool {
        guard case .anonymous = principal else { return false }
        return connector.rights.isSuperset(of: [
            .acceptAnySender, .acceptAuthoritativeDomainSender,
        ])
    }
}

/// A mail on offer: its envelope, and what the rules must know of its content.
package struct Submission: Sendable {
    package var client: Client
    package var sender: ReversePath
    package var recipients: [Mailbox]
    /// Every address of From and Sender: they are held to the rule of the envelope's sender.
    package var authors: [Mailbox]
    package var octets: Int
    /// Received fields already in the header.
    package var hops: Int

    package init(
        client: Client,
        sender: ReversePath,
        recipients: [Mailbox],
        authors: [Mailbox] = [],
        octets: Int,
        hops: Int = 0
    ) {
        self.client = client
        self.sender = sender
        self.recipients = recipients
        self.authors = authors
        self.octets = octets
        self.hops = hops
    }
}

extension Rulebook {
    /// Rule 1: the exact local address before the wildcard, then the smallest range that holds the
    /// peer. When no connector of the exact address fits, those of the wildcard are asked.
    package func connector(
        at local: IPAddress,
        port: Int,
        for peer: IPAddress
    ) -> ReceiveConnector? {
        tightest(at: local, port, local.family, for: peer)
            ?? tightest(at: nil, port, local.family, for: peer)
    }

    /// The connector as the rules have it now; nil where it is no longer the one that serves the peer
    /// there.
    package func renewed(
        _ connector: ReceiveConnector,
        at local: IPAddress,
        port: Int,
        for peer: IPAddress
    ) -> ReceiveConnector? {
        let chosen = self.connector(at: local, port: port, for: peer)
        return chosen?.name == connector.name ? chosen : nil
    }

    /// What is spoken there, to whomever.
    package func door(at local: IPAddress, port: Int) -> ReceiveConnector.Door? {
        [local, nil].lazy.compactMap { place in
            receiveConnectors.first { $0.isBound(to: place, port, local.family) }
        }.first?.door
    }

    /// The connector that lists the peer as a balancer; nil where the peer speaks for itself. The
    /// client's address then chooses among all connectors of the place: who is trusted to name the
    /// client at one of them can come in at any.
    package func listing(balancer peer: IPAddress, at local: IPAddress, port: Int)
        -> ReceiveConnector?
    {
        guard hasBalancers else { return nil }
        for place in [local, nil] {
            for connector in receiveConnectors
            where connector.isBound(to: place, port, local.family)
                && connector.proxies.contains(where: { $0.contains(peer) })
            {
                return connector
            }
        }
        return nil
    }

    private func tightest(
        at address: IPAddress?,
        _ port: Int,
        _ family: IPAddress.Family,
        for peer: IPAddress
    ) -> ReceiveConnector? {
        var best: (place: Int, tightness: UInt128)?
        for place in receiveConnectors.indices
        where receiveConnectors[place].isBound(to: address, port, family) {
            guard let tightness = receiveConnectors[place].tightness(for: peer),
                tightness < best?.tightness ?? .max || best == nil
            else { continue }
            best = (place, tightness)
        }
        return best.map { receiveConnectors[$0.place] }
    }

    /// Rule 7: the most specific address space, then the lowest cost, then the name.
    package func route(
        to domain: String,
        from client: Client,
        octets: Int
    ) -> Result<SendConnector, Reply> {
        let fitting = sendConnectors.compactMap { connector in
            serves(connector, client)
                ? connector.rank(for: domain).map { (connector: connector, rank: $0) } : nil
        }
        guard !fitting.isEmpty else { return .failure(.noRoute) }
        let wideEnough = fitting.filter { octets <= $0.connector.messageSize ?? .max }
        let best = wideEnough.min {
            (-$0.rank, $0.connector.cost, $0.connector.name)
                < (-$1.rank, $1.connector.cost, $1.connector.name)
        }
        return best.map { .success($0.connector) } ?? .failure(.messageTooLarge)
    }

    func serves(_ connector: SendConnector, _ client: Client) -> Bool {
        if connector.sources.isEmpty { return true }
        return switch client.principal {
        case .postern: true
        case .anonymous: connector.sources.contains(client.connector.name)
        case .application(let applicant):
            connector.sources.contains(client.connector.name)
                || connector.sources.contains(applicant.name)
        }
    }

    /// The largest message that some route carries; nil where one has no limit.
    var largestRouteSize: Int? {
        guard !sendConnectors.contains(where: { $0.messageSize == nil }) else { return nil }
        return sendConnectors.compactMap(\.messageSize).max()
    }
}
