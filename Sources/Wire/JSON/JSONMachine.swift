/// The grammar of JSON, pushed along by bytes. Tokens are read in `JSONMachine+Tokens.swift`.
struct JSONMachine: Sendable {
    /// An array or object whose end has not come.
    struct Frame: Sendable {
        let isObject: Bool
        var elements: [JSONValue] = []
        var object = JSONObject()
        /// The name whose value is due.
        var key: String?
    }

    enum Expectation: Sendable {
        case value
        case valueOrEnd
        case key
        case keyOrEnd
        case colon
        case commaOrEnd
        case nothing
    }

    /// The token that the last piece ended in.
    enum Token: Sendable {
        case none
        case key
        case string
        /// A string that goes out in fragments; see `stream`.
        case stream
        case number
        case literal(JSONLiteral, matched: Int)
    }

    let limits: JSONLimits
    let places: [[String]]
    let isSequence: Bool

    var documents: [JSONValue] = []
    var token = Token.none
    /// What has been read of the token, unescaped.
    var octets: [UInt8] = []
    var escape = JSONEscape.none
    /// The offset where the token began.
    var tokenStart = 0
    /// The offset of the piece at hand.
    var base = 0

    var expectation = Expectation.value
    var stack: [Frame] = []
    var documentCount = 0
    private var valueCount = 0
    var streamCount = 0
    var streamPointer = ""
    var line = 1
    var lineStart = 0
    var fragments: [JSONFragment] = []
    private var failure: JSONError?

    init(limits: JSONLimits, places: [[String]], isSequence: Bool) {
        self.limits = limits
        self.places = places
        self.isSequence = isSequence
    }

    mutating func receive(_ bytes: Span<UInt8>) throws(JSONError) {
        if let failure { throw failure }
        do {
            var index = 0
            while index < bytes.count {
                switch token {
                case .none: try readStructure(bytes, &index)
                case .key, .string, .stream: try readString(bytes, &index)
                case .number: try readNumber(bytes, &index)
                case .literal: try readLiteral(bytes, &index)
                }
            }
            try emitFragment(isLast: false)
        } catch {
            failure = error
            throw error
        }
        base += bytes.count
    }

    mutating func finish() throws(JSONError) {
        if let failure { throw failure }
        if case .number = token { try endNumber() }
        guard case .none = token else { throw error("the text ends inside a value", at: base) }
        guard stack.isEmpty else {
            let what = stack[stack.count - 1].isObject ? "an object" : "an array"
            throw error("the text ends inside \(what)", at: base)
        }
        guard isSequence || !documents.isEmpty else { throw error("the text is empty", at: base) }
    }
}

/// Structure: what may come next.
extension JSONMachine {
    private mutating func readStructure(
        _ bytes: Span<UInt8>,
        _ index: inout Int
    ) throws(JSONError) {
        let byte = bytes[index]
        switch byte {
        case 32, 9, 13: index += 1
        case 10:
            index += 1
            line += 1
            lineStart = base + index
        case 34: try beginString(bytes, &index)
        case 44 where expectation == .commaOrEnd:
            index += 1
            expectation = stack[stack.count - 1].isObject ? .key : .value
        case 58 where expectation == .colon:
            index += 1
            expectation = .value
        case 125 where expectation == .keyOrEnd || expectation == .commaOrEnd,
            93 where expectation == .valueOrEnd || expectation == .commaOrEnd:
            try close(byte, at: base + index)
            index += 1
        default:
            guard expectation == .value || expectation == .valueOrEnd else {
                throw unexpected(byte, at: base + index)
            }
            try beginValue(bytes, &index)
        }
    }

    private mutating func beginValue(
        _ bytes: Span<UInt8>,
        _ index: inout Int
    ) throws(JSONError) {
        tokenStart = base + index
        switch bytes[index] {
        case 123: try open(isObject: true, &index)
        case 91: try open(isObject: false, &index)
        case 45, 48...57: token = .number
        case 116: token = .literal(.true, matched: 0)
        case 102: token = .literal(.false, matched: 0)
        case 110: token = .literal(.null, matched: 0)
        case let byte: throw unexpected(byte, at: tokenStart)
        }
    }

    private mutating func open(isObject: Bool, _ index: inout Int) throws(JSONError) {
        guard stack.count < limits.maximumDepth else {
            throw error("nested deeper than \(limits.maximumDepth) levels", at: tokenStart)
        }
        stack.append(Frame(isObject: isObject))
        expectation = isObject ? .keyOrEnd : .valueOrEnd
        index += 1
    }

    private mutating func close(_ byte: UInt8, at offset: Int) throws(JSONError) {
        guard stack[stack.count - 1].isObject == (byte == 125) else {
            throw unexpected(byte, at: offset)
        }
        let frame = stack.removeLast()
        tokenStart = offset
        try place(frame.isObject ? .object(frame.object) : .array(frame.elements))
    }

    private mutating func beginString(
        _ bytes: Span<UInt8>,
        _ index: inout Int
    ) throws(JSONError) {
        tokenStart = base + index
        switch expectation {
        case .key, .keyOrEnd: token = .key
        case .value, .valueOrEnd: token = streamsHere() ? .stream : .string
        case .colon, .commaOrEnd, .nothing: throw unexpected(34, at: tokenStart)
        }
        index += 1
        try readWholeString(bytes, &index)
    }

    /// A value is complete.
    mutating func place(_ value: JSONValue) throws(JSONError) {
        token = .none
        valueCount += 1
        guard valueCount <= limits.maximumValues else {
            throw excess("more than \(limits.maximumValues) values")
        }
        guard let top = stack.indices.last else {
            documents.append(value)
            documentCount += 1
            expectation = isSequence ? .value : .nothing
            if isSequence { valueCount = 0 }
            return
        }
        expectation = .commaOrEnd
        if let key = stack[top].key {
            stack[top].object.append(key, value)
            stack[top].key = nil
        } else {
            stack[top].elements.append(value)
        }
    }

    /// A name is complete.
    mutating func placeKey(_ key: String) throws(JSONError) {
        token = .none
        let top = stack.count - 1
        stack[top].key = key
        guard !stack[top].object.contains(key) else {
            throw error("the name \"\(key)\" stands twice in one object", at: tokenStart)
        }
        expectation = .colon
    }
}
