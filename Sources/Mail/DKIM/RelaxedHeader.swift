extension HeaderField {
    /// The "relaxed" form (RFC 6376 §3.4.2), without CRLF at its end.
    var relaxed: [UInt8] {
        var output = name.utf8.map(\.lowered)
        output.append(.colon)
        let start = output.count
        var hasBlank = false
        for octet in body where octet != .carriageReturn && octet != .lineFeed {
            if octet.isBlank {
                hasBlank = true
                continue
            }
            if hasBlank, output.count > start { output.append(.space) }
            hasBlank = false
            output.append(octet)
        }
        return output
    }
}
