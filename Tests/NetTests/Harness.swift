import Glibc

@testable import Net

/// Loops for the length of one test. Their threads have ended when it has.
func withLoops<R: Sendable>(
    _ count: Int = 2,
    _ body: @escaping @Sendable (EventLoops) async throws -> R
) async throws -> R {
    let loops = EventLoops(count: count)
    let result: Result<R, any Error> = await loops.all[0].run {
        do { return .success(try await body(loops)) } catch { return .failure(error) }
    }
    // Joining blocks, and the test's own task may not be the one that is joined.
    await BlockingPool.shared.run { loops.shutDown() }
    return try result.get()
}

extension BlockingPool {
    static let shared = BlockingPool(threads: 4)
}

let loopback = anyPort(on: "127.0.0.1")

func anyPort(on ip: String, _ port: Int = 0) -> SocketAddress {
    guard let address = SocketAddress(ip: ip, port: port) else {
        fatalError("not an address: \(ip)")
    }
    return address
}

/// Sends back what it receives, until the peer ends.
@Sendable func echo(_ connection: sending Connection) async {
    while let octets = try? await connection.receive(within: .seconds(20), { [UInt8](copying: $0) })
    {
        guard (try? await connection.send(octets, within: .seconds(20))) != nil else { return }
    }
    try? await connection.finishSending(within: .seconds(5))
}

extension Connection {
    /// Exactly so many octets, or fewer if the peer ends first.
    func receive(exactly count: Int, within limit: Duration = .seconds(20)) async throws -> [UInt8]
    {
        var all: [UInt8] = []
        while all.count < count,
            let octets = try await receive(within: limit, { [UInt8](copying: $0) })
        {
            all += octets
        }
        return all
    }

    func receiveAll() async throws -> [UInt8] { try await receive(exactly: .max) }
}

extension [UInt8] {
    init(copying span: Span<UInt8>) { self = span.withUnsafeBufferPointer { Array($0) } }
}

/// Octets that differ at every place, the same for the same seed.
func pattern(_ count: Int, seed: Int = 0) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: ($0 &* 31) ^ ($0 >> 8) &+ seed) }
}

/// How many descriptors this process has open.
func openDescriptors() -> Int {
    guard let folder = opendir("/proc/self/fd") else { return -1 }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    return count
}
