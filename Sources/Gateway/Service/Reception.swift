import Glibc
import Mail
import Net
import Policy
import Synchronization

/// Receives connections: the connector is chosen, its limits are asked, and its protocol is spoken
/// until the end.
final class Reception: Sendable {
    private let gateway: House
    private let api: API
    private let certificates = Mutex(CertificateShelf())

    init(_ gateway: House) {
        self.gateway = gateway
        api = API(gateway)
    }

    func adopt(_ shelf: CertificateShelf) {
        certificates.withLock { $0 = shelf }
    }

    /// Serves whoever comes in by that listener.
    func serve(_ listener: Listener, on loops: EventLoops) {
        let port = listener.local.port
        @Sendable func serve(_ stream: sending Connection) async {
            await receive(stream, port: port)
        }
        listener.start(on: loops, serve: serve)
    }

    /// The same for the sockets of this machine's users.
    func serveLocal(_ listener: Listener, on loops: EventLoops) {
        let isControl = listener.local.path?.hasSuffix("control.sock") ?? false
        @Sendable func serve(_ stream: sending Connection) async {
            await receiveLocally(stream, isControl: isControl)
        }
        listener.start(on: loops, serve: serve)
    }

    /// A client on this machine: administrators at the control socket, anyone at the other.
    private func receiveLocally(_ stream: Connection, isControl: Bool) async {
        defer { stream.close() }
        if isControl {
            // The socket's mode says so already; this holds even where the folder's does not.
            guard let uid = stream.peerCredentials?.uid, [0, geteuid()].contains(uid) else {
                return gateway.log.warning("a stranger at the control socket")
            }
            try? await HTTPConversation(stream, api: api, connector: nil, peer: .loopback)
                .converse()
        } else if let connector = gateway.configuration.rulebook.localSubmission {
            guard gateway.census.enter(connector, .loopback, at: gateway.clock()) else {
                return await refuse(stream, connector, Caller(.loopback))
            }
            defer { gateway.census.leave(connector, .loopback) }
            try? await SMTPConversation(
                stream,
                gateway: gateway,
                connector: connector,
                peer: .loopback,
                tls: nil
            ).converse()
        }
    }

    /// One connection from its first octet to its last: the connector is chosen, the limits are
    /// asked, and its door's protocol is spoken.
    private func receive(_ stream: Connection, port: Int) async {
        defer { stream.close() }
        guard let peer = IPAddress(stream.peer), let local = IPAddress(stream.local),
            let visitor = await visitor(on: stream, from: Caller(peer), at: Place(local, port))
        else { return }
        let (connector, source) = (visitor.connector, visitor.isSource ? visitor.peer : nil)
        guard gateway.census.enter(connector, source, at: gateway.clock()) else {
            return await refuse(stream, connector, visitor.caller)
        }
        defer { gateway.census.leave(connector, source) }
        do throws(StreamError) {
            try await speak(stream, visitor)
        } catch {
            gateway.log.debug(
                "connection lost",
                [
                    "connector": connector.name, "peer": visitor.peer.description,
                    "reason": "\(error)",
                ]
            )
        }
    }

    /// Who comes, and who serves them; nil where nobody does, which they have been told.
    private func visitor(
        on stream: Connection,
        from caller: Caller,
        at place: Place
    ) async -> Visitor? {
        let rules = gateway.configuration.rulebook
        guard let listing = rules.listing(balancer: caller.address, at: place) else {
            return await visitor(on: stream, as: caller, at: place)
        }
        guard gateway.census.beginWaiting(listing) else {
            await refuse(stream, listing, caller)
            return nil
        }
        let outcome = await Introduction(balancer: caller, connector: listing).hear(on: stream)
        gateway.census.endWaiting(listing)
        switch outcome {
        case .client(let client): return await visitor(on: stream, as: client, at: place)
        case .inRequests:
            let forwarding = Forwarding(balancer: caller.address, place)
            return Visitor(listing, caller, forwarding, isSource: false)
        case .failed(let words):
            gateway.log.warning(
                "the balancer's PROXY header \(words); it must send one (haproxy: send-proxy-v2),"
                    + " or must not be listed in proxies",
                ["connector": listing.name, "peer": caller.address.description]
            )
            return nil
        case .gone: return nil
        }
    }

