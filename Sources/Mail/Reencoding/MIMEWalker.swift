/// Walks through the structure of a mail (RFC 2046 §5.1) as it passes, in pieces of any size. It holds
/// one header section, or one line that may be a delimiter.
struct MIMEWalker<Visitor: MIMEVisitor> {
    private enum Place {
        case header
        case leaf
        case loose
    }

    private struct Container {
        let boundary: [UInt8]
        let isDigest: Bool
        let number: Int
        /// How long the path is inside.
        let depth: Int
    }

    /// Deeper than any mail; what lies below is taken as one piece.
    private static var deepest: Int { 60 }
    /// Of the header of a part. That of the mail was measured when it came.
    private static var largestHeader: Int { 256 << 10 }

    var visitor: Visitor
    private var place = Place.header
    private var containers: [Container] = []
    private var path: [Int] = []
    private var entities = 0
    private var header: [UInt8] = []
    /// The beginning of a line that is judged when it is whole.
    private var line: [UInt8] = []
    /// A line end that belongs to the delimiter, if one follows.
    private var held: [UInt8] = []
    private var isAtLineStart = true

    init(_ visitor: Visitor) { self.visitor = visitor }

    mutating func read(_ bytes: Span<UInt8>) {
        var index = 0
        while index < bytes.count {
            if isCollecting(bytes[index]) {
                let start = index
                index = endOfRun(in: bytes, from: index) { ($0 == 10).octet }
                let isWhole = index < bytes.count
                if isWhole { index += 1 }
                line.append(bytes.extracting(start..<index))
                if isWhole || line.count > lineLimit { judgeLine() }
            } else {
                pass(bytes, &index)
            }
        }
    }

    mutating func finish() {
        if !line.isEmpty { judgeLine() }
        if place == .header { endHeader([]) }
        writeHeld()
        if place == .leaf { visitor.leave() }
        place = .loose
    }

    // MARK: - Lines

    private func isCollecting(_ next: UInt8) -> Bool {
        !line.isEmpty || place == .header
            || isAtLineStart && !containers.isEmpty && next == UInt8(ascii: "-")
    }

    private var lineLimit: Int {
        if place == .header { return path.isEmpty && entities == 0 ? .max : Self.largestHeader }
        return MIMEEntity.longestBoundary + 300
    }

    /// Passes on up to the end of the line; the line end itself is held back.
    private mutating func pass(_ bytes: Span<UInt8>, _ index: inout Int) {
        let start = index
        let end = endOfRun(in: bytes, from: index) { ($0 == 10).octet }
        let isWhole = end < bytes.count
        index = isWhole ? end + 1 : end
        isAtLineStart = isWhole
        if isWhole, end == start, held == [.carriageReturn] {
            held.append(.lineFeed)
            return
        }
        let endsInReturn = end > start && bytes[end - 1] == .carriageReturn
        let textEnd = endsInReturn ? end - 1 : end
        writeHeld()
        write(bytes.extracting(start..<textEnd))
        held = Array(bytes.extracting(textEnd..<index))
    }

    private mutating func writeHeld() {
        let text = held
        held = []
        write(text.span)
    }

    private mutating func write(_ text: Span<UInt8>) {
        guard !text.isEmpty else { return }
        if place == .leaf { visitor.read(text) } else { visitor.skip(text) }
    }

    private mutating func judgeLine() {
        let whole = line
        line = []
        if let (index, isLast) = delimiter(whole) {
            separate(whole, index, isLast)
        } else if place == .header {
            judgeHeaderLine(whole)
        } else {
            passLine(whole)
        }
    }

    private mutating func passLine(_ whole: [UInt8]) {
        var index = 0
        while index < whole.count { pass(whole.span, &index) }
    }

    // MARK: - Headers

    private mutating func judgeHeaderLine(_ whole: [UInt8]) {
        let text = whole.withoutLineEnd
        if text.isEmpty { return endHeader(whole) }
        let isFold = !header.isEmpty && whole[0].isBlank
        let isEnvelope = entities == 0 && header.isEmpty && text.starts(with: "From ".utf8)
        let isLarge = entities > 0 && header.count + whole.count > Self.largestHeader
        guard !isLarge, isFold || isEnvelope || HeaderField.colon(in: text.span) != nil else {
            // The body begins without an empty line before it.
            endHeader([])
            if place == .header {
                endHeader([])
            }
            return passLine(whole)
        }
        header += whole
    }

    private mutating func endHeader(_ end: [UInt8]) {
        let octets = header
        header = []
        let number = entities
        entities += 1
        isAtLineStart = true
        var entity = MIMEEntity(
            HeaderBlock(parsing: octets.span),
            isDigested: containers.last.map { $0.isDigest && $0.depth == path.count } ?? false,
            mayHold: path.count < Self.deepest
        )
        if case .multipart = entity.kind, visitor.isOpaque(number) {
            entity = MIMEEntity(asLeaf: entity)
        }
        visitor.enter(entity, number: number, path: path, header: octets, end: end)
        switch entity.kind {
        case .leaf: place = .leaf
        case .message:
            path.append(number)
            place = .header
        case .multipart(let boundary, let isDigest):
            path.append(number)
            containers.append(
                Container(
                    boundary: boundary,
                    isDigest: isDigest,
                    number: number,
                    depth: path.count
                )
            )
            place = .loose
        }
    }

    // MARK: - Delimiters

    /// Which multipart's delimiter the line is, the innermost first, and whether it is the last.
    private func delimiter(_ whole: [UInt8]) -> (Int, isLast: Bool)? {
        guard !containers.isEmpty, whole.count > 2, whole[0] == UInt8(ascii: "-"),
            whole[1] == UInt8(ascii: "-")
        else { return nil }
        // Blanks behind it are padding of the transport (RFC 2046 §5.1.1).
        let text = whole.withoutLineEnd[2...].withoutTrailingBlanks
        for index in containers.indices.reversed() {
            let boundary = containers[index].boundary
            if text.elementsEqual(boundary) { return (index, false) }
            if text.elementsEqual(boundary + "--".utf8) { return (index, true) }
        }
        return nil
    }

    private mutating func separate(_ whole: [UInt8], _ index: Int, _ isLast: Bool) {
        if place == .header { endHeader([]) }
        if place == .leaf { visitor.leave() }
        visitor.separate(held + whole, owner: containers[index].number)
        held = []
        isAtLineStart = true
        path.removeLast(path.count - containers[index].depth)
        containers.removeLast(containers.count - index - (isLast ? 0 : 1))
        if isLast { path.removeLast() }
        place = isLast ? .loose : .header
    }
}

extension [UInt8] {
    /// Without a final LF and a CR before it.
    fileprivate var withoutLineEnd: ArraySlice<UInt8> {
        guard last == .lineFeed else { return self[...] }
        let line = dropLast()
        return line.last == .carriageReturn ? line.dropLast() : line
    }
}

extension ArraySlice<UInt8> {
    fileprivate var withoutTrailingBlanks: ArraySlice<UInt8> {
        guard let last = lastIndex(where: { !$0.isBlank }) else { return [] }
        return self[startIndex...last]
    }
}
