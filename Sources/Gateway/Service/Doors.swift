import Mail
import Net
import Policy

/// The sockets that are open to the network and to local users.
struct Doors: Sendable {
    private(set) var listeners: [Binding: Listener] = [:]

    /// Opens a listener for every binding of the configuration; those in `old` are kept. After it
    /// throws nothing more is open than before.
    init(_ rulebook: Rulebook, keeping old: Doors?) throws(ServiceError) {
        let enabled = rulebook.receiveConnectors.filter(\.isEnabled)
        do throws(ServiceError) {
            for binding in enabled.flatMap(\.bindings) where listeners[binding] == nil {
                if let open = old?.listeners[binding] {
                    listeners[binding] = open
                } else {
                    listeners[binding] = try Self.listener(at: binding)
                }
            }
        } catch {
            for listener in added(to: old) { listener.stop() }
            throw error
        }
    }

    /// The listeners that `other` does not have.
    func added(to other: Doors?) -> [Listener] {
        listeners.filter { other?.listeners[$0.key] == nil }.map(\.value)
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
