/// The "relaxed" form of a body (RFC 6376 §3.4.4), however its octets are cut: blanks at the end of a
/// line go, others become one space, and so do empty lines at the end of the body.
struct RelaxedBody: Sendable {
    /// A run of blanks whose line may yet end.
    private var hasBlank = false
    /// A CR that may be half of a line's end.
    private var hasReturn = false
    /// Line ends that count only if something follows.
    private var ends = 0
    private var isAtStart = true

    mutating func read(_ octets: Span<UInt8>, into output: inout [UInt8]) {
        var index = 0
        while index < octets.count {
            let octet = octets[index]
            if hasReturn { takeReturn(before: octet, into: &output) }
            switch octet {
            case .carriageReturn: hasReturn = true
            case .lineFeed where isHalfSeen:
                isHalfSeen = false
                hasBlank = false
                ends += 1
            case .space, .tab: hasBlank = true
            default:
                let end = endOfRun(in: octets, from: index) {
                    ($0 == 32).octet | ($0 == 9).octet | ($0 == 13).octet
                }
                begin(into: &output)
                // A stray LF is an octet like any other.
                let next = max(end, index + 1)
                output.append(octets.extracting(index..<next))
                index = next
                continue
            }
            index += 1
        }
    }

    /// A body with anything in it ends in CRLF.
    mutating func finish(into output: inout [UInt8]) {
        if hasReturn {
            hasReturn = false
            begin(into: &output)
            output.append(.carriageReturn)
        }
        if !isAtStart { output.append("\r\n") }
        self = RelaxedBody()
    }

    /// Set while the LF of a CRLF is about to be read.
    private var isHalfSeen = false

    private mutating func takeReturn(before octet: UInt8, into output: inout [UInt8]) {
        hasReturn = false
        if octet == .lineFeed {
            isHalfSeen = true
        } else {
            begin(into: &output)
            output.append(.carriageReturn)
        }
    }

    /// What was held back stands before something after all.
    private mutating func begin(into output: inout [UInt8]) {
        for _ in 0..<ends { output.append("\r\n") }
        ends = 0
        if hasBlank { output.append(.space) }
        hasBlank = false
        isAtStart = false
    }
}
