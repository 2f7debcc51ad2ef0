import Mail
import Net
import Store
import Synchronization
import Testing

@testable import Delivery

/// Answers each connection with the same octets, or not at all, and keeps what it was asked.
final class WebServer: Sendable {
    private let listener: Listener
    private let record = Mutex((connections: 0, asked: ""))
    private let reply: @Sendable (Int) -> String?
    private let tls: TLSServerContext?

    convenience init(_ reply: String?, on loops: EventLoops, tls: TLSServerContext? = nil) throws {
        try self.init(on: loops, tls: tls) { _ in reply }
    }

    /// `reply`: by the number of the connection, the first being 1.
    init(
        on loops: EventLoops,
        tls: TLSServerContext? = nil,
        reply: @escaping @Sendable (Int) -> String?
    ) throws {
        self.reply = reply
        self.tls = tls
        listener = try Listener(#require(SocketAddress(ip: "127.0.0.1", port: 0)))
        @Sendable func serve(_ connection: sending Connection) async {
            await self.serve(connection)
        }
        listener.start(on: loops, serve: serve)
    }

    deinit { listener.stop() }

    var port: Int { listener.local.port }
    var connections: Int { record.withLock { $0.connections } }
    /// All requests, one after the other.
    var asked: String { record.withLock { $0.asked } }

    func address(_ target: String) throws -> WebAddress {
        try #require(WebAddress("http://127.0.0.1:\(port)\(target)"))
    }

    private func serve(_ connection: sending Connection) async {
        let number = record.withLock { record in
            record.connections += 1
            return record.connections
        }
        do throws(StreamError) {
            if let tls { try await connection.startTLS(tls, within: .seconds(5)) }
            var request = ""
            while !isWhole(request),
                let piece = try await connection.receive(
                    within: .seconds(5),
                    { String(copying: $0) }
                )
            { request += piece }
            record.withLock { $0.asked += request }
            guard let reply = reply(number) else {
                await EventLoop.current?.sleep(for: .seconds(10))
                return
            }
            if !reply.isEmpty { try await connection.send(Array(reply.utf8), within: .seconds(5)) }
            await connection.finish(within: .seconds(5))
        } catch {}
    }

    private func isWhole(_ request: String) -> Bool {
        guard let end = request.range(of: "\r\n\r\n") else { return false }
        let length = request.split(separator: "\r\n").first { $0.hasPrefix("Content-Length: ") }
            .flatMap { Int($0.dropFirst(16)) }
        return request[end.upperBound...].utf8.count >= length ?? 0
    }
}

extension String {
    fileprivate init(copying octets: Span<UInt8>) {
        var copy: [UInt8] = []
        for index in octets.indices { copy.append(octets[index]) }
        self.init(decoding: copy, as: UTF8.self)
    }

    fileprivate func range(of needle: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(needle) {
                return start..<index(start, offsetBy: needle.count)
            }
            start = index(after: start)
        }
        return nil
    }
}

extension Surroundings {
    /// The system's clock, names and network.
    static var real: Surroundings {
        Surroundings(clock: { Timestamp.now }, resolver: Resolver())
    }
}

private let loops = EventLoops(count: 1)

/// Runs the body on an event loop.
func onLoops<R: Sendable>(
    _ body: @escaping @Sendable (EventLoops) async throws -> R
) async throws -> R {
    let result: Result<R, any Error> = await loops.all[0].run {
        do { return .success(try await body(loops)) } catch { return .failure(error) }
    }
    return try result.get()
}
