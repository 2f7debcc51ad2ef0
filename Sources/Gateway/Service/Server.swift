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

/// The running gateway: its beginning, its reloads and its end.
final class Server: Sendable {
    let gateway: House
    private let dispatcher: Dispatcher
    private let reporter: Reporter
    private let escalator: Escalator
    private let reception: Reception
    private let loops: EventLoops
    private let open = Mutex<(doors: Doors?, locals: [Listener])>((nil, []))

    init(_ configuration: Configuration, store: MailStore, log: Log, loops: EventLoops) {
        let metrics = Metrics()
        let waiting = Waiting(store)
        let bounces = BounceEar()
        let surroundings = Surroundings(clock: { .now }, resolver: Resolver())
        let reporter = Reporter(on: loops)
        self.reporter = reporter
        let escalator = Escalator(on: loops)
        self.escalator = escalator
        dispatcher = Dispatcher(
            store: store,
            loops: loops,
            routes: configuration.routes,
            settings: ReturnKey(directory: configuration.dataDirectory, log: log)
                .armed(configuration.delivery),
            surroundings: surroundings,
            log: { notice in
                log.tell(notice)
                if case .routeSuspended(let it) = notice, it.isOrderedByNobody {
                    reporter.tell(.suspended(it))
                }
            },
            onSettled: { settled in
                for recipient in settled {
                    metrics.countOutcome(recipient.status.name)
                    waiting.settled(recipient.id)
                    log.tell(recipient)
                }
                if settled.contains(where: { $0.status == .failed }) { bounces.hear(settled) }
                if settled.contains(where: \.earnsReport) { reporter.wake() }
                if settled.contains(where: \.escalates) { escalator.wake() }
            }
        )
        gateway = House(
            configuration,
            store: store,
            log: log,
            dispatcher: dispatcher,
            metrics: metrics,
            waiting: waiting,
            onDebt: { reporter.wake() },
            webhooks: { logons in
                WebhookDesk(
                    WebhookTools(store: store, surroundings: surroundings, logons.vault, log),
                    on: loops
                )
            }
        )
        reception = Reception(gateway)
        self.loops = loops
        bounces.connect(gateway, loops)
    }

    /// Opens every door and begins to deliver. After it throws nothing is open.
    func start() async throws(ServiceError) {
        reception.adopt(try CertificateShelf(gateway.configuration))
        let doors = try Doors(gateway.configuration.rulebook)
        var locals: [Listener] = []
        do throws(ServiceError) {
            locals = try Doors.openLocals(in: gateway.configuration.dataDirectory)
            try await fillFromStore()
            open.withLock { [locals] in $0 = (doors, locals) }
            for listener in locals { reception.serveLocal(listener, on: loops) }
        } catch {
            doors.close()
            for listener in locals { listener.stop() }
            throw error
        }
        watchRanges()
        reporter.begin(for: gateway)
        escalator.begin(for: gateway)
        followAtStart()
        for listener in doors.listeners.values { reception.serve(listener, on: loops) }
        loops.next().start { [gateway, reporter] in
            await Housekeeping(gateway: gateway, reporter: reporter).run()
        }
    }

    /// The audit wants to know since when a range could have been used.
    private func watchRanges() {
        loops.next().start { [gateway] in
            let ranges = gateway.configuration.rulebook.watchedRanges
            try? await gateway.store.watch(ranges, from: gateway.clock())
        }
    }

    /// Mail that waits goes where the new configuration sends it.
    private func follow(_ configuration: Configuration, after old: Configuration?) {
        loops.next().start { [gateway] in
            await gateway.orders.follow(configuration, after: old, gateway.directory, gateway.log)
        }
    }

    /// The same for routes that went away while no server ran.
    private func followAtStart() {
        let isOrphaned = dispatcher.snapshot().contains { !$0.isConfigured && $0.waiting > 0 }
        if isOrphaned { follow(gateway.configuration, after: nil) }
    }

    private func fillFromStore() async throws(ServiceError) {
        do throws(StoreError) {
            try await gateway.directory.reload()
            try await gateway.suppressions.reload()
            gateway.logons.welcome(
                try await gateway.store.addressesOfApplications(most: LogonRegulars.most)
            )
            try await gateway.webhooks?.refresh()
            try await dispatcher.start()
        } catch {
            throw .store(error)
        }
    }

    /// Where it listens: each configured binding and the address it has.
    var addresses: [(binding: String, address: SocketAddress)] {
        let listeners = open.withLock { $0.doors?.listeners ?? [:] }
        return listeners.map { ($0.key.description, $0.value.local) }.sorted { $0.0 < $1.0 }
    }

    /// Takes over another configuration, or throws and leaves everything as it was.
    func reload(_ configuration: Configuration) throws(ServiceError) {
        guard configuration.dataDirectory == gateway.configuration.dataDirectory else {
            throw .needsRestart("dataDirectory")
        }
        let certificates = try CertificateShelf(configuration)
        guard let old = open.withLock({ $0.doors }) else { return }
        let (new, failure) = old.moved(to: configuration.rulebook)
        open.withLock { $0.doors = new }
        if failure == nil {
            let before = gateway.configuration
            reception.adopt(certificates)
            gateway.adopt(configuration)
            dispatcher.replace(
                routes: configuration.routes,
                settings: gateway.returnKey.armed(configuration.delivery)
            )
            watchRanges()
            follow(configuration, after: before)
        }
        for listener in new.added(to: old) { reception.serve(listener, on: loops) }
        if let failure { throw failure }
    }

    /// Finishes what is begun, for at most 30 s, and closes the store.
    func drain() async {
        gateway.beginDraining()
        gateway.webhooks?.stop()
        let (doors, locals) = open.withLock { $0 }
        doors?.close()
        for listener in locals { listener.stop() }
        loops.drain()
        let deadline = ContinuousClock.now + .seconds(30)
        while loops.acceptedCount > 0, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(20))
        }
        await dispatcher.drain(within: max(.seconds(1), deadline - .now))
        try? await gateway.directory.noteUses()
        try? await gateway.sources.flush()
        await gateway.protocolLog.finish()
        gateway.store.close()
    }
}
