/// What the content of a mail is made of (RFC 6152 §3, RFC 3030 §3).
package enum SMTPBody: String, Hashable, Sendable {
    case sevenBit = "7BIT"
    case eightBitMIME = "8BITMIME"
    /// Octets without lines; only BDAT can carry them.
    case binaryMIME = "BINARYMIME"
}
