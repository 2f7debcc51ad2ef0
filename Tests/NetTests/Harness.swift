import Glibc
import Synchronization
import Testing

@testable import Net

/// One after the other: some of these tests count the descriptors of the whole process.
@Suite("Net", .serialized)
enum NetTests {}

/// Loops for the length of one test, whose body runs on the first of them. Their threads have ended
/// when it returns.
func withLoops<R: Sendable>(
    _ count: Int = 2,
    _ body: @escaping @Sendable (EventLoops) async throws -> R
) async throws -> R {
    let loops = EventLoops(count: count)
    let result: Result<R, any Error> = await loops.all[0].run {
        do { return .success(try await body(loops)) } catch { return .failure(error) }
    }
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

/// Sends back at once what it receives, until the peer ends.
@Sendable func echo(_ connection: sending Connection) async {
    while let octets = try? await connection.receive(within: .seconds(20), { [UInt8](copying: $0) })
    {
        guard (try? await connection.send(octets, within: .seconds(20))) != nil else { return }
    }
}

/// Receives until the peer ends, then sends all of it back.
@Sendable func returnAll(_ connection: sending Connection) async {
    guard let octets = try? await connection.receiveAll() else { return }
    try? await connection.send(octets, within: .seconds(20))
    try? await connection.finishSending(within: .seconds(5))
}

/// Holds the connection and does nothing with it.
@Sendable func ignore(_ connection: sending Connection) async {
    await EventLoop.current?.sleep(for: .seconds(30))
    connection.close()
}

extension Connection {
    /// Exactly so many octets, or fewer if the peer ends first.
    func receive(exactly count: Int) async throws(StreamError) -> [UInt8] {
        var all: [UInt8] = []
        while all.count < count,
            let octets = try await receive(within: .seconds(20), { [UInt8](copying: $0) })
        {
            all += octets
        }
        return all
    }

    func receiveAll() async throws(StreamError) -> [UInt8] { try await receive(exactly: .max) }

    func send(_ text: String) async throws(StreamError) {
        try await send(Array(text.utf8), within: .seconds(5))
    }

    func receiveText() async throws(StreamError) -> String? {
        try await receive(within: .seconds(5)) {
            String(decoding: [UInt8](copying: $0), as: UTF8.self)
        }
    }
}

extension [UInt8] {
    init(copying span: Span<UInt8>) { self = span.withUnsafeBufferPointer { Array($0) } }
}

/// Octets that differ from place to place, the same for the same seed. They repeat after a prime
/// number, so that no buffer's size hides a shift.
func pattern(_ count: Int, seed: Int = 0) -> [UInt8] {
    let block = (0..<min(count, 8_191)).map {
        UInt8(truncatingIfNeeded: ($0 &* 31) ^ ($0 >> 8) &+ seed)
    }
    var octets: [UInt8] = []
    while octets.count < count { octets += block.prefix(count - octets.count) }
    return octets
}

/// How many descriptors this process has open.
func openDescriptors() -> Int {
    guard let folder = opendir("/proc/self/fd") else { return -1 }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    return count
}

/// What the work threw, and how long it took to throw.
func failure(_ work: () async throws -> Void) async -> (error: StreamError?, after: Duration) {
    let clock = ContinuousClock()
    let start = clock.now
    do {
        try await work()
        return (nil, clock.now - start)
    } catch {
        return (error as? StreamError, clock.now - start)
    }
}

/// Whether the condition comes true soon.
func eventually(_ condition: () -> Bool) async -> Bool {
    for _ in 0..<500 {
        if condition() { return true }
        try? await Task.sleep(for: .milliseconds(5))
    }
    return condition()
}

/// A value that tasks on several loops fill.
final class Shared<Value: Sendable>: Sendable {
    private let storage: Mutex<Value>
    init(_ value: Value) { storage = Mutex(value) }
    var value: Value { storage.withLock { $0 } }
    func change(_ body: @Sendable (inout Value) -> Void) { storage.withLock { body(&$0) } }
}

/// A folder for the length of the process.
enum TestFiles {
    static let folder: String = {
        var template = Array("/tmp/net-tests-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { fatalError("no temporary folder") }
        return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }()

    static func write(_ text: String, _ name: String) -> String {
        let path = "\(folder)/\(name)"
        guard let file = fopen(path, "w") else { fatalError("cannot write \(path)") }
        defer { fclose(file) }
        fputs(text, file)
        return path
    }
}
