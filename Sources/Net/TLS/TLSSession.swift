final class TLSSession {}
extension Connection {
    func receiveTLS<R>(within limit: Duration, idle: Bool, _ body: (Span<UInt8>) -> R)
        async throws(StreamError) -> R?
    { nil }
    func sendTLS(_ bytes: [UInt8], within limit: Duration) async throws(StreamError) {}
    func sendGoodbye(within limit: Duration) async throws(StreamError) {}
    func sayGoodbye() {}
}
