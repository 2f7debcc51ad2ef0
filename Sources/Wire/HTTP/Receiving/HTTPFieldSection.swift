/// Reads field lines up to the empty line that ends them, RFC 9112 §5, and looks at each octet
/// twice however they arrive: once for the line's end, once for its grammar.
struct HTTPFieldSection: Sendable {
    private(set) var lines: [HTTPFields.Line] = []
    /// Offset behind the empty line, once `read` has answered true.
    private(set) var end: Int
    private let start: Int
    private let octetLimit: Int
    private var scanned: Int

    /// `start`: where the first field line begins in what `read` is given.
    init(from start: Int = 0, octetLimit: Int = 0) {
        self.start = start
        self.octetLimit = octetLimit
        end = start
        scanned = start
    }

    /// Takes the whole lines of `input`, which must begin with the same octets at every call.
    /// False: the section goes on behind them.
    mutating func read(
        _ input: HTTPInput,
        _ limits: HTTPLimits
    ) throws(HTTPParseError) -> Bool {
        let bytes = input.octets.span.extracting(input.start..<input.octets.count)
        while let lineFeed = try nextLineFeed(bytes, limits) {
            // RFC 9112 §2.2 lets a recipient take a bare LF for a line's end. Two that differ in
            // this see two different messages, so it is refused.
            guard lineFeed > end, bytes[lineFeed - 1] == HTTPOctet.carriageReturn else {
                throw HTTPParseError("a header line ends in a bare line feed")
            }
            let line = end..<lineFeed - 1
            end = lineFeed + 1
            scanned = end
            if line.isEmpty { return true }
            guard lines.count < limits.fieldCount else {
                throw HTTPParseError(status: 431, "more than \(limits.fieldCount) header fields")
            }
            if lines.isEmpty { lines.reserveCapacity(12) }  // most heads have no more
            lines.append(try Self.field(bytes, line))
        }
        return false
    }

    /// Looks no further than the limits allow, so that the answer does not depend on how much
    /// has arrived.
    private mutating func nextLineFeed(
        _ bytes: Span<UInt8>,
        _ limits: HTTPLimits
    ) throws(HTTPParseError) -> Int? {
        let lineWindow = end + limits.fieldLineOctets + 2
        let sectionWindow = start + octetLimit
        let window = min(bytes.count, lineWindow, sectionWindow)
        while scanned < window {
            if bytes[scanned] == HTTPOctet.lineFeed { return scanned }
            scanned += 1
        }
        if window == bytes.count, window < min(lineWindow, sectionWindow) { return nil }
        throw HTTPParseError(
            status: 431,
            lineWindow <= sectionWindow
                ? "a header field is longer than \(limits.fieldLineOctets) octets"
                : "the header fields are longer than \(octetLimit) octets"
        )
    }

    private static func field(
        _ bytes: Span<UInt8>,
        _ line: Range<Int>
    ) throws(HTTPParseError) -> HTTPFields.Line {
        var colon = line.lowerBound
        while colon < line.upperBound, HTTPOctetSet.token.contains(bytes[colon]) { colon += 1 }
        guard colon > line.lowerBound, colon < line.upperBound, bytes[colon] == HTTPOctet.colon
        else { throw illegalName(bytes, line, at: colon) }
        var low = colon + 1
        var high = line.upperBound
        while low < high, HTTPOctet.isBlank(bytes[low]) { low += 1 }
        while high > low, HTTPOctet.isBlank(bytes[high - 1]) { high -= 1 }
        for index in low..<high where !HTTPOctet.isFieldText(bytes[index]) {
            throw HTTPParseError(
                bytes[index] == HTTPOctet.carriageReturn
                    ? "a header field holds a bare carriage return"
                    : "a header field holds a control character"
            )
        }
        return HTTPFields.Line(
            nameStart: UInt32(line.lowerBound),
            nameEnd: UInt32(colon),
            valueStart: UInt32(low),
            valueEnd: UInt32(high)
        )
    }

    private static func illegalName(
        _ bytes: Span<UInt8>,
        _ line: Range<Int>,
        at index: Int
    ) -> HTTPParseError {
        if HTTPOctet.isBlank(bytes[line.lowerBound]) {
            return HTTPParseError("a header line begins with a blank (folding is obsolete)")
        }
        guard index < line.upperBound else {
            return HTTPParseError("a header line has no colon")
        }
        switch bytes[index] {
        case HTTPOctet.colon: return HTTPParseError("a header field has an empty name")
        case HTTPOctet.space, HTTPOctet.tab:
            return HTTPParseError("a header field's name is followed by a blank")
        default: return HTTPParseError("a header field's name holds an illegal character")
        }
    }
}
