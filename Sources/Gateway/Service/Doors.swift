import Mail
import Net
import Policy

/// The sockets that are open to the network and to local users.
struct Doors: Sendable {
    private(set) var listeners: [Binding: Listener] = [:]

    /// Opens a listener for every binding of the rules. After it throws nothing is open.
    init(_ rulebook: Rulebook) throws(ServiceError) {
        let (doors, failure) = Doors().moved(to: rulebook)
        if let failure { throw failure }
        self = doors
    }

    private init() {}

    /// The doors of another configuration: what is open already stays open. With a failure the doors
    /// are the old ones, though some of their listeners may be new.
    func moved(to rulebook: Rulebook) -> (doors: Doors, failure: ServiceError?) {
        let wanted = rulebook.listeningPlaces
        // The kernel gives no address to two who listen, and a wildcard holds all of its port's.
        let inTheWay = listeners.keys.filter { old in
            !wanted.contains(old) && wanted.contains { $0.overlaps(old) && listeners[$0] == nil }
        }
        var new = Doors()
        new.listeners = listeners.filter { wanted.contains($0.key) }
        for binding in inTheWay { listeners[binding]?.stop() }
        do throws(ServiceError) {
            for binding in wanted where new.listeners[binding] == nil {
                new.listeners[binding] = try Self.listener(at: binding)
            }
        } catch {
            for listener in new.added(to: self) { listener.stop() }
            return (reopened(inTheWay), error)
        }
        for listener in added(to: new) { listener.stop() }
        return (new, nil)
    }

    /// These doors after some have been closed in vain.
    private func reopened(_ closed: [Binding]) -> Doors {
        var doors = self
        for binding in closed { doors.listeners[binding] = try? Self.listener(at: binding) }
        return doors
    }

    /// The listeners that `other` does not have.
    func added(to other: Doors?) -> [Listener] {
        listeners.filter { other?.listeners[$0.key] !== $0.value }.map(\.value)
    }

    func close() {
        for listener in listeners.values { listener.stop() }
    }

    private static func listener(at binding: Binding) throws(ServiceError) -> Listener {
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

    /// The control socket for commands, then the one that local users submit to.
    static func openLocals(in directory: String) throws(ServiceError) -> [Listener] {
        let sockets: [(String, UInt32)] = [("control.sock", 0o600), ("submit.sock", 0o666)]
        var listeners: [Listener] = []
        for (name, mode) in sockets {
            do throws(StreamError) {
                listeners.append(try Listener(.unix(path: "\(directory)/\(name)"), mode: mode))
            } catch {
                for listener in listeners { listener.stop() }
                throw ServiceError.cannotListen("\(directory)/\(name)", error)
            }
        }
        return listeners
    }
}

extension Rulebook {
    /// Where to listen: every binding once, and beside a wildcard none of its port's addresses, for
    /// their clients come in by the wildcard, and the rules look at the address they came to.
    fileprivate var listeningPlaces: Set<Binding> {
        let all = Set(receiveConnectors.filter(\.isEnabled).flatMap(\.bindings))
        return all.filter { place in
            !all.contains { $0 != place && $0.address == nil && $0.overlaps(place) }
        }
    }
}

extension Binding {
    /// Both cannot be listened at.
    fileprivate func overlaps(_ other: Binding) -> Bool {
        port == other.port && port != 0 && family == other.family
            && (address == nil || other.address == nil || address == other.address)
    }
}
