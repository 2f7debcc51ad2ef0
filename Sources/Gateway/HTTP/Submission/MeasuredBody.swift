import Crypto

/// A body that is counted and digested as it passes.
final class MeasuredBody: RequestBody {
    private let body: any RequestBody
    private let limit: Int
    private var digest: SHA256?
    private var octets = 0
    private var finished: [UInt8]?

    /// `prefix` goes into the digest first: what else makes a request the same.
    init(_ body: any RequestBody, limit: Int, digestedAfter prefix: String?) {
        self.body = body
        self.limit = limit
        guard let prefix else { return }
        var digest = SHA256()
        digest.update(Array(prefix.utf8).span)
        self.digest = digest
    }

    func next() async throws(Problem) -> [UInt8]? {
        guard let piece = try await body.next() else { return nil }
        octets += piece.count
        guard octets <= limit else { throw .tooLarge(limit: limit) }
        digest?.update(piece.span)
        return piece
    }

    /// What was read, and the prefix, in one number; nil where none was asked for.
    func fingerprint() -> [UInt8]? {
        if finished == nil { finished = digest?.finish() }
        return finished
    }
}
