import Crypto
import Delivery
import Mail
import Net
import Policy
import Store
import Synchronization

/// Why the gateway could not start, or could not take a new configuration.
enum ServiceError: Error, Sendable {
    case cannotListen(String, StreamError)
    case badCertificate(String)
    case store(StoreError)
    /// Some things cannot change while the server runs.
    case needsRestart(String)
}

/// The running gateway: its loops, its doors, and its end.
final class Server: Sendable {
    let gateway: Gateway
    private let api: API
    private let loops: EventLoops
    private let doors: Mutex<Doors>
    private let census = ConnectionCensus()

    /// What is open to the network, replaced whole by a reload.
    private struct Doors: Sendable {
        var listeners: [Binding: Listener] = [:]
        var locals: [Listener] = []
        var certificates = CertificateShelf()
    }

    init(_ configuration: Configuration, store: Store, log: Log, loops: EventLoops) {
        self.loops = loops
        let metrics = Metrics()
        let waiting = Waiting(store)
        let dispatcher = Dispatcher(
            store: store,
            loops: loops,
            routes: configuration.routes,
            settings: configuration.delivery,
            surroundings: Surroundings(clock: { .now }, resolver: Resolver()),
            log: { log.tell($0) },
            onSettled: { settled in
                for recipient in settled {
                    metrics.countOutcome(recipient.status.name)
                    waiting.settled(recipient.id)
                    log.tell(recipient)
                }
            }
        )
        gateway = Gateway(
            configuration,
            store: store,
            log: log,
            dispatcher: dispatcher,
            metrics: metrics,
            waiting: waiting
        )
        api = API(gateway)
        doors = Mutex(Doors())
    }

    /// Opens every door and begins to deliver. After it throws nothing is open.
    func start() async throws(ServiceError) {
        do throws(StoreError) {
            try await gateway.directory.reload()
            try await gateway.dispatcher?.start()
        } catch {
            throw .store(error)
        }
        let opened = try open(gateway.configuration, keeping: [:])
        let locals = try openLocals()
        doors.withLock {
            $0 = opened
            $0.locals = locals
        }
        for listener in opened.listeners.values { serve(listener) }
        for listener in locals { serveLocal(listener) }
        loops.next().start { [self] in await keepHouse() }
    }

    /// The real addresses, by the configured binding: port 0 asks the system for one.
    var addresses: [String: SocketAddress] {
        doors.withLock { doors in
            Dictionary(
                doors.listeners.map { ($0.key.description, $0.value.local) }
            ) { first, _ in first }
        }
    }

    /// Takes over another configuration, or throws and leaves everything as it was.
    func reload(_ configuration: Configuration) throws(ServiceError) {
        guard configuration.dataDirectory == gateway.configuration.dataDirectory else {
            throw .needsRestart("dataDirectory")
        }
        let old = doors.withLock { $0.listeners }
        var opened = try open(configuration, keeping: old)
        let added = opened.listeners.filter { old[$0.key] == nil }
        let removed = old.filter { opened.listeners[$0.key] == nil }
        doors.withLock { doors in
            opened.locals = doors.locals
            doors = opened
        }
        gateway.adopt(configuration)
        gateway.dispatcher?.replace(
            routes: configuration.routes,
            settings: configuration.delivery
        )
        for listener in added.values { serve(listener) }
        for listener in removed.values { listener.stop() }
    }

    /// Finishes what is begun, for at most 30 s, and closes the store.
    func drain() async {
        gateway.beginDraining()
        let doors = doors.withLock { $0 }
        for listener in Array(doors.listeners.values) + doors.locals { listener.stop() }
        loops.drain()
        let deadline = ContinuousClock.now + .seconds(30)
        while loops.acceptedCount > 0, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(20))
        }
        await gateway.dispatcher?.drain(within: max(.seconds(1), deadline - .now))
        try? await gateway.directory.noteUses()
        gateway.store.close()
    }
}

// MARK: Doors

extension Server {
    private func open(
        _ configuration: Configuration,
        keeping old: [Binding: Listener]
    ) throws(ServiceError) -> Doors {
        var doors = Doors()
        doors.certificates = try CertificateShelf(configuration)
        let enabled = configuration.rulebook.receiveConnectors.filter(\.isEnabled)
        do throws(ServiceError) {
            for connector in enabled {
                for binding in connector.bindings where doors.listeners[binding] == nil {
                    if let open = old[binding] {
                        doors.listeners[binding] = open
                    } else {
                        doors.listeners[binding] = try listener(at: binding)
                    }
                }
            }
        } catch {
            for (binding, listener) in doors.listeners where old[binding] == nil { listener.stop() }
            throw error
        }
        return doors
    }

