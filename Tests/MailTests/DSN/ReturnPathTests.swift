import Testing

@testable import Mail

@Suite("A return path") struct ReturnPathTests {
    private func path(_ pattern: String = "bounce+*@corp.example") throws -> ReturnPath {
        var path = try ReturnPath(pattern: pattern)
        path.key = Array(0..<32)
        return path
    }

    private let id = MessageID(high: 0x0192_f3a4_b5c6_7d8e, low: 0x9abc_def0_1234_5678)

    @Test(
        "stands for one mail, in any case",
        arguments: ["bounce+*@corp.example", "*@b.example", "b-*-r@b.example"]
    )
    func roundTrip(pattern: String) throws {
        let path = try path(pattern)
        let address = path.address(of: id)
        #expect(address.localPart.utf8.count <= 64)
        #expect(try Mailbox(parsing: address.description) == address)
        #expect(path.message(of: address) == id)
        let shouted = Mailbox(localPart: address.localPart.uppercased(), domain: address.domain)
        #expect(path.message(of: shouted) == id)
    }

    @Test("knows nothing with one letter changed anywhere")
    func forgery() throws {
        let path = try path()
        let address = path.address(of: id)
        let letters = Array(address.localPart.utf8)
        for place in letters.indices {
            for other in [UInt8(ascii: "0"), UInt8(ascii: "z"), UInt8(ascii: "u")]
            where letters[place] != other {
                var forged = letters
                forged[place] = other
                let local = String(decoding: forged, as: UTF8.self)
                #expect(path.message(of: Mailbox(localPart: local, domain: address.domain)) == nil)
            }
        }
    }

    @Test("knows nothing of another key, domain, pattern or length")
    func others() throws {
        let path = try path()
        let address = path.address(of: id)
        var other = path
        other.key[0] ^= 1
        #expect(other.message(of: address) == nil)
        other.key = []
        #expect(other.message(of: address) == nil)
        for mailbox in [
            Mailbox(localPart: address.localPart, domain: "lab.example"),
            Mailbox(localPart: address.localPart + "0", domain: "corp.example"),
            Mailbox(localPart: "bounce+", domain: "corp.example"),
            Mailbox(localPart: "", domain: "corp.example"),
        ] {
            #expect(path.message(of: mailbox) == nil)
        }
    }

    @Test(
        "is refused with a sentence where it cannot be one",
        arguments: [
            "bounce@corp.example", "*", "a*b*c@corp.example", "bounce+corp@*.example", "*@",
            "a-very-long-one-*@corp.example", "a b*@corp.example", "\"*\"@corp.example",
        ]
    )
    func refusal(pattern: String) {
        #expect(throws: AddressError.self) { try ReturnPath(pattern: pattern) }
    }
}
