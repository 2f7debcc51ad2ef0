/// Makes every line end in CRLF, however the octets are cut: a bare LF and a bare CR are line ends
/// that someone wrote in another way (RFC 5321 §2.3.8 forbids both in a mail).
package struct LineEndings: Sendable {
    private var endedInCR = false

    package init() {}

    package mutating func normalise(_ bytes: Span<UInt8>, into output: inout [UInt8]) {
        output.reserveCapacity(output.count + bytes.count + bytes.count / 32)
        var start = 0
        for index in 0..<bytes.count {
            switch bytes[index] {
            case 13:
                output.append(copying: bytes.extracting(start..<index))
                output.append(text: "\r\n")
                start = index + 1
            case 10:
                let isPair = index > 0 ? bytes[index - 1] == 13 : endedInCR
                output.append(copying: bytes.extracting(start..<index))
                if !isPair { output.append(text: "\r\n") }
                start = index + 1
            default: continue
            }
        }
        output.append(copying: bytes.extracting(start..<bytes.count))
        if bytes.count > 0 { endedInCR = bytes[bytes.count - 1] == 13 }
    }
}
