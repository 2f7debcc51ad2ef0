import Mail
import Net
import Policy
import Wire

/// Where a connection came in.
final class Place: Sendable {
    let local: IPAddress
    let port: Int

    init(_ local: IPAddress, _ port: Int) {
        self.local = local
        self.port = port
    }
}

/// A client, wherever its connection comes from. A class: the compiler loses 128-bit numbers among
/// the arguments of asynchronous functions.
final class Caller: Sendable {
    let address: IPAddress
    /// As a balancer told it; nil: the connection's own, if the client has made it itself.
    let port: Int?

    init(_ address: IPAddress, port: Int? = nil) {
        self.address = address
        self.port = port
    }
}

/// Who has come, and the connector that serves them.
final class Visitor: Sendable {
    let connector: ReceiveConnector
    let caller: Caller
    /// Where each request names its client.
    let forwarding: Forwarding?
    /// False for a balancer, whose connections are those of many.
    let isSource: Bool

    init(
        _ connector: ReceiveConnector,
        _ caller: Caller,
        _ forwarding: Forwarding?,
        isSource: Bool = true
    ) {
        self.connector = connector
        self.caller = caller
        self.forwarding = forwarding
        self.isSource = isSource
    }

    var peer: IPAddress { caller.address }
}

/// A balancer tells for whom it comes: in a header before everything else, or in each request.
struct Introduction: Sendable {
    enum Outcome: Sendable {
        /// The header said so. For a connection of the balancer's own, the balancer itself.
        case client(Caller)
        /// No header. Each request names its client.
        case inRequests
        /// No header where one must be, or one that cannot be read, in words.
        case failed(String)
        case gone
    }

    /// Long enough for a lost packet, and too short to be worth holding a connection open.
    private static let patience = Duration.seconds(5)

    let balancer: Caller
    /// The connector that lists the balancer.
    let connector: ReceiveConnector

    func hear(on stream: Connection) async -> Outcome {
        var reader = ProxyHeaderReader()
        var end = ContinuousClock.now + firstWait
        while true {
            let isFirst = reader.rest.isEmpty
            do throws(StreamError) {
                let received: Void? = try await stream.receive(within: end - .now, idle: true) {
                    reader.receive($0)
                }
                guard received != nil else { return .gone }
            } catch .timedOut {
                return connector.door == .http && isFirst ? .gone : .failed("did not come in time")
            } catch {
                return .gone
            }
            if isFirst { end = .now + Self.patience }
            do throws(ProxyHeaderError) {
                guard let header = try reader.next() else { continue }
                stream.putBack(reader.rest)
                guard case .client(let address, let port) = header else {
                    return .client(balancer)
                }
                return .client(Caller(address, port: port))
            } catch .broken(let words) {
                return .failed("cannot be read: \(words)")
            } catch {
                guard connector.door == .http else { return .failed("is missing") }
                stream.putBack(reader.rest)
                return .inRequests
            }
        }
    }

    /// An HTTP client may connect before it has anything to ask.
    private var firstWait: Duration {
        let idle = connector.limits.inactivity
        guard connector.door == .http, idle > Self.patience else { return Self.patience }
        return idle
    }
}

/// Requests that come by a balancer, each for a client of its own.
final class Forwarding: Sendable {
    private let balancer: IPAddress
    let place: Place

    init(balancer: IPAddress, _ place: Place) {
        self.balancer = balancer
        self.place = place
    }

    /// The last hop that is no balancer of ours. Nil for a client that nobody could name: to take the
    /// balancer for it would lend it the balancer's rights.
    func client(of head: HTTPRequestHead, by rules: Rulebook) -> IPAddress? {
        let hops = head.fields.forwardedFor
        for hop in hops.reversed() {
            guard let hop else { return nil }
            if rules.listing(balancer: hop, at: place) == nil { return hop }
        }
        return hops.first ?? balancer
    }
}

extension Rulebook {
    func listing(balancer peer: IPAddress, at place: Place) -> ReceiveConnector? {
        listing(balancer: peer, at: place.local, port: place.port)
    }
}
