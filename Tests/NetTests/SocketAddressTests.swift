import Testing

@testable import Net

extension NetTests {
    @Suite("An address reads as people write it")
    struct SocketAddressTests {
        static let addresses: [(String, String)] = [
            ("127.0.0.1", "127.0.0.1:25"), ("::1", "[::1]:25"),
            ("2001:DB8:0:0:0:0:0:1", "[2001:db8::1]:25"),
            ("2001:db8:0:1:0:0:0:1", "[2001:db8:0:1::1]:25"),
            ("::ffff:192.0.2.7", "192.0.2.7:25"), ("0:0:0:0:0:FFFF:C000:0207", "192.0.2.7:25"),
            ("::", "[::]:25"), ("fe80::1%1", "[fe80::1%1]:25"),
        ]
        @Test("text becomes canonical, IPv4 inside IPv6 is IPv4", arguments: addresses)
        func canonical(_ text: String, _ expected: String) throws {
            let address = try #require(SocketAddress(ip: text, port: 25))
            #expect(address.description == expected)
            let again = address.withKernelForm { SocketAddress($0.pointee, length: $1) }
            #expect(again == address)
        }

        @Test(
            "what is no address in digits is none",
            arguments: [
                "", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "[::1]", ":::", "fe80::1%",
            ]
        )
        func refusal(_ text: String) {
            #expect(SocketAddress(ip: text, port: 25) == nil)
        }

        @Test(
            "a port is sixteen bits",
            arguments: [(-1, false), (0, true), (65_535, true), (65_536, false)]
        )
        func ports(_ port: Int, _ isGood: Bool) {
            #expect((SocketAddress(ip: "127.0.0.1", port: port) != nil) == isGood)
        }
    }
}
