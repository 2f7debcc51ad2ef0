/// Knows of an HTTP/1.1 answer only its status and where it ends: a load generator that read more
/// would take the processor from the server it measures.
struct HTTPAnswerReader {
    private var octets: [UInt8] = []
    private var whole: (status: Int, length: Int)?
    private var isComplete = false

    /// The status, once the whole answer is here.
    mutating func receive(_ more: Span<UInt8>) -> Int? {
        if isComplete { begin() }
        more.withUnsafeBufferPointer { octets.append(contentsOf: $0) }
        if whole == nil { whole = octets.withUnsafeBufferPointer(Self.measure) }
        guard let whole, octets.count >= whole.length else { return nil }
        isComplete = true
        return whole.status
    }

    /// The answer as text, to be shown when it is not the expected one.
    var text: String { String(decoding: octets, as: UTF8.self) }

    var content: ArraySlice<UInt8> {
        octets.withUnsafeBufferPointer(Self.endOfHead).map { octets[$0...] } ?? []
    }

    private mutating func begin() {
        octets.removeAll(keepingCapacity: true)
        whole = nil
        isComplete = false
    }

    private static func endOfHead(_ octets: UnsafeBufferPointer<UInt8>) -> Int? {
        var place = 3
        while place < octets.count {
            // Only each second octet needs a look: CR and LF take turns.
            switch octets[place] {
            case UInt8(ascii: "\n") where octets[place - 2] == UInt8(ascii: "\n"):
                return place + 1
            case UInt8(ascii: "\r") where octets[place - 1] == UInt8(ascii: "\n"):
                place += 1
            default: place += 2
            }
        }
        return nil
    }

    /// Nil until the head is complete. An answer without Content-Length has no content.
    private static func measure(
        _ octets: UnsafeBufferPointer<UInt8>
    ) -> (status: Int, length: Int)? {
        guard let end = endOfHead(octets), end > 12 else { return nil }
        let status = (9..<12).reduce(0) { $0 * 10 + Int(octets[$1]) - 48 }
        return (status, end + contentLength(octets[..<end]))
    }

    private static let name = Array("content-length:".utf8)

    private static func contentLength(_ head: Slice<UnsafeBufferPointer<UInt8>>) -> Int {
        var line = head.startIndex
        while let next = head[line...].firstIndex(of: UInt8(ascii: "\n")) {
            if next - line > name.count, isNamed(head[line..<next]) {
                let digits = head[line..<next].dropFirst(name.count).filter { (48...57) ~= $0 }
                return digits.reduce(0) { $0 * 10 + Int($1) - 48 }
            }
            line = next + 1
        }
        return 0
    }

    private static func isNamed(_ line: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        zip(name, line).allSatisfy { $0 == ($1 | ($1 >= 65 && $1 <= 90 ? 32 : 0)) }
    }
}
