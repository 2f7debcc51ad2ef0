import Mail
import Testing

@testable import Wire

private let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]

/// A header of version 2.
private func binary(_ command: UInt8, _ family: UInt8, _ body: [UInt8]) -> [UInt8] {
    signature + [command, family, UInt8(body.count >> 8), UInt8(body.count & 255)] + body
}

private func line(_ text: String) -> [UInt8] { Array("\(text)\r\n".utf8) }

private func ip(_ text: String) -> IPAddress { IPAddress(text) ?? .loopback }

private func client(_ source: String, _ port: Int) -> ProxyHeader {
    .client(ip(source), port: port)
}

private let v4: [UInt8] = [203, 0, 113, 9, 192, 0, 2, 25, 0xc8, 0x22, 0, 25]
private let v6: [UInt8] =
    [0x20, 1, 0x0d, 0xb8] + Array(repeating: 0, count: 11) + [9] + Array(repeating: 0, count: 15)
    + [1, 0xc8, 0x22, 0, 25]

/// Section and field names are those of haproxy's proxy-protocol.txt.
@Suite("The header of a balancer")
struct ProxyHeaderTests {
    static let good: [(octets: [UInt8], header: ProxyHeader)] = [
        (
            line("PROXY TCP4 203.0.113.9 192.0.2.25 51234 25"),
            client("203.0.113.9", 51234)
        ),
        (
            line("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535"),
            client("255.255.255.255", 65535)
        ),
        (line("PROXY TCP6 2001:db8::9 ::1 51234 25"), client("2001:db8::9", 51234)),
        (
            line("PROXY TCP6 ::ffff:10.0.0.7 ::ffff:10.0.0.1 1 2"),
            client("10.0.0.7", 1)
        ),
        (line("PROXY UNKNOWN"), .local),
        (line("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535"), .local),
        (binary(0x21, 0x11, v4), client("203.0.113.9", 51234)),
        (binary(0x21, 0x21, v6), client("2001:db8::9", 51234)),
        // TLVs behind the addresses: an ALPN, and one of 1,000 octets.
        (
            binary(
                0x21,
                0x11,
                v4 + [1, 0, 2, 104, 50] + [0xea, 3, 232] + Array(repeating: 7, count: 1000)
            ),
            client("203.0.113.9", 51234)
        ),
        (binary(0x20, 0x00, []), .local),
        (binary(0x20, 0x11, v4), .local),
        (binary(0x21, 0x00, [1, 2, 3]), .local),
        (binary(0x20, 0x31, Array(repeating: 0, count: 216)), .local),
    ]

    @Test("is read the same however the network cuts it, and not an octet more", arguments: good)
    func survival(octets: [UInt8], header: ProxyHeader) throws {
        let behind = Array("EHLO x\r\n".utf8)
        for size in [1, 2, 3, 7, 15, 16, 17, 28, 64, 10_000] {
            var reader = ProxyHeaderReader()
            var found: ProxyHeader?
            var rest = (octets + behind)[...]
            while found == nil, !rest.isEmpty {
                reader.receive(Array(rest.prefix(size)).span)
                rest = rest.dropFirst(size)
                found = try reader.next()
            }
            #expect(found == header, "cut into \(size)")
            #expect(reader.rest + rest == behind, "cut into \(size)")
        }
    }

    static let broken: [[UInt8]] = [
        line("PROXY TCP4 203.0.113.9 192.0.2.25 51234"),
        line("PROXY TCP4 203.0.113.9 192.0.2.25 51234 25 1"),
        line("PROXY TCP4  203.0.113.9 192.0.2.25 51234 25"),
        line("PROXY TCP4 203.0.113.256 192.0.2.25 51234 25"),
        line("PROXY TCP4 2001:db8::9 ::1 51234 25"),
        line("PROXY TCP6 203.0.113.9 192.0.2.25 51234 25"),
        line("PROXY TCP4 203.0.113.9 192.0.2.25 65536 25"),
        line("PROXY TCP4 203.0.113.9 192.0.2.25 +1 25"),
        line("PROXY TCP4 203.0.113.9 192.0.2.25 01 25"),
        line("PROXY UDP4 203.0.113.9 192.0.2.25 1 25"),
        line("PROXY tcp4 203.0.113.9 192.0.2.25 1 25"),
        line("PROXY "),
        Array("PROXY TCP4 203.0.113.9 192.0.2.25 51234 25\n".utf8),
        line("PROXY UNKNOWN " + String(repeating: "x", count: 100)),
        Array(("PROXY UNKNOWN " + String(repeating: "x", count: 100)).utf8),
        binary(0x11, 0x11, v4),
        binary(0x22, 0x11, v4),
        binary(0x21, 0x41, v4),
        binary(0x21, 0x13, v4),
        binary(0x21, 0x12, v4),
        binary(0x21, 0x31, Array(repeating: 0, count: 216)),
        binary(0x21, 0x11, v4.dropLast()),
        binary(0x21, 0x21, v4),
    ]

    @Test("that breaks its rules is refused in words", arguments: broken)
    func refusal(of octets: [UInt8]) {
        var reader = ProxyHeaderReader()
        reader.receive(octets.span)
        do throws(ProxyHeaderError) {
            Issue.record("read as \(String(describing: try reader.next()))")
        } catch {
            #expect(error != .absent && error != .broken(""))
        }
    }

    @Test(
        "is not seen in what is none, and nothing of that is lost",
        arguments: [
            "EHLO x\r\n", "POST / HTTP/1.1\r\n", "PROPFIND /", "\u{16}\u{3}\u{1}", "\r\n\r\nx",
            "P\r",
        ]
    )
    func absence(in text: String) {
        for size in [1, 2, 100] {
            var reader = ProxyHeaderReader()
            var rest = Array(text.utf8)[...]
            var isAbsent = false
            while !isAbsent, !rest.isEmpty {
                reader.receive(Array(rest.prefix(size)).span)
                rest = rest.dropFirst(size)
                do throws(ProxyHeaderError) {
                    #expect(try reader.next() == nil)
                } catch {
                    isAbsent = error == .absent
                }
            }
            #expect(isAbsent && reader.rest + rest == Array(text.utf8))
        }
    }

    @Test("garbage behind a right start never traps and holds little", arguments: 1...300)
    func garbage(seed: Int) {
        var dice = SplitMix(seed)
        let starts: [[UInt8]] = [
            signature, signature + [0x21], Array("PROXY ".utf8), Array("PROXY TCP4 ".utf8),
        ]
        let start = starts[seed % starts.count]
        var reader = ProxyHeaderReader()
        let octets =
            start
            + dice.bytes(
                Int.random(in: 0...300, using: &dice),
                of: seed % 3 == 0 ? [] : Array("0123456789. \r\n:".utf8)
            )
        for octet in octets {
            reader.receive([octet].span)
            do throws(ProxyHeaderError) {
                if try reader.next() != nil { return }
            } catch {
                return
            }
        }
        #expect(reader.rest.count == octets.count)
    }
}
