import Net
import Policy
import Store

/// `serve`: the gateway itself.
enum ServeCommand {
    static let all = [
        Command("serve", "", "runs the gateway until SIGTERM or SIGINT", run: run)
    ]

    @Sendable
    private static func run(_ it: Invocation) async throws(CommandFailure) {
        _ = try it.arguments.expect([])
        BatchScheduling.enter()
        ThreadCaches.enlarge()
        OpenFiles.allowAsManyAsPossible()
        let signals = Signals()
        let file = it.configurationFile
        let configuration = try ConfigurationFile.load(file)
        let log = Log(
            level: configuration.logLevel,
            format: configuration.logFormat,
            clock: { .now }
        )
        let server = try await start(configuration, log)
        log.info("ready", ["version": Version.text, "hostname": configuration.hostname])
        ServiceManager.notify("READY=1")
        for finding in configuration.audit {
            log.warning(finding.text, ["subject": finding.subject, "code": finding.code])
        }
        for await event in signals.events {
            guard event == .reload else { break }
            ServiceManager.notify("RELOADING=1")
            reload(server, from: file, log)
            ServiceManager.notify("READY=1")
        }
        log.info("stopping")
        ServiceManager.notify("STOPPING=1")
        await server.drain()
        log.info("stopped")
    }

    static func start(
        _ configuration: Configuration,
        _ log: Log
    ) async throws(CommandFailure) -> Server {
        let store = try StoreOpening.open(configuration, log: log)
        let loops = EventLoops(count: Processors.count)
        let server = Server(configuration, store: store, log: log, loops: loops)
        do throws(ServiceError) {
            try await server.start()
        } catch {
            store.close()
            throw CommandFailure(error)
        }
        for (binding, address) in server.addresses {
            log.info("listening", ["binding": binding, "address": address.description])
        }
        return server
    }

    /// A bad file is refused and the old configuration stays.
    private static func reload(_ server: Server, from file: String, _ log: Log) {
        do {
            try server.reload(try ConfigurationFile.load(file))
            log.info("configuration reloaded", ["file": file])
        } catch let error as CommandFailure {
            log.error("configuration refused; the old one stays", ["reason": error.message])
        } catch let error as ServiceError {
            log.error(
                "configuration refused; the old one stays",
                ["reason": CommandFailure(error).message]
            )
        } catch {
            log.error("configuration refused; the old one stays", ["reason": "\(error)"])
        }
    }
}

extension CommandFailure {
    init(_ error: ServiceError) {
        switch error {
        case .cannotListen(let place, let reason):
            self.init(.unavailable, "cannot listen on \(place): \(reason)")
        case .badCertificate(let reason):
            self.init(.configuration, "a certificate cannot be used: \(reason)")
        case .store(let error): self.init(error)
        case .needsRestart(let key):
            self.init(.configuration, "\(key) cannot change while the server runs; restart it")
        }
    }
}
