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
                return await refuse(stream, connector, .loopback)
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
        guard let peer = stream.peer.ip.flatMap({ IPAddress($0) }),
            let local = stream.local.ip.flatMap({ IPAddress($0) })
        else { return }
        let place = Place(local: local, port: port)
        let listing = gateway.configuration.rulebook.listing(
            balancer: peer,
            at: local,
            port: port
        )
        guard let listing else { return await serve(stream, peer, at: place) }
        let introduction = Introduction(balancer: peer, connector: listing)
        await serve(stream, introducedBy: introduction, at: place)
    }

    /// The client is whom the balancer names.
    private func serve(
        _ stream: Connection,
        introducedBy introduction: Introduction,
        at place: Place
    ) async {
        let (balancer, connector) = (introduction.balancer, introduction.connector)
        guard gateway.census.beginWaiting(connector) else {
            return await refuse(stream, connector, balancer)
        }
        let outcome = await introduction.await(on: stream)
        gateway.census.endWaiting(connector)
        switch outcome {
        case .client(let peer): await serve(stream, peer, at: place)
        case .inRequests:
            let forwarding = Forwarding(balancer: balancer, place: place)
            await serve(stream, nil, by: connector, forwarding)
        case .failed(let words):
            gateway.log.warning(
                "the balancer's PROXY header \(words); it must send one (haproxy: send-proxy-v2),"
                    + " or must not be listed in proxies",
                ["connector": connector.name, "peer": balancer.description]
            )
        case .gone: break
        }
    }

    private func serve(_ stream: Connection, _ peer: IPAddress, at place: Place) async {
        let rules = gateway.configuration.rulebook
        guard let connector = rules.connector(at: place.local, port: place.port, for: peer) else {
            return await turnAway(stream, port: place.port, peer: peer)
        }
        // A balancer behind the balancer names its clients in its requests.
        let isBalancer = rules.listing(balancer: peer, at: place.local, port: place.port) != nil
        let forwarding =
            isBalancer && connector.door == .http ? Forwarding(balancer: peer, place: place) : nil
        await serve(stream, peer, by: connector, forwarding)
    }

    /// Without a peer the connection is the balancer's, and no source of its own.
    private func serve(
        _ stream: Connection,
        _ peer: IPAddress?,
        by connector: ReceiveConnector,
        _ forwarding: Forwarding?
    ) async {
        let shown = peer ?? forwarding?.balancer ?? .loopback
        guard gateway.census.enter(connector, peer, at: gateway.clock()) else {
            return await refuse(stream, connector, shown)
        }
        defer { gateway.census.leave(connector, peer) }
        do throws(StreamError) {
            try await speak(stream, connector, shown, forwarding)
        } catch {
            gateway.log.debug(
                "connection lost",
                ["connector": connector.name, "peer": shown.description, "reason": "\(error)"]
            )
        }
    }

    private func speak(
        _ stream: Connection,
        _ connector: ReceiveConnector,
        _ peer: IPAddress,
        _ forwarding: Forwarding?
    ) async throws(StreamError) {
        let tls = certificates.withLock { $0.contexts[connector.name] }
        if connector.tls.mode == .implicit {
            guard let tls else { return }
            try await stream.startTLS(tls, within: .seconds(30))
        }
        switch connector.door {
        case .http:
            try await HTTPConversation(
                stream,
                api: api,
                connector: connector,
                peer: peer,
                forwarding: forwarding
            ).converse()
        case .smtp:
            try await SMTPConversation(
                stream,
                gateway: gateway,
                connector: connector,
                peer: peer,
                tls: tls
            ).converse()
        }
    }

    /// No connector serves this address: SMTP hears 421, HTTP 403.
    private func turnAway(_ stream: Connection, port: Int, peer: IPAddress) async {
        gateway.log.warning("no connector serves the client", ["peer": peer.description])
        let doors = gateway.configuration.rulebook.receiveConnectors.filter { connector in
            connector.bindings.contains { $0.port == port }
        }
        if doors.contains(where: { $0.door == .http }) {
            await Farewell.http(
                .notServed(peer),
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
        _ peer: IPAddress
    ) async {
        gateway.log.warning(
            "too many connections",
            ["connector": connector.name, "peer": peer.description]
        )
        switch connector.door {
        case .http:
            await Farewell.http(
                Problem(503, "overloaded", "too many connections").with("Retry-After", "5"),
                on: stream,
                api: api
            )
        case .smtp: await Farewell.smtp(.tooManyConnections, on: stream)
        }
    }
}
