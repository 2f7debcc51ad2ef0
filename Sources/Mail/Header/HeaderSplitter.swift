/// Finds where the header section ends: at the empty line, or before the first line that is neither
/// a field nor a fold. Devices send mail without headers, or forget the empty line; then what they
/// wrote is body and none of it is lost.
package struct HeaderSplitter: Sendable {
    /// The octets of the header section, without the empty line; complete once the end is found.
    package private(set) var header: [UInt8] = []
    /// Octets of the body that came with earlier pieces: they precede what is left of this one.
    /// Empty unless the header section ended without an empty line.
    package private(set) var bodyPrefix: [UInt8] = []
    /// More than `limit` octets came and no end; no more are taken.
    package private(set) var isOversize = false
    package private(set) var isComplete = false

    private let limit: Int
    private var lineStart = 0
    private var scanned = 0

    package init(limit: Int) {
        self.limit = limit
    }

    /// The index in this piece where the body begins (after the empty line), or nil: more is needed.
    /// Not to be called again once it has answered.
    package mutating func receive(_ bytes: Span<UInt8>) -> Int? {
        let earlier = header.count
        var taken = 0
        while taken < bytes.count, !isOversize {
            let next = min(taken + 2048, bytes.count)
            header.append(bytes.extracting(taken..<next))
            taken = next
            if let body = scan(keeping: earlier) { return body }
            isOversize = header.count > limit
        }
        return nil
    }

    /// The mail ended without an empty line: what came is header as far as it reads as fields.
    package mutating func finish() {
        guard !isComplete, lineStart < header.count else { return }
        isComplete = true
        guard !isHeaderLine(to: header.count) else { return }
        bodyPrefix = Array(header[lineStart...])
        header.removeSubrange(lineStart...)
    }

    private mutating func scan(keeping earlier: Int) -> Int? {
        while scanned < header.count {
            let octet = header[scanned]
            guard octet == .lineFeed || octet == .carriageReturn else {
                scanned += 1
                continue
            }
            let end = scanned
            if octet == .carriageReturn {
                // Bare or not, the next octet tells.
                guard end + 1 < header.count else { return nil }
                if header[end + 1] == .lineFeed { scanned += 1 }
            }
            scanned += 1
            if end == lineStart { return complete(bodyAt: scanned, earlier) }
            guard isHeaderLine(to: end) else { return complete(bodyAt: lineStart, earlier) }
            lineStart = scanned
        }
        return nil
    }

    private mutating func complete(bodyAt body: Int, _ earlier: Int) -> Int {
        isComplete = true
        isOversize = lineStart > limit
        if body < earlier { bodyPrefix = Array(header[body..<earlier]) }
        header.removeSubrange(lineStart...)
        return max(0, body - earlier)
    }

    private func isHeaderLine(to end: Int) -> Bool {
        if lineStart > 0, header[lineStart].isBlank { return true }
        let line = header.span.extracting(lineStart..<end)
        // An envelope line of mbox format: HeaderBlock drops it.
        if lineStart == 0, String(octets: line.extracting(0..<min(5, line.count))) == "From " {
            return true
        }
        return HeaderField.colon(in: line) != nil
    }
}
