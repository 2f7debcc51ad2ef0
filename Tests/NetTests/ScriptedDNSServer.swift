import CLinux
import Glibc

@testable import Net

/// One answer as a script tells it.
struct DNSReply: Sendable {
    enum Record: Sendable {
        case address(String, String, ttl: UInt32 = 300)
        case alias(String, String, ttl: UInt32 = 300)
        case mailExchanger(String, UInt16, String, ttl: UInt32 = 300)
        /// Of several strings.
        case text(String, [String], ttl: UInt32 = 300)
        /// Its data as it stands.
        case authentication(String, [UInt8], ttl: UInt32 = 300)
    }

    var code: UInt8 = 0
    var records: [Record] = []
    /// A SOA in the authority section, with this minimum.
    var negativeTTL: UInt32?
    var isTruncated = false
    var isAuthentic = false
    var hasWrongID = false
    var wrongQuestion: String?
}

extension [DNSReply] {
    static var silence: [DNSReply] { [] }
    static func records(_ records: DNSReply.Record...) -> [DNSReply] {
        [DNSReply(records: records)]
    }
    static func code(_ code: UInt8) -> [DNSReply] { [DNSReply(code: code, negativeTTL: 60)] }
}

/// What a script is asked.
struct DNSQuery: Sendable, Equatable {
    let name: String
    let type: UInt16
    var isTCP = false
    var hasEDNS = true
    var asksForProof = false
    var port = 0
    var id: UInt16 = 0
}

/// A DNS server on loopback, over UDP and TCP on one port, that answers as its script says.
final class ScriptedDNSServer: Sendable {
    let address: SocketAddress
    let asked = Shared<[DNSQuery]>([])
    private let listener: Listener

    init(on loops: EventLoops, _ script: @escaping @Sendable (DNSQuery) -> [DNSReply]) throws {
        listener = try Listener(loopback)
        address = listener.local
        let number = linux_datagram_socket(AF_INET)
        guard address.withKernelForm({ linux_bind(number, $0, $1) }) == 0 else {
            throw StreamError(failed: "bind")
        }
        loops.all[0].start { [self] in await answerUDP(Descriptor(owning: number), script) }
        answerTCP(on: loops, script)
    }

    private func answerTCP(
        on loops: EventLoops,
        _ script: @escaping @Sendable (DNSQuery) -> [DNSReply]
    ) {
        listener.start(on: loops) { connection in await self.answerTCP(connection, script) }
    }

    func stop() { listener.stop() }

    private func answerTCP(
        _ connection: sending Connection,
        _ script: @Sendable (DNSQuery) -> [DNSReply]
    ) async {
        guard let octets = try? await connection.receive(exactly: 2 + 12 + 12) else { return }
        for reply in answers(to: Array(octets[2...]), from: 0, isTCP: true, script) {
            // In two pieces, as TCP may.
            let length = [UInt8(reply.count >> 8), UInt8(reply.count & 255)]
            try? await connection.send(length + reply.prefix(3), within: .seconds(1))
            await EventLoop.current?.sleep(for: .milliseconds(5))
            try? await connection.send(Array(reply.dropFirst(3)), within: .seconds(1))
        }
    }

    private func answerUDP(
        _ descriptor: consuming Descriptor,
        _ script: @Sendable (DNSQuery) -> [DNSReply]
    ) async {
        guard let watch = EventLoop.current?.watch(descriptor.number) else { return }
        var buffer = [UInt8](repeating: 0, count: 2_048)
        while true {
            var peer = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let number = watch.number
            let count = withUnsafeMutablePointer(to: &peer) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    recvfrom(number, &buffer, buffer.count, 0, $0, &length)
                }
            }
            guard count > 0 else {
                guard case .ready = await watch.wait(for: .reading, until: .never) else { return }
                continue
            }
            let port = Int(UInt16(bigEndian: peer.sin_port))
            for reply in answers(to: Array(buffer[..<count]), from: port, isTCP: false, script) {
                _ = withUnsafePointer(to: &peer) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        sendto(number, reply, reply.count, 0, $0, length)
                    }
                }
            }
        }
    }

    private func answers(
        to query: [UInt8],
        from port: Int,
        isTCP: Bool,
        _ script: (DNSQuery) -> [DNSReply]
    ) -> [[UInt8]] {
        var place = 12
        var labels: [String] = []
        while query[place] != 0 {
            let length = Int(query[place])
            labels.append(String(decoding: query[place + 1...place + length], as: UTF8.self))
            place += length + 1
        }
        let question = DNSQuery(
            name: labels.joined(separator: "."),
            type: UInt16(query[place + 1]) << 8 | UInt16(query[place + 2]),
            isTCP: isTCP,
            hasEDNS: query[11] == 1,
            asksForProof: query[3] & 0x20 != 0,
            port: port,
            id: UInt16(query[0]) << 8 | UInt16(query[1])
        )
        asked.change { $0.append(question) }
        return script(question).map { $0.octets(answering: question) }
    }
}

extension DNSReply {
    func octets(answering query: DNSQuery) -> [UInt8] {
        var octets: [UInt8] = []
        let id = hasWrongID ? query.id &+ 1 : query.id
        octets += number(id)
        octets += [0x81 | (isTruncated ? 2 : 0), 0x80 | (isAuthentic ? 0x20 : 0) | code]
        octets += number(1) + number(UInt16(records.count))
        octets += number(negativeTTL == nil ? 0 : 1) + number(0)
        octets += name(wrongQuestion ?? query.name) + number(query.type) + number(1)
        for entry in records { octets += record(entry) }
        if let negativeTTL {
            let data = name("ns.test") + name("root.test") + [UInt8](repeating: 0, count: 16)
            octets += name("test") + number(6) + number(1) + long(3_600)
            octets += number(UInt16(data.count + 4)) + data + long(negativeTTL)
        }
        return octets
    }

    private func record(_ record: Record) -> [UInt8] {
        switch record {
        case .address(let owner, let ip, let ttl):
            let data: [UInt8] =
                switch SocketAddress(ip: ip, port: 0)?.place {
                case .v4(let bits): withUnsafeBytes(of: bits) { Array($0) }
                case .v6(let high, let low, _): withUnsafeBytes(of: (high, low)) { Array($0) }
                default: []
                }
            return entry(owner, data.count == 4 ? 1 : 28, ttl, data)
        case .alias(let owner, let target, let ttl): return entry(owner, 5, ttl, name(target))
        case .mailExchanger(let owner, let preference, let host, let ttl):
            return entry(owner, 15, ttl, number(preference) + name(host))
        case .text(let owner, let strings, let ttl):
            return entry(
                owner,
                16,
                ttl,
                strings.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
            )
        case .authentication(let owner, let data, let ttl): return entry(owner, 52, ttl, data)
        }
    }

    /// The owner is a pointer to the question's name where it can be.
    private func entry(_ owner: String, _ type: UInt16, _ ttl: UInt32, _ data: [UInt8]) -> [UInt8] {
        let owner = owner.isEmpty ? [0xC0, 12] : name(owner)
        return owner + number(type) + number(1) + long(ttl) + number(UInt16(data.count)) + data
    }

    private func name(_ text: String) -> [UInt8] {
        text.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
    }

    private func number(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 255)] }
    private func long(_ value: UInt32) -> [UInt8] {
        number(UInt16(value >> 16)) + number(UInt16(value & 0xFFFF))
    }
}
