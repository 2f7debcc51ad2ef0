package import Mail

extension HTTPFields {
    /// The hops of `X-Forwarded-For`, the nearest last; nil in the place of what is no address.
    package var forwardedFor: [IPAddress?] {
        all("X-Forwarded-For").flatMap {
            $0.split(separator: ",", omittingEmptySubsequences: false)
        }
        .map { Self.hop($0) }
    }

    /// An address as balancers write it: bare, in brackets, with a port behind it.
    private static func hop(_ text: Substring) -> IPAddress? {
        let word = text.drop { $0 == " " || $0 == "\t" }
            .prefix { $0 != " " && $0 != "\t" }
        if word.first == "[" {
            return word.firstIndex(of: "]").flatMap { IPAddress(String(word[..<$0].dropFirst())) }
        }
        let parts = word.split(separator: ":", omittingEmptySubsequences: false)
        return IPAddress(String(parts.count == 2 ? parts[0] : word))
    }
}
