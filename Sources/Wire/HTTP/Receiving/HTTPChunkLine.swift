/// `chunk-size [chunk-ext] CRLF`, RFC 9112 §7.1.
struct HTTPChunkLine {
    /// Sixteen hexadecimal digits hold every size; more are only good for confusion.
    static let maximumDigits = 16

    let size: Int
    let extensionOctets: Int
    /// Behind the CRLF.
    let end: Int

    /// Nil: the line goes on behind `input`. Its LF must lie within `window`.
    init?(_ input: HTTPInput, window: Int) throws(HTTPParseError) {
        let bytes = input.octets.span.extracting(input.start..<input.octets.count)
        var lineFeed = 0
        while lineFeed < min(bytes.count, window), bytes[lineFeed] != HTTPOctet.lineFeed {
            lineFeed += 1
        }
        guard lineFeed < window else { throw HTTPParseError("a chunk's size line is too long") }
        guard lineFeed < bytes.count else { return nil }
        guard lineFeed > 0, bytes[lineFeed - 1] == HTTPOctet.carriageReturn else {
            throw HTTPParseError("a chunk's size line ends in a bare line feed")
        }
        let line = bytes.extracting(0..<lineFeed - 1)
        let digits = try Self.digits(line)
        size = try Self.size(line.extracting(0..<digits))
        extensionOctets = line.count - digits
        end = lineFeed + 1
        for index in digits..<line.count where !HTTPOctet.isFieldText(line[index]) {
            throw HTTPParseError("a chunk extension holds a control character")
        }
    }

    /// How many there are; behind them only an extension may stand.
    private static func digits(_ line: Span<UInt8>) throws(HTTPParseError) -> Int {
        var count = 0
        while count < line.count, HTTPOctet.hexValue(line[count]) != nil { count += 1 }
        guard count > 0, count <= maximumDigits,
            count == line.count || line[count] == HTTPOctet.semicolon
        else { throw HTTPParseError("a chunk's size is not a hexadecimal number") }
        return count
    }

    private static func size(_ digits: Span<UInt8>) throws(HTTPParseError) -> Int {
        var size: UInt64 = 0
        for index in digits.indices {
            size = size << 4 | UInt64(HTTPOctet.hexValue(digits[index]) ?? 0)
        }
        guard let size = Int(exactly: size) else {
            throw HTTPParseError("a chunk's size is beyond every number known here")
        }
        return size
    }
}
