import Mail
import Net
import Policy
import Store
import Wire

/// What is kept of a connection beside its mail: what the inventory of sources shall know, and the
/// protocol log.
struct SMTPVisit {
    var sighting: SourceSighting
    private let remote: String
    private let local: String
    private(set) var log: ProtocolLogSession?
    var hasQuit = false
    /// The gateway has spoken the last word.
    var isEndedHere = false
    fileprivate var isReported = false
    /// Looks at the first octets; nil when it has seen enough.
    private var opening: ProxyHeaderReader? = ProxyHeaderReader()
    /// The first octets are a balancer's, and nobody listed the client as one.
    private(set) var beginsWithProxyHeader = false

    init(
        from remote: String,
        to local: String,
        _ connector: ReceiveConnector,
        _ gateway: House
    ) {
        sighting = SourceSighting(at: gateway.clock())
        (self.remote, self.local) = (remote, local)
        follow(connector, gateway)
    }

    /// Keeps a protocol log if the connector does, from now on.
    mutating func follow(_ connector: ReceiveConnector, _ gateway: House) {
        guard connector.keepsProtocolLog != (log != nil) else { return }
        guard connector.keepsProtocolLog else {
            log = nil
            return
        }
        log = gateway.protocolLog.session(
            connector: connector.name,
            local: local,
            remote: remote
        )
        log?.note(.connected)
    }

    /// Looks at the first octets, in however many pieces they come.
    mutating func look(at octets: Span<UInt8>) {
        guard var reader = opening else { return }
        reader.receive(octets.extracting(first: min(16, octets.count)))
        do throws(ProxyHeaderError) {
            _ = try reader.next()
            // Fewer may still become an answer to a blank line, or another word.
            beginsWithProxyHeader = reader.rest.count >= 6
            opening = beginsWithProxyHeader ? nil : reader
        } catch {
            beginsWithProxyHeader = error != .absent
            opening = nil
        }
    }
}

extension Connection {
    /// The client's address and port. Behind a balancer the connection's own port is the balancer's.
    func endpoint(of peer: IPAddress, port: Int?) -> String {
        guard let port else {
            return self.peer.ip == peer.description ? self.peer.description : peer.description
        }
        return peer.family == .v6 ? "[\(peer)]:\(port)" : "\(peer):\(port)"
    }
}

extension SMTPConversation {
    /// The session's next event; what was heard and what will be said goes to the protocol log.
    func nextEvent() -> SMTPServerEvent? {
        let event = session.next()
        guard let log = visit.log else { return event }
        for line in session.takeHeard() { log.note(.received, line) }
        switch event {
        case .reply(let octets), .goodbye(let octets, _): log.note(sent: octets)
        default: break
        }
        return event
    }

    /// Whoever is not listed may not speak for others, nor go on as if it had not tried.
    func refuseProxyHeader() async throws(StreamError) {
        note(
            client.peer.description == stream.peer.ip
                ? "the client sends a PROXY header and is not believed; list it in proxies if it is"
                    + " a balancer"
                : "a second PROXY header behind the balancer's is not believed"
        )
        try await say(SMTPReply(500, "5.3.3", "Unrecognized command"))
        await stream.finish(within: .seconds(1))
    }

    /// A logon came to its end.
    func noteLogon(by mechanism: SMTPMechanism) {
        if identity == nil || hasFailedLogon {
            visit.sighting.refusals += 1
        } else {
            visit.sighting.mechanism = mechanism.rawValue
            visit.log?.note(.note, "authenticated as \(identity?.application?.name ?? "")")
        }
    }

    /// What a mail shows of the program that made it, as it came.
    func noteHabits(of mail: RawMail, sentAs parameters: SMTPMailParameters) {
        var quirks: SourceQuirks = []
        if mail.header.first("Date") == nil { quirks.insert(.missingDate) }
        if mail.header.first("Message-ID") == nil { quirks.insert(.missingMessageID) }
        if mail.header.first("From") == nil { quirks.insert(.missingFrom) }
        if mail.authors == nil { quirks.insert(.malformedFrom) }
        let isDeclared = [.eightBitMIME, .binaryMIME].contains(parameters.body)
        if mail.traits.contains(.is8Bit), !isDeclared { quirks.insert(.undeclared8Bit) }
        if mail.traits.contains(.hasLongLines) { quirks.insert(.longLines) }
        visit.sighting.quirks |= quirks.rawValue
    }

    /// Tells the inventory what is new. Called once a mail and once a connection, not more.
    func reportSighting() {
        visit.sighting.lastSeen = gateway.clock()
        visit.sighting.helo = session.helloName
        visit.sighting.quirks |= SourceQuirks(session.quirks).rawValue
        gateway.sources.note(visit.sighting, of: client)
        visit.isReported = true
        (visit.sighting.messages, visit.sighting.refusals) = (0, 0)
    }

    func endVisit() {
        if !visit.hasQuit { visit.sighting.quirks |= SourceQuirks.noQuit.rawValue }
        let isNews = visit.sighting.refusals > 0 || !visit.hasQuit
        if isNews || !visit.isReported { reportSighting() }
        visit.log?.note(.disconnected, context: visit.isEndedHere ? "Local" : "Remote")
    }
}
