/// A text as plain words, one run that must be encoded, and plain words again. One run, because
/// blanks between encoded words do not count (RFC 2047 §6.2) and so must be in it.
struct EncodedRun {
    private let before: [Substring]
    private let run: String?
    private let after: [Substring]

    init(in text: String, isPlain: (Substring) -> Bool) {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        let needs = words.map { !isPlain($0) }
        guard var first = needs.firstIndex(of: true), var last = needs.lastIndex(of: true) else {
            before = words
            run = nil
            after = []
            return
        }
        // An empty word is one of two spaces in a row, or one at an end; a reader would lose it
        // unless the run holds the spaces on both its sides.
        if words[first].isEmpty { first = max(first - 1, 0) }
        if words[last].isEmpty { last = min(last + 1, words.count - 1) }
        before = Array(words[..<first])
        run = words[first...last].joined(separator: " ")
        after = Array(words[(last + 1)...])
    }

    func write(on line: inout FoldedLine, into output: inout [UInt8]) {
        for word in before { line.write(word.utf8.span, into: &output) }
        if let run {
            for word in EncodedWord.words(for: run, room: line.room) {
                line.write(word.span, into: &output)
            }
        }
        for word in after { line.write(word.utf8.span, into: &output) }
    }

    /// Each to be parted from the next by a space or a fold.
    var tokens: [[UInt8]] {
        before.map { Array($0.utf8) } + (run.map { EncodedWord.words(for: $0) } ?? [])
            + after.map { Array($0.utf8) }
    }
}
