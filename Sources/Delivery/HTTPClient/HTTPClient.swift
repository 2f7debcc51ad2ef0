package import Net
import Synchronization
package import Wire

/// Asks other services over HTTP/1.1: one request a connection, HTTPS with the name checked, no
/// redirects, everything bounded. Asked on an event loop.
package final class HTTPClient: Sendable {
    /// Whom `http:`, without TLS, may reach.
    package enum Clear: Sendable { case nobody, loopback, anybody }

    private let surroundings: Surroundings
    private let verification: TLSClientContext.Verification
    private let clear: Clear
    /// Asked for each address before it is connected to, whatever name it was found under.
    private let mayReach: @Sendable (_ ip: String) -> Bool
    /// Made when first needed: the system's authorities take a while to read.
    private let tls = Mutex<TLSClientContext?>(nil)

    package init(
        _ surroundings: Surroundings,
        verification: TLSClientContext.Verification = .system,
        clear: Clear = .loopback,
        mayReach: @escaping @Sendable (_ ip: String) -> Bool = { _ in true }
    ) {
        self.surroundings = surroundings
        self.verification = verification
        self.clear = clear
        self.mayReach = mayReach
    }

    /// The answer, whatever its status. `limit` is for all of it, from the name to the last octet;
    /// an answer with more content than `most` is an error.
    package func ask(
        _ method: HTTPMethod = .get,
        _ address: WebAddress,
        fields: [(String, String)] = [],
        content: [UInt8] = [],
        within limit: Duration = .seconds(30),
        most: Int = 1 << 20
    ) async throws(HTTPClientError) -> HTTPAnswer {
        let deadline = ContinuousClock.now + limit
        let connection = try await connect(to: address, by: deadline)
        defer { connection.close() }
        var request = HTTPRequest(method, address.target, authority: address.authority)
        for (name, value) in fields { request.append(name, value) }
        var octets: [UInt8] = []
        request.write(content.span, keepsAlive: false, to: &octets)
        do throws(StreamError) {
            try await connection.send(octets, within: deadline.left)
        } catch {
            throw HTTPClientError(error, address)
        }
        return try await answer(to: method, on: connection, address, by: deadline, most)
    }

    private func answer(
        to method: HTTPMethod,
        on connection: Connection,
        _ address: WebAddress,
        by deadline: ContinuousClock.Instant,
        _ most: Int
    ) async throws(HTTPClientError) -> HTTPAnswer {
        var reading = AnswerReading(to: method, most: most)
        while true {
            do throws(HTTPParseError) {
                if let answer = try reading.next() { return answer }
            } catch {
                throw HTTPClientError("\(address): \(error.reason)")
            }
            let arrived: Void?
            do throws(StreamError) {
                arrived = try await connection.receive(within: deadline.left) {
                    reading.receive($0)
                }
            } catch {
                throw HTTPClientError(error, address)
            }
            if arrived == nil { reading.receiveEnd() }
        }
    }
}

// MARK: - Connecting

extension HTTPClient {
    private func connect(
        to address: WebAddress,
        by deadline: ContinuousClock.Instant
    ) async throws(HTTPClientError) -> Connection {
        let found: [String]
        do throws(ResolverError) {
            found = try await surroundings.addresses(address.host, deadline.left).ips
        } catch {
            throw HTTPClientError("\(address): \(address.host): \(error.inWords)")
        }
        var last = HTTPClientError("\(address): \(address.host) has no address")
        for ip in found {
            guard isAllowed(ip, address) else {
                last = HTTPClientError("\(address): \(ip) may not be asked\(advice(address))")
                continue
            }
            guard let peer = SocketAddress(ip: ip, port: address.port) else { continue }
            do throws(StreamError) {
                return try await open(peer, address, by: deadline)
            } catch {
                last = HTTPClientError(error, address)
            }
        }
        throw last
    }

    private func isAllowed(_ ip: String, _ address: WebAddress) -> Bool {
        guard mayReach(ip) else { return false }
        guard !address.isSecure else { return true }
        return switch clear {
        case .nobody: false
        case .loopback: ip.hasPrefix("127.") || ip == "::1"
        case .anybody: true
        }
    }

    private func advice(_ address: WebAddress) -> String {
        address.isSecure || clear == .anybody ? "" : " without TLS; use https://"
    }

    private func open(
        _ peer: SocketAddress,
        _ address: WebAddress,
        by deadline: ContinuousClock.Instant
    ) async throws(StreamError) -> Connection {
        let connection = try await surroundings.connect(peer, nil, deadline.left)
        guard address.isSecure else { return connection }
        do throws(StreamError) {
            try await connection.startTLS(
                try context(),
                serverName: address.host,
                within: deadline.left
            )
        } catch {
            connection.close()
            throw error
        }
        return connection
    }

    private func context() throws(StreamError) -> TLSClientContext {
        if let made = tls.withLock({ $0 }) { return made }
        let made = try TLSClientContext(verification: verification)
        tls.withLock { $0 = made }
        return made
    }
}

extension ContinuousClock.Instant {
    /// Never negative.
    fileprivate var left: Duration { max(.zero, self - .now) }
}

/// Why there is no answer, in a sentence for the operator.
package struct HTTPClientError: Error, Equatable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }

    init(_ error: StreamError, _ address: WebAddress) {
        description = "\(address): \(error == .timedOut ? "no answer in time" : "\(error)")"
    }
}
