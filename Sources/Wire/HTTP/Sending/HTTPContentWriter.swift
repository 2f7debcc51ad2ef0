import Mail

/// Writes a message's content piece by piece, as its head announced it.
package struct HTTPContentWriter: Sendable, Equatable {
    let isChunked: Bool
    /// Nothing is written: the answer to HEAD, or a status without content.
    let isSilent: Bool
    /// False when the connection must be closed behind the content.
    package let keepsAlive: Bool

    package func write(_ octets: Span<UInt8>, to output: inout [UInt8]) {
        // An empty chunk would end the content, RFC 9112 §7.1.
        guard !isSilent, !octets.isEmpty else { return }
        guard isChunked else { return output.append(octets) }
        output.reserveCapacity(output.count + octets.count + 20)
        output.append(contentsOf: String(octets.count, radix: 16).utf8)
        HTTPFieldText.appendLineEnd(to: &output)
        output.append(octets)
        HTTPFieldText.appendLineEnd(to: &output)
    }

    /// Call it once, behind the last piece.
    package func finish(to output: inout [UInt8]) {
        if isChunked, !isSilent { output.append(contentsOf: "0\r\n\r\n".utf8) }
    }
}
