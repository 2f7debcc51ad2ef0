/// Strings that are not kept.
extension JSONMachine {
    /// Whether the string that begins is at one of the places; it then becomes the stream at hand.
    mutating func streamsHere() -> Bool {
        for place in places where place.count == stack.count && isAtHand(place) {
            streamPointer = pointer(insideTop: true)
            streamCount += 1
            return true
        }
        return false
    }

    private func isAtHand(_ place: [String]) -> Bool {
        zip(place, stack).allSatisfy { name, frame in
            name == "*" || (frame.key ?? String(frame.elements.count)) == name
        }
    }

    /// The number of the stream at hand.
    var stream: Int { streamCount - 1 }

    /// Gives out what the stream's string has so far. Half a character waits for its rest.
    mutating func emitFragment(isLast: Bool) throws(JSONError) {
        guard case .stream = token else { return }
        let rest = isLast ? 0 : unfinishedCharacter
        var piece = octets
        octets = Array(piece.suffix(rest))
        piece.removeLast(rest)
        guard isLast || !piece.isEmpty else { return }
        guard (try? UTF8Span(validating: piece.span)) != nil else {
            throw error("the string is not UTF-8", at: tokenStart)
        }
        fragments.append(
            JSONFragment(stream: stream, pointer: streamPointer, octets: piece, isLast: isLast)
        )
    }

    /// How many octets at the end begin a character that is not whole.
    private var unfinishedCharacter: Int {
        for back in 1...3 where back <= octets.count {
            let byte = octets[octets.count - back]
            if byte < 0x80 { return 0 }
            if byte >= 0xc0 { return back < (byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4) ? back : 0 }
        }
        return 0
    }

    mutating func takeFragments() -> [JSONFragment] {
        defer { fragments = [] }
        return fragments
    }
}

/// Where an error is, and what it is.
extension JSONMachine {
    func error(_ reason: String, at offset: Int) -> JSONError {
        var isInsideTop = expectation == .value || expectation == .valueOrEnd
        if case .key = token { isInsideTop = false }
        return JSONError(
            reason: reason,
            line: line,
            column: offset - lineStart + 1,
            offset: offset,
            pointer: pointer(insideTop: isInsideTop)
        )
    }

    func excess(_ reason: String) -> JSONError {
        var error = error(reason, at: tokenStart)
        error.exceedsLimit = true
        return error
    }

    /// `insideTop`: the innermost array is named with the index of the value that is due.
    private func pointer(insideTop: Bool) -> String {
        var pointer = isSequence ? "/\(documentCount)" : ""
        for (depth, frame) in stack.enumerated() {
            if let key = frame.key {
                pointer += JSONPointer.token(key)
            } else if !frame.isObject, insideTop || depth < stack.count - 1 {
                pointer += "/\(frame.elements.count)"
            }
        }
        return pointer
    }

    func unexpected(_ byte: UInt8, at offset: Int) -> JSONError {
        let wanted =
            switch expectation {
            case .value: "a value"
            case .valueOrEnd: "a value or ]"
            case .key: "a name in quotes"
            case .keyOrEnd: "a name in quotes or }"
            case .colon: "a colon"
            case .commaOrEnd: stack.last?.isObject == true ? "a comma or }" : "a comma or ]"
            case .nothing: "nothing behind the document"
            }
        return error("expected \(wanted), found \(Self.name(of: byte))", at: offset)
    }

    static func name(of byte: UInt8) -> String {
        switch byte {
        case 33...126: "'\(Character(Unicode.Scalar(byte)))'"
        case 0xef: "a byte-order mark or other text"
        default: "the octet 0x" + String(byte, radix: 16)
        }
    }
}