    private func listener(at binding: Binding) throws(ServiceError) -> Listener {
        let host = binding.address?.description ?? (binding.family == .v4 ? "0.0.0.0" : "::")
        guard let address = SocketAddress(ip: host, port: binding.port) else {
            throw .cannotListen(binding.description, .closed)
        }
        do throws(StreamError) {
            return try Listener(address)
        } catch {
            throw .cannotListen(binding.description, error)
        }
    }

    /// The control socket for commands and the one that local users submit to.
    private func openLocals() throws(ServiceError) -> [Listener] {
        let directory = gateway.configuration.dataDirectory
        var listeners: [Listener] = []
        let sockets: [(String, UInt32)] = [("control.sock", 0o600), ("submit.sock", 0o666)]
        for (name, mode) in sockets {
            do throws(StreamError) {
                listeners.append(try Listener(.unix(path: "\(directory)/\(name)"), mode: mode))
            } catch {
                for listener in listeners { listener.stop() }
                throw ServiceError.cannotListen(name, error)
            }
        }
        return listeners
    }

    private func serve(_ listener: Listener) {
        let port = listener.local.port
        @Sendable func serve(_ stream: sending Connection) async {
            await receive(stream, port: port)
        }
        listener.start(on: loops, serve: serve)
    }

    private func serveLocal(_ listener: Listener) {
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
            try? await HTTPConversation(stream, api: api, connector: nil, peer: .loopback)
                .converse()
        } else if let connector = gateway.configuration.rulebook.localSubmission {
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
        let connector = gateway.configuration.rulebook.connector(at: local, port: port, for: peer)
        guard let connector else {
            return await turnAway(stream, port: port, peer: peer)
        }
        guard census.enter(connector, peer) else {
            return await refuse(stream, connector, peer)
        }
        defer { census.leave(connector, peer) }
        do throws(StreamError) {
            try await speak(stream, connector, peer)
        } catch {
            gateway.log.debug(
                "connection lost",
                ["connector": connector.name, "peer": peer.description, "reason": "\(error)"]
            )
        }
    }

    private func speak(
        _ stream: Connection,
        _ connector: ReceiveConnector,
        _ peer: IPAddress
    ) async throws(StreamError) {
        let tls = doors.withLock { $0.certificates.contexts[connector.name] }
        if connector.tls.mode == .implicit {
            guard let tls else { return }
            try await stream.startTLS(tls, within: .seconds(30))
        }
        switch connector.door {
        case .http:
            try await HTTPConversation(stream, api: api, connector: connector, peer: peer)
                .converse()
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
                Problem(
                    403,
                    "source_address_not_allowed",
                    "no connector here serves \(peer)"
                ),
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

    /// What must be done now and then, for as long as the server runs.
    private func keepHouse() async {
        var round = 0
        while !gateway.isDraining {
            guard await EventLoop.current?.sleep(for: .seconds(5)) ?? false else { return }
            try? await gateway.directory.noteUses()
            round += 1
            if round % 12 == 0 { await sweep() }
        }
    }

    private func sweep() async {
        let now = gateway.clock()
        let retention = gateway.configuration.retention
        for _ in 0..<100 {
            let touched = try? await gateway.store.sweep(
                contentBefore: now - retention.content,
                historyBefore: now - retention.history,
                limit: 500
            )
            guard let touched, touched > 0 else { return }
        }
    }
}

extension Rulebook {
    /// The connector that local users submit through: the one that would serve 127.0.0.1, on port 25
    /// if there is one. An application may show its key there: nothing leaves the machine.
    var localSubmission: ReceiveConnector? {
        guard var connector = localConnector else { return nil }
        connector.permissionGroups.insert(.applications)
        connector.authentication = [.plain]
        connector.tls = TLSPolicy()
        return connector
    }

    private var localConnector: ReceiveConnector? {
        let serving = receiveConnectors.filter { connector in
            connector.isEnabled && connector.door == .smtp && connector.tls.mode != .implicit
                && connector.permissionGroups.contains(.anonymous)
        }
        let ports = serving.flatMap(\.bindings).map(\.port).sorted { left, _ in left == 25 }
        for port in ports {
            if let connector = connector(at: .loopback, port: port, for: .loopback),
                connector.door == .smtp
            {
                return connector
            }
        }
        return nil
    }
}
