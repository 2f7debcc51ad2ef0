import Mail
import Synchronization

/// The health of a route's hosts, shared by its couriers.
final class HealthBook: Sendable {
    private let health = Mutex(HostHealth())

    func permission(for host: HostPort, at now: Timestamp) -> HostHealth.Permission {
        health.withLock { $0.permission(for: host.description, at: now) }
    }

    func failed(_ host: HostPort, because reason: String, at now: Timestamp, isProbe: Bool) {
        health.withLock {
            $0.failed(host.description, because: reason, at: now, isProbe: isProbe)
        }
    }

    func succeeded(_ host: HostPort) {
        health.withLock { $0.succeeded(host.description) }
    }

    func approached(_ host: HostPort, at now: Timestamp) {
        health.withLock { $0.approached(host.description, at: now) }
    }

    func settled(_ host: HostPort, hasBegun: Bool, at now: Timestamp) {
        health.withLock { $0.settled(host.description, hasBegun: hasBegun, at: now) }
    }

    func ended(_ host: HostPort) {
        health.withLock { $0.ended(host.description) }
    }

    func progressed(_ host: HostPort, at now: Timestamp) {
        health.withLock { $0.progressed(host.description, at: now) }
    }

    /// How many conversations a host has that wanted no further one; nil where it has none that go on.
    func crowd(at host: HostPort, inWords: Bool, at now: Timestamp) -> Int? {
        health.withLock { $0.crowd(at: host.description, inWords: inWords, at: now) }
    }

    /// When the first dead host may be tried again.
    var earliestReturn: Timestamp? { health.withLock { $0.earliestReturn } }

    /// Those that are passed over now, by name.
    func ailing(at now: Timestamp) -> [AilingHost] {
        health.withLock { $0.dead(at: now) }.map {
            AilingHost(host: $0.host, reason: $0.ailment.reason, until: $0.ailment.deadUntil)
        }
    }

    func reset() {
        health.withLock { $0.reset() }
    }

    func forget(before moment: Timestamp) {
        health.withLock { $0.forget(before: moment) }
    }
}