    private func visitor(
        on stream: Connection,
        as caller: Caller,
        at place: Place
    ) async -> Visitor? {
        let (rules, peer) = (gateway.configuration.rulebook, caller.address)
        guard let connector = rules.connector(at: place.local, port: place.port, for: peer) else {
            await turnAway(stream, at: place, caller)
            return nil
        }
        // A balancer behind the balancer names its clients in its requests.
        let isBalancer = connector.door == .http && rules.listing(balancer: peer, at: place) != nil
        let forwarding = isBalancer ? Forwarding(balancer: peer, place) : nil
        return Visitor(connector, caller, forwarding)
    }

    private func speak(_ stream: Connection, _ visitor: Visitor) async throws(StreamError) {
        let connector = visitor.connector
        let tls = certificates.withLock { $0.contexts[connector.name] }
        if connector.tls.mode == .implicit {
            guard let tls else { return }
            let limits = connector.limits
            let lifetime = limits.lifetime == .zero ? .seconds(30) : limits.lifetime
            let patience = limits.patience(within: min(lifetime, .seconds(30)))
            do throws(StreamError) {
                try await stream.startTLS(tls, within: patience)
            } catch {
                throw stumble(error, visitor)
            }
        }
        switch connector.door {
        case .http:
            try await HTTPConversation(
                stream,
                api: api,
                connector: connector,
                peer: visitor.peer,
                forwarding: visitor.forwarding
            ).converse()
        case .smtp:
            try await SMTPConversation(
                stream,
                gateway: gateway,
                connector: connector,
                peer: visitor.peer,
                port: visitor.caller.port,
                tls: tls
            ).converse()
        }
    }

    /// A handshake that fails is the client's only sign of life: who looks for it looks here.
    private func stumble(_ error: StreamError, _ visitor: Visitor) -> StreamError {
        if case .tls(let reason) = error {
            gateway.log.warning(
                seldom: "TLS handshake failed",
                of: visitor.connector.name,
                [
                    "connector": visitor.connector.name, "peer": visitor.peer.description,
                    "reason": reason,
                ]
            )
        }
        return error
    }

    /// No connector serves this address: SMTP hears 421, HTTP 403.
    private func turnAway(_ stream: Connection, at place: Place, _ caller: Caller) async {
        gateway.log.warning(
            seldom: "no connector serves the client",
            of: "\(place.port)",
            ["peer": caller.address.description]
        )
        if gateway.configuration.rulebook.door(at: place.local, port: place.port) == .http {
            await Farewell.http(
                .notServed(caller.address),
                on: stream,
                api: api
            )
        } else {
            await Farewell.smtp(.noConnector, on: stream)
        }
    }

    private func refuse(
        _ stream: Connection,
        _ connector: ReceiveConnector,
        _ caller: Caller
    ) async {
        gateway.log.warning(
            seldom: "too many connections",
            of: connector.name,
            ["connector": connector.name, "peer": caller.address.description]
        )
        switch connector.door {
        case .http:
            await Farewell.http(
                Problem(503, "overloaded", "too many connections").with("Retry-After", "5"),
                on: stream,
                api: api
            )
        case .smtp:
            let log =
                connector.keepsProtocolLog
                ? gateway.protocolLog.session(
                    connector: connector.name,
                    local: stream.local.description,
                    remote: stream.endpoint(of: caller.address, port: caller.port)
                ) : nil
            await Farewell.smtp(.tooManyConnections, on: stream, log)
        }
    }
}

extension IPAddress {
    /// Nil for a unix socket.
    init?(_ address: SocketAddress) {
        guard let (isIPv4, value) = address.number else { return nil }
        self = isIPv4 ? IPAddress(v4: UInt32(value)) : IPAddress(v6: value)
    }
}
