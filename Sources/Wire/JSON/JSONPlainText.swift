import Mail

/// The first octet from `start` that JSON does not write as it is in a string (RFC 8259 §7), or the
/// count.
func endOfPlainText(in bytes: Span<UInt8>, from start: Int) -> Int {
    endOfRun(in: bytes, from: start) { ($0 == 34).octet | ($0 == 92).octet | ($0 < 32).octet }
}
