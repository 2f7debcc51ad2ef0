/// Writes one field, folding between tokens so that lines keep to 78 columns (RFC 5322 §2.1.1).
/// A token itself is never broken.
struct FoldedLine {
    static let limit = 78

    private(set) var column: Int
    /// A fold needs something on the line before it: a line of blanks alone would be misread.
    private var isFresh = true

    /// Writes `Name:`.
    init(_ name: String, into output: inout [UInt8]) {
        output.append(name)
        output.append(.colon)
        column = name.utf8.count + 1
    }

    /// A space or a fold, then the token.
    mutating func write(_ token: Span<UInt8>, into output: inout [UInt8]) {
        makeRoom(for: token.count, in: &output)
        output.append(token)
    }

    /// The same for a token that is appended piece by piece.
    mutating func write(into output: inout [UInt8], _ appendToken: (inout [UInt8]) -> Void) {
        let start = output.count
        output.append(.space)
        appendToken(&output)
        let octets = output.count - start - 1
        if mustFold(before: octets) {
            output.insert(contentsOf: [.carriageReturn, .lineFeed], at: start)
            column = 0
        }
        advance(by: octets)
    }

    private mutating func makeRoom(for octets: Int, in output: inout [UInt8]) {
        if mustFold(before: octets) {
            output.append("\r\n")
            column = 0
        }
        output.append(.space)
        advance(by: octets)
    }

    private func mustFold(before octets: Int) -> Bool {
        (!isFresh || column > Self.limit / 2) && column + 1 + octets > Self.limit
    }

    private mutating func advance(by octets: Int) {
        column += 1 + octets
        isFresh = false
    }

    mutating func write(_ token: [UInt8], into output: inout [UInt8]) {
        write(token.span, into: &output)
    }

    mutating func write(_ token: String, into output: inout [UInt8]) {
        write(token.utf8.span, into: &output)
    }

    /// What an encoded word may still take of this line (RFC 2047 §2: 76 columns).
    var room: Int { 76 - column - 1 }

    func end(into output: inout [UInt8]) {
        output.append(.carriageReturn)
        output.append(.lineFeed)
    }
}
