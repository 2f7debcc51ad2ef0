import Crypto
import Mail
import Store

/// Signs mail as it goes out.
struct MailSigner: Sendable {
    private let keys: [DKIMKey]
    private let clock: @Sendable () -> Timestamp

    /// Nil without keys.
    init?(_ keys: [DKIMKey], clock: @escaping @Sendable () -> Timestamp) {
        guard !keys.isEmpty else { return nil }
        self.keys = keys
        self.clock = clock
    }

    /// The fields to put above the content. It is read to its end for them, a piece at a time.
    /// `isRaw`: its lines go out as they are, not as DATA sends them.
    func fields(over content: ContentFeed, isRaw: Bool) async throws(StoreError) -> [UInt8] {
        var signing = DKIMSigning(keys, at: clock())
        var endings = LineEndings()
        while !signing.isIdle, let piece = try await content.next() {
            if isRaw {
                signing.read(piece.span)
            } else {
                var lines: [UInt8] = []
                endings.normalise(piece.span, into: &lines)
                signing.read(lines.span)
            }
        }
        do throws(CryptoError) {
            return try signing.finish()
        } catch {
            throw .unavailable("it cannot be signed: \(error)")
        }
    }
}

extension ContentFeed {
    func preceded(by octets: [UInt8]) -> ContentFeed {
        guard !octets.isEmpty else { return self }
        var start: [UInt8]? = octets
        return ContentFeed { () async throws(StoreError) in
            guard let octets = start.take() else { return try await next() }
            // In one with what follows: a small mail stays one write.
            return octets + (try await next() ?? [])
        }
    }
}
