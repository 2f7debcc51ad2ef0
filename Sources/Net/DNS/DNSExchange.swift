import CLinux
import Glibc

/// One question to one server: over UDP, and over TCP when the answer does not fit.
struct DNSExchange {
    enum Outcome {
        case answer(DNSAnswer)
        case silence
        /// Refused, unreachable or nonsense: the next server may do better, and at once.
        case useless
    }

    let question: DNSQuestion
    let server: SocketAddress
    let loop: EventLoop
    /// Whether the server is asked if the answer is authentic.
    var asksForProof = false

    func run(until deadline: Instant) async -> Outcome {
        let outcome = await askOverUDP(udpSize: 1_232, until: deadline)
        guard case .answer(let answer) = outcome else { return outcome }
        // A server older than EDNS says FORMERR, or NOTIMP: RFC 6891 §7.
        if answer.code == .malformed || answer.code == .other(4) {
            let plain = await askOverUDP(udpSize: nil, until: deadline)
            guard case .answer(let answer) = plain, answer.isTruncated else { return plain }
            return await askOverTCP(until: deadline)
        }
        return answer.isTruncated ? await askOverTCP(until: deadline) : outcome
    }

    // MARK: UDP

    private func askOverUDP(udpSize: UInt16?, until deadline: Instant) async -> Outcome {
        // A socket for each question: the kernel gives each a port of its own, at random (RFC 5452 §9.2).
        guard let socket = DatagramSocket(to: server, on: loop) else { return .useless }
        let id = UInt16.random(in: .min ... .max)
        let query = question.query(id: id, udpSize: udpSize, asksForProof: asksForProof)
        guard socket.send(query) else { return .useless }
        while true {
            switch await socket.receive(until: deadline) {
            case .octets(let octets):
                if let answer = DNSAnswerParser.parse(octets, to: question, id: id) {
                    return .answer(answer)
                }
            case .silence: return .silence
            case .refused: return .useless
            }
        }
    }

    // MARK: TCP

    private func askOverTCP(until deadline: Instant) async -> Outcome {
        let id = UInt16.random(in: .min ... .max)
        do throws(StreamError) {
            let connection = try await Connection.connect(to: server, within: deadline.remaining())
            let query = question.query(id: id, udpSize: nil, asksForProof: asksForProof)
            // Length first: RFC 1035 §4.2.2.
            let length = [UInt8(query.count >> 8), UInt8(query.count & 255)]
            try await connection.send(length + query, within: deadline.remaining())
            var received: [UInt8] = []
            while received.count < 2
                || received.count < 2 + Int(received[0]) << 8 + Int(received[1])
            {
                let chunk = try await connection.receive(within: deadline.remaining()) { span in
                    span.withUnsafeBufferPointer { Array($0) }
                }
                guard let chunk else { return .useless }
                received += chunk
            }
            let answer = DNSAnswerParser.parse(Array(received[2...]), to: question, id: id)
            return answer.map(Outcome.answer) ?? .useless
        } catch .timedOut {
            return .silence
        } catch {
            return .useless
        }
    }
}

/// A UDP socket with one peer: the kernel drops what others send.
private final class DatagramSocket {
    enum Arrival {
        case octets([UInt8])
        case silence
        case refused
    }

    private let descriptor: Descriptor
    private let watch: Watch

    init?(to peer: SocketAddress, on loop: EventLoop) {
        let descriptor = Descriptor(owning: linux_datagram_socket(peer.family))
        let number = descriptor.number
        guard number >= 0, peer.withKernelForm({ linux_connect(number, $0, $1) }) == 0 else {
            return nil
        }
        watch = loop.watch(number)
        self.descriptor = consume descriptor
    }

    deinit {
        // A task ends on its loop, and so do its sockets.
        watch.loop.perform { [watch] in watch.close() }
    }

    func send(_ octets: [UInt8]) -> Bool {
        octets.withUnsafeBytes {
            Glibc.send(descriptor.number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        } == octets.count
    }

    func receive(until deadline: Instant) async -> Arrival {
        let scratch = watch.loop.scratch
        while true {
            let count = recv(descriptor.number, scratch.baseAddress, scratch.count, 0)
            if count >= 0 { return .octets(Array(scratch[..<count])) }
            guard errno == EAGAIN || errno == EINTR else { return .refused }
            guard case .ready = await watch.wait(for: .reading, until: deadline) else {
                return .silence
            }
        }
    }
}
