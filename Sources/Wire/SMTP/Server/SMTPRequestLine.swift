/// A request line of HTTP (RFC 9112 §3) at the SMTP door: other people's browsers can be made to send
/// one to a mail port, and so can a webhook with the wrong port.
struct SMTPRequestLine {
    private static let methods: Set<String> = [
        "GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "CONNECT", "TRACE",
    ]
    /// What can be read of a longer step of a path is a key, or might be.
    private static let longestStep = 16

    /// As much as a log may show: a target can hold a key, and its host and query tell nothing more.
    let excerpt: String

    /// Nil for a line that is none.
    init?(_ line: [UInt8]) {
        let words = line.split(whereSeparator: \.isBlank)
        guard words.count > 1, let method = words.first, method.count <= 16,
            method.allSatisfy({ 65...90 ~= $0 & 0xdf })
        else { return nil }
        let name = String(decoding: method.map(\.uppercasedLetter), as: UTF8.self)
        let version = words.last.flatMap { $0.starts(with: "HTTP/".utf8) ? $0.prefix(8) : nil }
        guard version != nil || Self.methods.contains(name) else { return nil }
        let shown = [Array(method), Self.shown(words[1])] + (version.map { [Array($0)] } ?? [])
        excerpt = shown.map { String(decoding: $0.map(\.shown), as: UTF8.self) }
            .joined(separator: " ")
    }

    private static func shown(_ target: ArraySlice<UInt8>) -> [UInt8] {
        guard target.first == UInt8(ascii: "/") else { return Array("...".utf8) }
        let step = target.dropFirst().prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        guard step.count <= longestStep else { return Array("/...".utf8) }
        let isWhole = step.endIndex == target.endIndex
        return [UInt8(ascii: "/")] + step + (isWhole ? [] : Array("/...".utf8))
    }
}

extension UInt8 {
    fileprivate var shown: UInt8 { 33...126 ~= self ? self : UInt8(ascii: "?") }
}
