import Wire

/// What a source does that the standards do not allow, or that its mail lacks.
struct SourceQuirks: OptionSet, Hashable, Sendable {
    let rawValue: Int

    static let bareLineEnd = SourceQuirks(rawValue: 1)
    static let emptyHello = SourceQuirks(rawValue: 2)
    static let noHello = SourceQuirks(rawValue: 4)
    static let noQuit = SourceQuirks(rawValue: 8)
    static let missingDate = SourceQuirks(rawValue: 16)
    static let missingMessageID = SourceQuirks(rawValue: 32)
    static let missingFrom = SourceQuirks(rawValue: 64)
    static let undeclared8Bit = SourceQuirks(rawValue: 128)
    static let longLines = SourceQuirks(rawValue: 256)
    /// No address can be read in From or Sender.
    static let malformedFrom = SourceQuirks(rawValue: 512)

    private static let words: [(quirk: SourceQuirks, word: String)] = [
        (.bareLineEnd, "bare_line_end"), (.emptyHello, "empty_helo"), (.noHello, "no_helo"),
        (.noQuit, "no_quit"), (.missingDate, "missing_date"),
        (.missingMessageID, "missing_message_id"), (.missingFrom, "missing_from"),
        (.undeclared8Bit, "undeclared_8bit"), (.longLines, "long_lines"),
        (.malformedFrom, "malformed_from"),
    ]

    var names: [String] { Self.words.filter { contains($0.quirk) }.map(\.word) }
}

extension SourceQuirks {
    init(_ met: SMTPQuirks) {
        self = []
        if met.contains(.bareLineEnd) { insert(.bareLineEnd) }
        if met.contains(.emptyHello) { insert(.emptyHello) }
        if met.contains(.noHello) { insert(.noHello) }
    }
}
