/// What a walk through a mail's structure finds, in order.
protocol MIMEVisitor {
    /// Whether the multipart of this number is to be taken as one piece.
    func isOpaque(_ number: Int) -> Bool
    /// A header section, and the empty line that ended it, if one did. `path`: the numbers of the
    /// multiparts and messages it lies in.
    mutating func enter(
        _ entity: MIMEEntity,
        number: Int,
        path: [Int],
        header: [UInt8],
        end: [UInt8]
    )
    /// A piece of the body of the leaf that was entered last.
    mutating func read(_ body: Span<UInt8>)
    mutating func leave()
    /// What stands before the first part or behind the last, and is for nobody.
    mutating func skip(_ text: Span<UInt8>)
    /// The line that separates two parts, with the line end before it; `owner` is the multipart's.
    mutating func separate(_ line: [UInt8], owner: Int)
}
