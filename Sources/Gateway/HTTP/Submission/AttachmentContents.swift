import Mail
import Store
import Wire

/// The contents of a request's attachments as they stream in, each under a number, each encoded
/// for mail on the way.
final class AttachmentContents {
    private struct Open {
        var decoder = Base64Decoder()
        var encoder = Base64Encoder()
        let buffer: ContentBuffer
    }

    private let store: MailStore
    /// What stands before the fragments' pointers.
    let place: String
    private var open: [Int: Open] = [:]
    private var pieces: [Int: [Piece]] = [:]
    private(set) var problems: [Problem.Item] = []

    init(store: MailStore, below place: String = "") {
        self.store = store
        self.place = place
    }

    /// A piece of a JSON string that holds base64.
    func receive(_ fragment: JSONFragment) async throws(StoreError) {
        var content = open[fragment.stream] ?? Open(buffer: ContentBuffer(store: store))
        var decoded: [UInt8] = []
        do throws(Base64Error) {
            try content.decoder.decode(fragment.octets.span, into: &decoded)
            if fragment.isLast { try content.decoder.finish() }
        } catch {
            note(place + fragment.pointer, error)
        }
        try await append(decoded, to: &content, under: fragment.stream, isLast: fragment.isLast)
    }

    /// A piece of a file as it is.
    func receive(_ octets: [UInt8], under number: Int, isLast: Bool) async throws(StoreError) {
        var content = open[number] ?? Open(buffer: ContentBuffer(store: store))
        try await append(octets, to: &content, under: number, isLast: isLast)
    }

    private func append(
        _ octets: [UInt8],
        to content: inout Open,
        under number: Int,
        isLast: Bool
    ) async throws(StoreError) {
        var encoded: [UInt8] = []
        content.encoder.encode(octets.span, into: &encoded)
        if isLast { content.encoder.finish(into: &encoded) }
        if !encoded.isEmpty { try await content.buffer.append(encoded) }
        open[number] = isLast ? nil : content
        if isLast { pieces[number] = try await content.buffer.finish().map { [$0] } ?? [] }
    }

    private func note(_ pointer: String, _ error: Base64Error) {
        // The fragments of one string follow each other.
        guard problems.last?.pointer != pointer else { return }
        problems.append(.init(pointer, "invalid_base64", "content must be base64: \(error)"))
    }

    /// The composed mail with every attachment in its place. The contents are the mail's from now on.
    func assemble(_ segments: [Draft.Segment], after trace: [UInt8]) -> [Piece] {
        var assembled: [Piece] = [.octets(trace)]
        for segment in segments {
            switch segment {
            case .octets(let octets): assembled.join(.octets(octets))
            case .elsewhere(let number):
                for piece in pieces.removeValue(forKey: number) ?? [] { assembled.join(piece) }
            }
        }
        return assembled
    }

    /// Gives up what no mail took over.
    func abandon() {
        for content in open.values { content.buffer.abandon() }
        for content in pieces.values { store.discard(content) }
        (open, pieces) = ([:], [:])
    }
}
